"""What analytics listens to, and what each event makes true of which subject."""

from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.booking.v1.events_pb2 import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    OfferAccepted,
    OfferMade,
    ServiceRequested,
)
from marketplace.payment.v1.events_pb2 import PaymentCaptured
from marketplace.user.v1.events_pb2 import RatingChanged

from mesh.events.subscription import Delivery, Subscription
from services.analytics.model import Mark, Rating
from services.analytics.wire import charge_of
from services.analytics.workflows import AnalyticsWorkflows

E = TypeVar("E", bound=Message)


def subscriptions(workflows: AnalyticsWorkflows) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    def marking(
        event_class: type[E], mark: Mark, subject_of: Callable[[E], str], provider_of: Callable[[E], str] | None = None
    ) -> Subscription[E]:
        async def handle(event: E, delivery: Delivery) -> None:
            await workflows.note(
                mark,
                subject_of(event),
                shard=_shard(delivery),
                time=delivery.occurred_time,
                provider_id=provider_of(event) if provider_of else "",
                charge=charge_of(event) if isinstance(event, PaymentCaptured) else None,
            )

        return Subscription(event_class, handle, f"mark_{mark}")

    async def rate(event: RatingChanged, delivery: Delivery) -> None:
        revision = event.revision or event.rating_count  # publishers without revisions: there the count never falls
        rating = Rating(event.rating, event.rating_count, delivery.occurred_time, revision)
        await workflows.note_rating(event.account_id, rating)

    return [
        marking(AccountRegistered, Mark.REGISTERED, lambda event: event.account_id),
        marking(ServiceRequested, Mark.REQUESTED, lambda event: event.request_id),
        marking(OfferMade, Mark.MADE, lambda event: event.offer_id, lambda event: event.provider_id),
        marking(OfferAccepted, Mark.ACCEPTED, lambda event: event.offer_id, lambda event: event.provider_id),
        marking(BookingConfirmed, Mark.CONFIRMED, lambda event: event.booking_id, lambda event: event.provider_id),
        marking(BookingCompleted, Mark.COMPLETED, lambda event: event.booking_id, lambda event: event.provider_id),
        marking(BookingCancelled, Mark.CANCELLED, lambda event: event.booking_id, lambda event: event.provider_id),
        marking(PaymentCaptured, Mark.CAPTURED, lambda event: event.payment_id, lambda event: event.provider_id),
        Subscription(RatingChanged, rate, "rate"),
    ]


def _shard(delivery: Delivery) -> str:
    return f"{delivery.topic}/{delivery.partition}"
