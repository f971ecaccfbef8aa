"""Shapes that all of booking's messages share: time, money, places, pages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.common.v1 import geo_pb2, money_pb2, page_pb2

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor, page_limit
from services.booking.model.money import Money
from services.booking.model.place import Place
from services.booking.ports import Cursor

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_CURSOR_PARTS = 2


class Listed(Protocol):
    """What every item of a list has."""

    @property
    def create_time(self) -> datetime: ...


I = TypeVar("I", bound=Listed)  # noqa: E741 - an item


def read_time(timestamp: Timestamp) -> datetime:
    """The moment in milliseconds, which is what is stored; beyond the years 1970 to 2199 the nearest in them.

    So no calculation can overflow; those moments are refused as too far or as a wrong period all the same.
    """
    seconds = min(max(timestamp.seconds, 0), int(_LATEST.timestamp()))
    milliseconds = min(max(timestamp.nanos, 0) // 1_000_000, 999)
    return min(_EARLIEST + timedelta(seconds=seconds, milliseconds=milliseconds), _LATEST)


def write_time(moment: datetime) -> Timestamp:
    """The moment as a message."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def read_duration(duration: Duration) -> timedelta:
    """The duration in milliseconds."""
    return timedelta(seconds=duration.seconds, milliseconds=duration.nanos // 1_000_000)


def read_money(money: money_pb2.Money) -> Money:
    """The amount."""
    return Money(money.currency_code, money.amount_minor)


def write_money(money: Money) -> money_pb2.Money:
    """The amount as a message."""
    return money_pb2.Money(currency_code=money.currency_code, amount_minor=money.amount_minor)


def read_place(point: geo_pb2.GeoPoint) -> Place:
    """The place."""
    return Place(point.latitude, point.longitude)


def write_place(place: Place) -> geo_pb2.GeoPoint:
    """The place as a message."""
    return geo_pb2.GeoPoint(latitude=place.latitude, longitude=place.longitude)


def read_page(page: page_pb2.PageRequest) -> tuple[Cursor | None, int]:
    """After which item the page begins and how many it has at most. Raises InvalidInput (PAGE_TOKEN_INVALID)."""
    limit = page_limit(page)
    if not page.page_token:
        return None, limit
    moment, item_id = decode_cursor(page.page_token, _CURSOR_PARTS)
    if not (moment.isascii() and moment.isdecimal() and len(moment) <= 13):
        raise InvalidInput("PAGE_TOKEN_INVALID", "This page token is not one that this list gave.")
    return Cursor(_EARLIEST + timedelta(milliseconds=int(moment)), item_id), limit


def write_page(found: Sequence[tuple[str, I]], limit: int) -> tuple[list[I], page_pb2.PageResponse]:
    """The items of a page and where the list goes on, given the items with their ids, one more than the page if there is more."""
    items = [item for _, item in found[:limit]]
    if len(found) <= limit:
        return items, page_pb2.PageResponse()
    last_id, last = found[limit - 1]
    milliseconds = (last.create_time - _EARLIEST) // timedelta(milliseconds=1)
    return items, page_pb2.PageResponse(next_page_token=encode_cursor(str(milliseconds), last_id))
