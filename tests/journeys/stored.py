"""What the services of a running stack have stored about some accounts and bookings, to be compared: nothing has changed."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pymongo
from bson import json_util
from pymongo.database import Database
from redis import Redis

from mesh.local.stack import SERVICES, Stack
from tests.journeys.subscriptions import subscribed

_OF_THE_MESH = ("outbox", "inbox", "outbox_lease")  # they tell how far events have come, which moves by itself
_HOW_FAR_A_MAIL_CAME = ("attempts", "due_time", "email_state", "email_to", "state", "title", "body", "version")
_MAILED = ("notifications", "security_mails")  # collections of what is worded and mailed, and tried again later if need be
_QUIET_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.1

Stored = Mapping[str, str]
"""Each document and each Redis value by its place, as text."""


async def stored(stack: Stack, about: Iterable[str] = ()) -> Stored:
    """What mentions one of these ids; everything when there are none."""
    return await asyncio.to_thread(lambda: dict(_read(stack, tuple(about))))


async def settled(stack: Stack, about: Iterable[str]) -> Stored:
    """The same, once events have run their course: everybody has handled theirs, and nothing has changed for a second."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    seen, since = await stored(stack, about), time.monotonic()
    while time.monotonic() < since + _QUIET_SECONDS:
        assert time.monotonic() < give_up, f"what is stored does not come to rest: {changes(seen, await stored(stack, about))}"
        await asyncio.sleep(_POLL_SECONDS)
        now = await stored(stack, about)
        if now != seen or await asyncio.to_thread(_is_on_its_way, stack, tuple(about)):
            seen, since = now, time.monotonic()
    return seen


def changes(before: Stored, after: Stored) -> dict[str, tuple[str, str]]:
    """What is different, as it was and as it is."""
    places = sorted(before.keys() | after.keys())
    return {each: (before.get(each, ""), after.get(each, "")) for each in places if before.get(each) != after.get(each)}


def _read(stack: Stack, about: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    def concerns(text: str) -> bool:
        return not about or any(each in text for each in about)

    for reader in (_documents, _values):
        yield from ((place, text) for place, text in reader(stack) if concerns(place + text))


def _documents(stack: Stack) -> Iterator[tuple[str, str]]:
    with pymongo.MongoClient[dict[str, Any]](stack.urls["database"]) as client:
        for service in SERVICES:
            database = client[f"marketplace_{service}"]
            for name in database.list_collection_names():
                for document in database[name].find() if name not in _OF_THE_MESH else ():
                    by_itself = _HOW_FAR_A_MAIL_CAME if name in _MAILED else ()
                    told = {field: value for field, value in document.items() if field not in by_itself}
                    yield f"{service}.{name}.{document['_id']}", json_util.dumps(told, sort_keys=True)


def _is_on_its_way(stack: Stack, about: tuple[str, ...]) -> bool:
    """Whether there is an event about them that somebody who wants to know it has not handled yet."""
    with pymongo.MongoClient[dict[str, Any]](stack.urls["database"]) as client:
        handled = {service: _handled(client[f"marketplace_{service}"]) for service in SERVICES}
        rows = [row for service in SERVICES for row in client[f"marketplace_{service}"]["outbox"].find()]
    ours = [row for row in rows if any(each.encode() in row["payload"] for each in about)]
    return any(
        row["_id"] not in handled[service]
        for row in ours
        for service in SERVICES
        if row["type"] in subscribed(service).get(row["topic"], ())
    )


def _handled(database: Database[dict[str, Any]]) -> set[str]:
    return {str(row["_id"]).partition("/")[0] for row in database["inbox"].find()}


def _values(stack: Stack) -> Iterator[tuple[str, str]]:
    with Redis.from_url(stack.urls["cache"]) as redis:
        readers: dict[bytes, Callable[[bytes], object]] = {
            b"string": redis.get,
            b"hash": redis.hgetall,
            b"stream": redis.xrange,
            b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
            b"set": lambda key: sorted(redis.smembers(key)),
            b"list": lambda key: redis.lrange(key, 0, -1),
        }
        for key in redis.scan_iter():
            kind = redis.type(key)
            if kind != b"none":  # it has expired since
                yield f"redis.{key.decode()}", repr(readers[kind](key))
