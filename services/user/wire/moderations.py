"""Reports and decisions."""

from datetime import datetime

from marketplace.user.v1 import review_moderation_service_pb2 as pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb

from services.user.model.moderation import Action, Moderation, Report
from services.user.model.review import Review
from services.user.wire.reviews import whole_review_to_wire


def action_from_wire(action: "pb.ModerationAction.ValueType") -> Action:
    """What was decided."""
    return Action(pb.ModerationAction.Name(action).removeprefix("MODERATION_ACTION_"))


def reason_from_wire(reason: "reviews_pb.ReportReason.ValueType") -> str:
    """Why a review was reported."""
    return reviews_pb.ReportReason.Name(reason).removeprefix("REPORT_REASON_")


def moderated_to_wire(review: Review) -> pb.ModeratedReview:
    """A review as administrators see it."""
    is_reply_hidden = review.reply is not None and review.reply.is_hidden
    return pb.ModeratedReview(review=whole_review_to_wire(review), is_hidden=review.is_hidden, is_reply_hidden=is_reply_hidden)


def report_to_wire(report: Report, review: Review) -> pb.ReviewReport:
    """A report with what it is about."""
    message = pb.ReviewReport(
        report_id=report.report_id,
        review=moderated_to_wire(review),
        reporter_id=report.reporter_id,
        ground=reviews_pb.ReportReason.Value(f"REPORT_REASON_{report.reason}"),
        note=report.note,
    )
    message.report_time.FromDatetime(report.report_time)
    return message


def moderation_to_wire(moderation: Moderation) -> pb.Moderation:
    """One decision of the trace."""
    message = pb.Moderation(
        action=pb.ModerationAction.Value(f"MODERATION_ACTION_{moderation.action}"),
        reason=moderation.reason,
        moderator_id=moderation.moderator_id,
    )
    message.moderation_time.FromDatetime(moderation.moderation_time)
    return message


def place_of(item: tuple[Report, Review]) -> tuple[datetime | None, str]:
    """What the list of reports is sorted by."""
    return item[0].report_time, item[0].report_id
