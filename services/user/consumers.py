"""What user listens to: registrations make profiles, a changed address is noted in them, bookings open the time for reviews."""

from datetime import UTC
from typing import Any

from marketplace.auth.v1.events_pb2 import AccountRegistered, EmailChanged
from marketplace.booking.v1.events_pb2 import BookingCompleted, BookingConfirmed

from mesh.events.subscription import Delivery, Subscription
from services.user.wire import profile_of
from services.user.workflows.profiles import ProfileWorkflows
from services.user.workflows.reviews import ReviewWorkflows


def subscriptions(profiles: ProfileWorkflows, reviews: ReviewWorkflows) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    async def create_profile(event: AccountRegistered, _delivery: Delivery) -> None:
        await profiles.create(profile_of(event))

    async def note_email(event: EmailChanged, _delivery: Delivery) -> None:
        await profiles.note_email(event.account_id, event.email)

    async def note_confirmed(event: BookingConfirmed, _delivery: Delivery) -> None:
        await reviews.note_booking(event.booking_id, event.customer_id, event.provider_id, None)

    async def note_completed(event: BookingCompleted, _delivery: Delivery) -> None:
        complete_time = event.complete_time.ToDatetime(UTC)
        await reviews.note_booking(event.booking_id, event.customer_id, event.provider_id, complete_time)

    return [
        Subscription(AccountRegistered, create_profile, "create_profile"),
        Subscription(EmailChanged, note_email, "note_email"),
        Subscription(BookingConfirmed, note_confirmed, "note_confirmed"),
        Subscription(BookingCompleted, note_completed, "note_completed"),
    ]
