"""Bookings."""

from datetime import datetime

from mesh.storage.mongo import Database
from services.booking.model.booking import Booking, BookingState
from services.booking.model.money import Money
from services.booking.model.period import Period
from services.booking.model.place import Place
from services.booking.ports import Cursor
from services.booking.store.documents import BookingDocument
from services.booking.store.pages import NEWEST_FIRST, after_cursor


class StoredBookings:
    """The bookings of everybody."""

    def __init__(self, database: Database) -> None:
        self._bookings = database.collection(BookingDocument)

    async def find(self, booking_id: str) -> Booking | None:
        document = await self._bookings.get(booking_id)
        return None if document is None else _booking(document)

    async def add(self, booking: Booking, next_attempt: datetime) -> None:
        document = _document(booking)
        document.attempt_time = next_attempt
        await self._bookings.insert(document)

    async def put(self, booking: Booking) -> None:
        await self._bookings.replace(_document(booking))

    async def page(self, account_id: str, after: Cursor | None, most: int) -> list[Booking]:
        query = {"parties": account_id, **after_cursor(after)}
        return [_booking(document) for document in await self._bookings.find(query, sort=NEWEST_FIRST, limit=most)]

    async def take_unpaid(self, now: datetime, next_attempt: datetime, most: int) -> list[Booking]:
        waits = {"state": BookingState.AWAITING_PAYMENT.value}
        query = {**waits, "attempt_time": {"$lte": now}}
        taken = []
        for document in await self._bookings.find(query, sort=[("attempt_time", 1)], limit=most):
            is_untaken = {"_id": document.id, **waits, "attempt_time": document.attempt_time}
            if await self._bookings.update_one(is_untaken, {"$set": {"attempt_time": next_attempt}}):
                taken.append(_booking(document))
        return taken


def _document(booking: Booking) -> BookingDocument:
    return BookingDocument(
        id=booking.booking_id,
        version=booking.version,
        request_id=booking.request_id,
        offer_id=booking.offer_id,
        parties=[booking.customer_id, booking.provider_id],
        category_id=booking.category_id,
        start=booking.period.start,
        end=booking.period.end,
        latitude=booking.place.latitude,
        longitude=booking.place.longitude,
        currency_code=booking.price.currency_code,
        price_minor=booking.price.amount_minor,
        commission_minor=booking.commission.amount_minor,
        payment_method=booking.payment_method,
        create_time=booking.create_time,
        state=booking.state.value,
        confirm_time=booking.confirm_time,
        is_declined=booking.is_declined,
        move_reason=booking.move_reason,
    )


def _booking(document: BookingDocument) -> Booking:
    customer_id, provider_id = document.parties
    return Booking(
        booking_id=document.id,
        version=document.version,
        request_id=document.request_id,
        offer_id=document.offer_id,
        customer_id=customer_id,
        provider_id=provider_id,
        category_id=document.category_id,
        period=Period(document.start, document.end),
        place=Place(document.latitude, document.longitude),
        price=Money(document.currency_code, document.price_minor),
        commission=Money(document.currency_code, document.commission_minor),
        payment_method=document.payment_method,
        create_time=document.create_time,
        state=BookingState(document.state),
        confirm_time=document.confirm_time,
        is_declined=document.is_declined,
        move_reason=document.move_reason,
    )
