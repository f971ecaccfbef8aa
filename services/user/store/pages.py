"""How lists are read page by page: by time and then by id."""

from typing import Any

from services.user.ports import After


def beyond(after: After, time_field: str, *, is_newest_first: bool = True) -> dict[str, Any]:
    """The part of a query that leaves out everything up to the last item of the page before."""
    if after is None:
        return {}
    time, item_id = after
    further = "$lt" if is_newest_first else "$gt"
    return {"$or": [{time_field: {further: time}}, {time_field: time, "_id": {further: item_id}}]}
