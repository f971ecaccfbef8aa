"""How lists are read page by page: newest first, equals by id, on from the last item of the page before."""

from typing import Any

from services.booking.ports import Cursor

NEWEST_FIRST = [("create_time", -1), ("_id", -1)]


def after_cursor(cursor: Cursor | None) -> dict[str, Any]:
    """The part of a query that leaves out everything up to the cursor."""
    if cursor is None:
        return {}
    same_time = {"create_time": cursor.create_time, "_id": {"$lt": cursor.item_id}}
    return {"$or": [{"create_time": {"$lt": cursor.create_time}}, same_time]}
