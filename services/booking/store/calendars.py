"""The slot guard: no provider's time is ever taken twice.

One document for each provider and day in UTC lists every hold of that day. Taking time reads the days that it touches, checks the
overlap there (model/calendar.py) and writes them in the same snapshot transaction as the booking. Two transactions that take
time of one provider on one day write the same document, whatever the exact times: the database lets only one of them commit, and
the other runs again and sees the first one's hold. Nothing depends on Redis, on clocks or on locks that could be lost.

Days, and not unique cells of 15 minutes: bookings may begin at any minute, and cells would refuse neighbours that do not overlap.
Days exist before a transaction writes to them (`open`), since databases tell two concurrent inserts of one id in different ways.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from mesh.storage.mongo import Database, DuplicateKey
from services.booking.model.calendar import CalendarDay, Hold
from services.booking.model.period import Period
from services.booking.store.documents import CalendarDayDocument


class StoredCalendars:
    """The days of all providers."""

    def __init__(self, database: Database) -> None:
        self._days = database.collection(CalendarDayDocument)

    async def taken(self, provider_ids: Sequence[str], period: Period) -> dict[str, list[Period]]:
        ids = [_id(provider_id, day) for provider_id in provider_ids for day in period.utc_days()]
        found: dict[str, set[Period]] = {}
        for document in await self._days.find({"_id": {"$in": ids}}):
            day = _day(document)
            for hold in day.holds:
                if hold.period.overlaps(period):
                    found.setdefault(day.provider_id, set()).add(hold.period)
        return {provider_id: sorted(periods) for provider_id, periods in found.items()}

    async def open(self, provider_id: str, period: Period) -> None:
        for day in period.utc_days():
            if await self._days.get(_id(provider_id, day)) is None:
                with suppress(DuplicateKey):
                    await self._days.insert(CalendarDayDocument(id=_id(provider_id, day)))

    async def hold(self, provider_id: str, booking_id: str, period: Period) -> None:
        for number in period.utc_days():
            document = await self._require(provider_id, number)
            day = _day(document)
            await self._put(document, day, day.with_hold(Hold(booking_id, period)))

    async def free(self, provider_id: str, booking_id: str, period: Period) -> None:
        for number in period.utc_days():
            document = await self._require(provider_id, number)
            day = _day(document)
            await self._put(document, day, day.without_booking(booking_id))

    async def _require(self, provider_id: str, day: date) -> CalendarDayDocument:
        document = await self._days.get(_id(provider_id, day))
        if document is None:
            raise RuntimeError(f"the calendar of {day} was not opened")
        return document

    async def _put(self, document: CalendarDayDocument, old: CalendarDay, new: CalendarDay) -> None:
        if new is old:
            return
        document.holds = [
            {"booking_id": hold.booking_id, "start": hold.period.start, "end": hold.period.end} for hold in new.holds
        ]
        await self._days.replace(document)


def _id(provider_id: str, day: date) -> str:
    return f"{provider_id}:{day.isoformat()}"


def _day(document: CalendarDayDocument) -> CalendarDay:
    provider_id, _, day = document.id.partition(":")
    holds = tuple(Hold(each["booking_id"], Period(each["start"], each["end"])) for each in document.holds)
    return CalendarDay(provider_id, date.fromisoformat(day), holds)
