"""What the contract says, in user's own words, and back."""

from datetime import UTC, datetime

from marketplace.auth.v1 import auth_service_pb2 as auth
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.user.v1 import events_pb2 as events
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor
from services.user.model import Profile, Rating, Review


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


def changes_from_wire(request: profiles_pb.UpdateMyProfileRequest) -> dict[str, str | bool]:
    """The fields that the mask names, with their new values; a field that the request does not have is named all the same."""
    return {path: getattr(request, path, "") for path in request.update_mask.paths}


def profile_to_wire(profile: Profile) -> profiles_pb.Profile:
    """A person's own profile."""
    return profiles_pb.Profile(
        account_id=profile.account_id,
        display_name=profile.display_name,
        email=profile.email,
        locale=profile.locale,
        time_zone=profile.time_zone,
        email_enabled=profile.email_enabled,
        is_customer=profile.is_customer,
        is_provider=profile.is_provider,
        etag=str(profile.version),
    )


def provider_to_wire(profile: Profile, rating: Rating) -> profiles_pb.PublicProvider:
    """What everybody may know of a provider."""
    return profiles_pb.PublicProvider(
        provider_id=profile.account_id, display_name=profile.display_name, rating=rating.mean, rating_count=rating.count
    )


def contact_to_wire(profile: Profile) -> profiles_pb.GetContactResponse:
    """How to reach a person."""
    return profiles_pb.GetContactResponse(
        display_name=profile.display_name,
        email=profile.email,
        locale=profile.locale,
        time_zone=profile.time_zone,
        email_enabled=profile.email_enabled,
    )


def review_to_wire(review: Review) -> reviews_pb.Review:
    """A review as its readers see it."""
    message = reviews_pb.Review(
        review_id=review.review_id,
        booking_id=review.booking_id,
        author_id=review.author_id,
        subject_id=review.subject_id,
        rating=review.stars,
        comment=review.comment,
    )
    if review.publish_time is not None:
        message.publish_time.FromDatetime(review.publish_time)
    return message


def cursor_after(review: Review) -> str:
    """The page token of what comes after this published review."""
    time = review.publish_time
    return encode_cursor(str(int(time.timestamp() * 1000)) if time else "0", review.review_id)


def cursor_from_wire(token: str) -> tuple[datetime, str] | None:
    """Where the page begins. Raises InvalidInput (PAGE_TOKEN_INVALID)."""
    if not token:
        return None
    milliseconds, review_id = decode_cursor(token, 2)
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 15):
        raise InvalidInput("PAGE_TOKEN_INVALID", "This page token is not one that this list gave.")
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), review_id


def profile_changed(profile: Profile) -> events.ProfileChanged:
    """Tells of a new or changed profile."""
    return events.ProfileChanged(
        account_id=profile.account_id,
        display_name=profile.display_name,
        is_provider=profile.is_provider,
        time_zone=profile.time_zone,
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
    return events.RatingChanged(account_id=rating.account_id, rating=rating.mean, rating_count=rating.count)
