"""Reviews, replies, and what they add up to."""

from datetime import datetime

from marketplace.user.v1 import review_service_pb2 as pb

from services.user.model.rating import Rating, Sum
from services.user.model.review import Review, SubRatings


def review_to_wire(review: Review) -> pb.Review:
    """A review as everybody sees it: without a reply that is hidden."""
    is_shown = review.reply is not None and not review.reply.is_hidden
    return whole_review_to_wire(review) if is_shown else _review(review)


def whole_review_to_wire(review: Review) -> pb.Review:
    """A review with its reply, hidden or not."""
    message = _review(review)
    if review.reply is not None:
        message.reply = review.reply.text
        message.reply_time.FromDatetime(review.reply.reply_time)
    return message


def sub_ratings_from_wire(wire: pb.SubRatings) -> SubRatings:
    """What was rated beside the whole."""
    return SubRatings(wire.punctuality, wire.quality, wire.communication)


def summary_to_wire(rating: Rating) -> pb.RatingSummary:
    """What reviews add up to."""
    return pb.RatingSummary(
        rating=rating.stars.mean,
        rating_count=rating.stars.count,
        score=rating.score,
        punctuality=_mean(rating.punctuality),
        quality=_mean(rating.quality),
        communication=_mean(rating.communication),
    )


def place_of(review: Review) -> tuple[datetime | None, str]:
    """What the list of published reviews is sorted by."""
    return review.publish_time, review.review_id


def _review(review: Review) -> pb.Review:
    message = pb.Review(
        review_id=review.review_id,
        booking_id=review.booking_id,
        author_id=review.author_id,
        subject_id=review.subject_id,
        rating=review.stars,
        comment=review.comment,
    )
    rated = review.sub_ratings
    if rated != SubRatings():
        message.sub_ratings.CopyFrom(
            pb.SubRatings(punctuality=rated.punctuality, quality=rated.quality, communication=rated.communication)
        )
    if review.publish_time is not None:
        message.publish_time.FromDatetime(review.publish_time)
    return message


def _mean(part: Sum) -> pb.SubRatingMean:
    return pb.SubRatingMean(rating=part.mean, rating_count=part.count)
