"""People and bookings for the tests of user, brought about as events bring them."""

from datetime import UTC, datetime
from typing import Any

from marketplace.auth.v1 import auth_service_pb2 as auth
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.booking.v1.events_pb2 import BookingCancelled, BookingCompleted, BookingConfirmed
from marketplace.user.v1 import review_service_pb2 as reviews_pb
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceStub

from mesh.call import Account
from mesh.ids import new_id
from tests.support.service import Backing, ServiceUnderTest


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        return self.moment


async def person(user: ServiceUnderTest, backing: Backing, role: str) -> Account:
    """Somebody who registered."""
    account = backing.account(role)
    roles = [auth.AccountRole.Value(f"ACCOUNT_ROLE_{role.upper()}")]
    event = AccountRegistered(
        account_id=account.account_id, roles=roles, email="x@example.com", display_name="X", locale="pt-BR", time_zone="UTC"
    )
    event_id = await user.deliver(event)
    await user.deliver(event, event_id)
    return account


def parties(booking_id: str, customer: Account, provider: Account) -> dict[str, Any]:
    """What every event of a booking says."""
    return {"booking_id": booking_id, "customer_id": customer.account_id, "provider_id": provider.account_id}


async def confirmed(user: ServiceUnderTest, customer: Account, provider: Account, booking_id: str = "") -> str:
    """A booking that will take place."""
    booking_id = booking_id or new_id("bkg")
    await user.deliver(BookingConfirmed(**parties(booking_id, customer, provider)))
    return booking_id


async def cancelled(user: ServiceUnderTest, customer: Account, provider: Account, booking_id: str = "") -> str:
    """A booking that was called off."""
    booking_id = booking_id or new_id("bkg")
    await user.deliver(BookingCancelled(**parties(booking_id, customer, provider)))
    return booking_id


async def completed(user: ServiceUnderTest, customer: Account, provider: Account, clock: SetClock, booking_id: str = "") -> str:
    """A booking whose work is done."""
    booking_id = booking_id or new_id("bkg")
    event = BookingCompleted(**parties(booking_id, customer, provider))
    event.complete_time.FromDatetime(clock.now())
    await user.deliver(event)
    return booking_id


def review(user: ServiceUnderTest, who: Account, booking_id: str, stars: int, comment: str = "", **more: Any) -> Any:
    """Submits a review."""
    request = reviews_pb.SubmitReviewRequest(booking_id=booking_id, rating=stars, comment=comment, **more)
    return user.stub(ReviewServiceStub, who).SubmitReview(request)


def reply(user: ServiceUnderTest, who: Account, review_id: str, text: str) -> Any:
    """Answers a review."""
    return user.stub(ReviewServiceStub, who).ReplyToReview(reviews_pb.ReplyToReviewRequest(review_id=review_id, text=text))


async def published_review(
    user: ServiceUnderTest, customer: Account, provider: Account, clock: SetClock, *, stars: int, comment: str = ""
) -> str:
    """The id of a customer's review that everybody sees."""
    booking_id = await completed(user, customer, provider, clock)
    taken = await review(user, customer, booking_id, stars, comment)
    await review(user, provider, booking_id, 5)
    return str(taken.review.review_id)
