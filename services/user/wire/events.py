"""Events, in and out."""

from marketplace.auth.v1 import auth_service_pb2 as auth
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.user.v1 import events_pb2 as events

from services.user.model.profile import Profile
from services.user.model.rating import Rating
from services.user.model.relation import Block
from services.user.model.review import Review


def profile_of(event: AccountRegistered) -> Profile:
    """The profile that a registration begins."""
    return Profile(
        account_id=event.account_id,
        display_name=event.display_name,
        email=event.email,
        locale=event.locale,
        time_zone=event.time_zone,
        is_customer=auth.ACCOUNT_ROLE_CUSTOMER in event.roles,
        is_provider=auth.ACCOUNT_ROLE_PROVIDER in event.roles,
    )


def profile_changed(profile: Profile) -> events.ProfileChanged:
    """Tells of a new or changed profile."""
    return events.ProfileChanged(
        account_id=profile.account_id,
        display_name=profile.display_name,
        is_provider=profile.is_provider,
        time_zone=profile.time_zone,
        is_verified=profile.is_verified,
    )


def review_published(review: Review) -> events.ReviewPublished:
    """Tells of a review that became visible."""
    event = events.ReviewPublished(
        review_id=review.review_id,
        booking_id=review.booking_id,
        author_id=review.author_id,
        subject_id=review.subject_id,
        rating=review.stars,
    )
    if review.publish_time is not None:
        event.publish_time.FromDatetime(review.publish_time)
    return event


def rating_changed(rating: Rating) -> events.RatingChanged:
    """Tells of a rating that moved."""
    return events.RatingChanged(
        account_id=rating.account_id,
        rating=rating.stars.mean,
        rating_count=rating.stars.count,
        revision=rating.revision,
        score=rating.score,
    )


def block_changed(block: Block) -> events.BlockChanged:
    """Tells of a block, or of its end."""
    return events.BlockChanged(
        blocker_id=block.blocker_id, blocked_id=block.blocked_id, is_blocked=block.is_blocked, revision=block.revision
    )
