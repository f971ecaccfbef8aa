"""Payments, the append-only ledger and the provider's messages that were taken, in MongoDB."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import mongoengine

from mesh.ids import derived_id
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.payment.model.ledger import Entry, EntryKind, Money, Posting
from services.payment.model.payment import Payment, PaymentState, Refusal, Terms
from services.payment.wire import event_of

T = TypeVar("T")

_NOTICES_KEPT_SECONDS = 30 * 24 * 3600  # Stripe repeats an event for three days
_REFUSED = "REFUSED"  # in place of a payment's state; never told to anybody


class PaymentDocument(StoredDocument):
    """A booking's payment or refusal; its id follows from the booking, so that there is one of either."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "payments",
        "indexes": [{"fields": ("due_time",), "sparse": True}, ("customer_id", "_id"), ("provider_id", "_id")],
    }

    booking_id: Any = mongoengine.StringField(required=True)
    state: Any = mongoengine.StringField(required=True)
    customer_id: Any = mongoengine.StringField()
    provider_id: Any = mongoengine.StringField()
    currency: Any = mongoengine.StringField()
    amount: Any = mongoengine.LongField()  # what is held; this and the following are minor units
    agreed_commission: Any = mongoengine.LongField()
    price: Any = mongoengine.LongField()
    commission: Any = mongoengine.LongField()
    payment_method: Any = mongoengine.StringField()
    intent_id: Any = mongoengine.StringField()
    code: Any = mongoengine.StringField()
    is_held: Any = mongoengine.BooleanField()
    attempt_count: Any = mongoengine.IntField()
    create_time: Any = mongoengine.DateTimeField()
    due_time: Any = mongoengine.DateTimeField()  # absent: nothing is open


class LedgerDocument(StoredDocument):
    """One journal entry; inserted once, never changed."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ledger", "indexes": [("booking_id", "sequence")]}

    booking_id: Any = mongoengine.StringField(required=True)
    kind: Any = mongoengine.StringField(required=True)
    sequence: Any = mongoengine.IntField(required=True)
    postings: Any = mongoengine.ListField(mongoengine.DictField())
    book_time: Any = mongoengine.DateTimeField(required=True)


class NoticeDocument(StoredDocument):
    """Says that the provider's event with this id has taken effect."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "notices",
        "indexes": [{"fields": ("notice_time",), "expireAfterSeconds": _NOTICES_KEPT_SECONDS}],
    }

    notice_time: Any = mongoengine.DateTimeField(required=True)


class StoredPayments:
    """The port Payments on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._payments = database.collection(PaymentDocument)
        self._ledger = database.collection(LedgerDocument)
        self._notices = database.collection(NoticeDocument)

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._database.transaction(work)

    async def find(self, booking_id: str) -> Payment | Refusal | None:
        found = await self._payments.get(_id_of(booking_id))
        if found is None:
            return None
        return Refusal(booking_id) if found.state == _REFUSED else _payment(found)

    async def add(self, payment: Payment) -> None:
        await self._payments.insert(_document(payment))

    async def refuse(self, refusal: Refusal) -> None:
        booking_id = refusal.booking_id
        await self._payments.insert(PaymentDocument(id=_id_of(booking_id), booking_id=booking_id, state=_REFUSED))

    async def save(self, payment: Payment) -> None:
        await self._payments.replace(_document(payment))
        if payment.entries:
            await self._ledger.insert_many([_entry_document(entry) for entry in payment.entries])
        for fact, time in payment.facts:
            await self._database.publish(event_of(payment, fact, time))

    async def due(self, now: datetime, limit: int) -> list[str]:
        found = await self._payments.find({"due_time": {"$lte": now}}, sort=[("due_time", 1)], limit=limit)
        return [document.booking_id for document in found]

    async def entries(self, booking_id: str) -> list[Entry]:
        found = await self._ledger.find({"booking_id": booking_id}, sort=[("sequence", 1)])
        return [_entry(document) for document in found]

    async def is_noticed(self, event_id: str) -> bool:
        return await self._notices.get(event_id) is not None

    async def notice(self, event_id: str, now: datetime) -> None:
        await self._notices.insert(NoticeDocument(id=event_id, notice_time=now))


def _id_of(booking_id: str) -> str:
    return derived_id("pay", booking_id)


def _document(payment: Payment) -> PaymentDocument:
    terms = payment.terms
    return PaymentDocument(
        id=payment.payment_id,
        version=payment.version,
        booking_id=terms.booking_id,
        state=payment.state.value,
        customer_id=terms.customer_id,
        provider_id=terms.provider_id,
        currency=terms.amount.currency,
        amount=terms.amount.minor,
        agreed_commission=terms.commission.minor,
        price=payment.price.minor,
        commission=payment.commission.minor,
        payment_method=payment.payment_method,
        intent_id=payment.intent_id,
        code=payment.code,
        is_held=payment.is_held,
        attempt_count=payment.attempt_count,
        create_time=payment.create_time,
        due_time=payment.due_time,
    )


def _payment(found: PaymentDocument) -> Payment:
    def money(minor: int) -> Money:
        return Money(found.currency, minor)

    return Payment(
        payment_id=found.id,
        terms=Terms(found.booking_id, found.customer_id, found.provider_id, money(found.amount), money(found.agreed_commission)),
        payment_method=found.payment_method,
        create_time=found.create_time,
        price=money(found.price),
        commission=money(found.commission),
        due_time=found.due_time,
        state=PaymentState(found.state),
        intent_id=found.intent_id,
        code=found.code,
        is_held=found.is_held,
        attempt_count=found.attempt_count,
        version=found.version,
    )


def _entry_document(entry: Entry) -> LedgerDocument:
    return LedgerDocument(
        id=entry.entry_id,
        booking_id=entry.booking_id,
        kind=entry.kind.value,
        sequence=list(EntryKind).index(entry.kind),
        postings=[
            {"account": each.account, "currency": each.amount.currency, "minor": each.amount.minor} for each in entry.postings
        ],
        book_time=entry.book_time,
    )


def _entry(found: LedgerDocument) -> Entry:
    postings = tuple(Posting(each["account"], Money(each["currency"], each["minor"])) for each in found.postings)
    return Entry(found.id, found.booking_id, EntryKind(found.kind), postings, found.book_time)
