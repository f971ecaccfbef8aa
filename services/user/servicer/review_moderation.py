"""ReviewModerationService: one short method per RPC."""

from marketplace.user.v1 import review_moderation_service_pb2 as pb
from marketplace.user.v1.review_moderation_service_pb2_grpc import ReviewModerationServiceServicer

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.user.wire.moderations import action_from_wire, moderated_to_wire, moderation_to_wire, place_of, report_to_wire
from services.user.wire.pages import after_from_wire, cut
from services.user.workflows.moderation import ModerationWorkflows


class ReviewModerationServicer(ReviewModerationServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: ModerationWorkflows) -> None:
        self._workflows = workflows

    async def ListReviewReports(self, request: pb.ListReviewReportsRequest, context: Context) -> pb.ListReviewReportsResponse:
        limit, after = page_limit(request.page), after_from_wire(request.page.page_token)
        shown, page = cut(await self._workflows.open_reports(after, limit + 1), limit, place_of)
        return pb.ListReviewReportsResponse(reports=[report_to_wire(*each) for each in shown], page=page)

    async def ModerateReview(self, request: pb.ModerateReviewRequest, context: Context) -> pb.ModerateReviewResponse:
        moderator_id, action = current_account().account_id, action_from_wire(request.action)
        review = await self._workflows.moderate(request.review_id, action, request.reason, moderator_id)
        return pb.ModerateReviewResponse(review=moderated_to_wire(review))

    async def ListModerations(self, request: pb.ListModerationsRequest, context: Context) -> pb.ListModerationsResponse:
        found = await self._workflows.trace(request.review_id)
        return pb.ListModerationsResponse(moderations=[moderation_to_wire(each) for each in found])
