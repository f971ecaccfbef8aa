"""What user listens to: registrations make profiles, accounts change and are erased, bookings let their parties meet."""

from datetime import UTC
from typing import Any

from marketplace.auth.v1.events_pb2 import AccountErased, AccountRegistered, EmailChanged
from marketplace.booking.v1.events_pb2 import BookingCancelled, BookingCompleted, BookingConfirmed

from mesh.events.subscription import Delivery, Subscription
from services.user.model.engagement import Engagement
from services.user.wire.events import profile_of
from services.user.workflows.engagements import EngagementWorkflows
from services.user.workflows.privacy import PrivacyWorkflows
from services.user.workflows.profiles import ProfileWorkflows


def subscriptions(
    profiles: ProfileWorkflows, engagements: EngagementWorkflows, privacy: PrivacyWorkflows
) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    async def create_profile(event: AccountRegistered, _delivery: Delivery) -> None:
        await profiles.create(profile_of(event))

    async def note_email(event: EmailChanged, _delivery: Delivery) -> None:
        await profiles.note_email(event.account_id, event.email)

    async def erase(event: AccountErased, _delivery: Delivery) -> None:
        await privacy.follow_erasure(event.account_id)

    async def note_confirmed(event: BookingConfirmed, _delivery: Delivery) -> None:
        await engagements.note_confirmed(_engagement(event))

    async def note_completed(event: BookingCompleted, _delivery: Delivery) -> None:
        await engagements.note_completed(_engagement(event), event.complete_time.ToDatetime(UTC))

    async def note_cancelled(event: BookingCancelled, _delivery: Delivery) -> None:
        await engagements.note_cancelled(_engagement(event))

    return [
        Subscription(AccountRegistered, create_profile, "create_profile"),
        Subscription(EmailChanged, note_email, "note_email"),
        Subscription(AccountErased, erase, "erase"),
        Subscription(BookingConfirmed, note_confirmed, "note_confirmed"),
        Subscription(BookingCompleted, note_completed, "note_completed"),
        Subscription(BookingCancelled, note_cancelled, "note_cancelled"),
    ]


def _engagement(event: BookingConfirmed | BookingCompleted | BookingCancelled) -> Engagement:
    return Engagement(event.booking_id, event.customer_id, event.provider_id)
