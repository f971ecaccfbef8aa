"""Reviews and the pages that they come in."""

from datetime import UTC, datetime

from marketplace.user.v1 import review_service_pb2 as pb

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor
from services.user.model.review import Review


def review_to_wire(review: Review) -> pb.Review:
    """A review as its readers see it."""
    message = pb.Review(
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
