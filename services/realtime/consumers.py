"""What realtime listens to, and whom each event is told."""

from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message
from marketplace.booking.v1 import booking_service_pb2 as booking
from marketplace.booking.v1.events_pb2 import BookingStateChanged, OfferMade
from marketplace.chat.v1.events_pb2 import MessageSent
from marketplace.payment.v1.events_pb2 import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentVoided
from marketplace.user.v1.events_pb2 import PersonErased

from mesh.events.subscription import Delivery, Subscription
from services.realtime.model import BookingNotice, MessageNotice, Notice, OfferNotice, PaymentNotice, Told
from services.realtime.ports import Ports
from services.realtime.workflows.telling import tell

E = TypeVar("E", bound=Message)

_UNDER_WAY = (booking.BOOKING_STATE_EN_ROUTE, booking.BOOKING_STATE_IN_PROGRESS)


def subscriptions(ports: Ports) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    def telling(event_class: type[E], name: str, notice: Callable[[E], Notice], *recipients: str) -> Subscription[E]:
        """Tells the accounts that these fields of the event name."""

        async def handle(event: E, delivery: Delivery) -> None:
            told = Told(notice(event), delivery.occurred_time)
            await tell(ports, delivery.event_id, {getattr(event, field): told for field in recipients})

        return Subscription(event_class, handle, name)

    async def end_trip(event: BookingStateChanged, _delivery: Delivery) -> None:
        if event.old_state in _UNDER_WAY and event.new_state not in _UNDER_WAY:
            await ports.locations.close(event.booking_id)

    async def erase(event: PersonErased, _delivery: Delivery) -> None:
        await ports.history.forget(event.account_id)

    return [
        Subscription(PersonErased, erase, "erase"),
        telling(OfferMade, "tell_offer", lambda e: OfferNotice(e.offer_id, e.request_id, e.category_id), "provider_id"),
        telling(BookingStateChanged, "tell_booking", _booking_notice, "customer_id", "provider_id"),
        telling(MessageSent, "tell_message", lambda e: MessageNotice(e.booking_id, e.message_id, e.sequence), "recipient_id"),
        telling(PaymentAuthorized, "tell_authorized", lambda e: PaymentNotice(e.booking_id, "authorized"), "customer_id"),
        telling(PaymentFailed, "tell_failed", lambda e: PaymentNotice(e.booking_id, "failed"), "customer_id"),
        telling(PaymentVoided, "tell_voided", lambda e: PaymentNotice(e.booking_id, "voided"), "customer_id"),
        telling(
            PaymentCaptured, "tell_captured", lambda e: PaymentNotice(e.booking_id, "captured"), "customer_id", "provider_id"
        ),
        Subscription(BookingStateChanged, end_trip, "end_trip"),
    ]


def _booking_notice(event: BookingStateChanged) -> BookingNotice:
    return BookingNotice(event.booking_id, booking.BookingState.Name(event.new_state))
