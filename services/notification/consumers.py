"""What notification listens to, and whom each event is told."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.auth.v1.events_pb2 import SecurityMailRequested
from marketplace.booking.v1.events_pb2 import BookingCancelled, BookingCompleted, BookingConfirmed, OfferMade
from marketplace.chat.v1.events_pb2 import MessageSent
from marketplace.common.v1.money_pb2 import Money
from marketplace.payment.v1.events_pb2 import PaymentCaptured
from marketplace.user.v1 import document_pb2 as documents
from marketplace.user.v1.events_pb2 import DocumentExpiring, DocumentStateChanged, PersonErased, ReviewPublished

from mesh.events.subscription import Delivery, Subscription
from mesh.ids import derived_id
from services.notification.model import Notification
from services.notification.security.model import SecurityMail
from services.notification.security.workflows import SecurityMailWorkflows
from services.notification.workflows import NotificationWorkflows

E = TypeVar("E", bound=Message)
Told = list[tuple[str, str, dict[str, str]]]
"""Recipient, type and facts of each notification that an event gives rise to."""


def subscriptions(
    workflows: NotificationWorkflows,
    security: SecurityMailWorkflows,
    wake: Callable[[], object],
    erase_person: Callable[[str], Awaitable[None]],
) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    def telling(event_class: type[E], name: str, tell: Callable[[E], Told]) -> Subscription[E]:
        async def handle(event: E, delivery: Delivery) -> None:
            for recipient_id, kind, facts in tell(event):
                notification_id = derived_id("ntf", delivery.event_id, recipient_id)
                booking_id = getattr(event, "booking_id", "")
                await workflows.take(Notification(notification_id, recipient_id, kind, booking_id, delivery.occurred_time, facts))
            wake()

        handler: Callable[[E, Delivery], Awaitable[None]] = handle
        return Subscription(event_class, handler, name)

    async def take_security_mail(event: SecurityMailRequested, delivery: Delivery) -> None:
        await security.take(SecurityMail(event.mail_id, event.account_id, delivery.occurred_time))
        wake()

    async def erase(event: PersonErased, _delivery: Delivery) -> None:
        await erase_person(event.account_id)
        await workflows.close(event.account_id)

    return [
        Subscription(PersonErased, erase, "erase"),
        Subscription(SecurityMailRequested, take_security_mail, "take_security_mail"),
        telling(OfferMade, "tell_offer", lambda e: [(e.provider_id, "offer_made", _facts(e.net, e.start_time))]),
        telling(BookingConfirmed, "tell_confirmed", lambda e: _both(e, "booking_confirmed", _facts(e.price, e.start_time))),
        telling(BookingCompleted, "tell_completed", lambda e: _both(e, "booking_completed", {})),
        telling(BookingCancelled, "tell_cancelled", lambda e: _both(e, "booking_cancelled", {})),
        telling(MessageSent, "tell_message", lambda e: [(e.recipient_id, "message_sent", {})]),
        telling(PaymentCaptured, "tell_captured", _receipt_and_payout),
        telling(ReviewPublished, "tell_review", lambda e: [(e.subject_id, "review_published", {"stars": str(e.rating)})]),
        telling(DocumentStateChanged, "tell_document", _document_news),
        telling(DocumentExpiring, "tell_expiring", _expiry),
    ]


def _both(event: Any, kind: str, facts: dict[str, str]) -> Told:
    return [(event.customer_id, kind, facts), (event.provider_id, kind, facts)]


def _receipt_and_payout(event: PaymentCaptured) -> Told:
    return [
        (event.customer_id, "payment_receipt", _facts(event.amount)),
        (event.provider_id, "payout_booked", _facts(event.net)),
    ]


_TOLD_STATES = {
    documents.DOCUMENT_STATE_APPROVED: "document_approved",
    documents.DOCUMENT_STATE_REJECTED: "document_rejected",
    documents.DOCUMENT_STATE_EXPIRED: "document_expired",
}


def _document_news(event: DocumentStateChanged) -> Told:
    kind = _TOLD_STATES.get(event.state)
    return [(event.account_id, kind, {"document": _document(event)})] if kind else []


def _expiry(event: DocumentExpiring) -> Told:
    facts = {"document": _document(event), "expire_time": event.expire_time.ToDatetime(UTC).isoformat()}
    return [(event.account_id, "document_expiring", facts)]


def _document(event: DocumentStateChanged | DocumentExpiring) -> str:
    return documents.DocumentKind.Name(event.kind).removeprefix("DOCUMENT_KIND_").lower()


def _facts(money: Money, start_time: Timestamp | None = None) -> dict[str, str]:
    facts = {"currency": money.currency_code, "amount_minor": str(money.amount_minor)}
    return facts if start_time is None else facts | {"start_time": start_time.ToDatetime(UTC).isoformat()}
