"""What payment listens to: the end of a booking, one way or the other, and erasures."""

from collections.abc import Awaitable, Callable
from typing import Any

from marketplace.booking.v1.events_pb2 import BookingCancelled, BookingCompleted
from marketplace.user.v1.events_pb2 import PersonErased

from mesh.events.subscription import Delivery, Subscription
from services.payment.wire import money_from_wire
from services.payment.workflows import PaymentWorkflows


def subscriptions(
    workflows: PaymentWorkflows, look_soon: Callable[[], object], erase_person: Callable[[str], Awaitable[None]]
) -> list[Subscription[Any]]:
    """The table of what is subscribed to. `look_soon` lets the worker run shortly after the transaction of the event."""

    async def capture(event: BookingCompleted, delivery: Delivery) -> None:
        await workflows.complete(event.booking_id, money_from_wire(event.price), money_from_wire(event.commission))
        look_soon()

    async def void(event: BookingCancelled, delivery: Delivery) -> None:
        await workflows.cancel(event.booking_id)
        look_soon()

    async def erase(event: PersonErased, _delivery: Delivery) -> None:
        await erase_person(event.account_id)

    return [
        Subscription(PersonErased, erase, "erase"),
        Subscription(BookingCompleted, capture, "capture_completed_booking"),
        Subscription(BookingCancelled, void, "void_cancelled_booking"),
    ]
