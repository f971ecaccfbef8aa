"""Pages of what is sorted by time and id."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from marketplace.common.v1.page_pb2 import PageResponse

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor

T = TypeVar("T")


def cut(found: Sequence[T], limit: int, place_of: Callable[[T], tuple[datetime | None, str]]) -> tuple[Sequence[T], PageResponse]:
    """The items of one page, of which one more was looked for, and where the list goes on."""
    shown = found[:limit]
    return shown, PageResponse(next_page_token=_token(*place_of(shown[-1])) if len(found) > limit else "")


def after_from_wire(token: str) -> tuple[datetime, str] | None:
    """Where the page begins. Raises InvalidInput (PAGE_TOKEN_INVALID)."""
    if not token:
        return None
    milliseconds, item_id = decode_cursor(token, 2)
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 15):
        raise InvalidInput("PAGE_TOKEN_INVALID", "This page token is not one that this list gave.")
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), item_id


def _token(time: datetime | None, item_id: str) -> str:
    return encode_cursor(str(round(time.timestamp() * 1000)) if time else "0", item_id)
