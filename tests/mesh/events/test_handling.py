"""What happens to one record: an effect once, with all that belongs to it, or a dead letter. No broker is needed for this."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, cast

import pytest

from mesh.errors import Conflict, DeadlinePassed, LimitReached, Unavailable
from mesh.events.broker import Broker, Record, Sent
from mesh.events.dead_letters import DeadLetter, TooManyDeadLettersError, read, revive
from mesh.events.handling import Handling, InboxRow
from mesh.events.outbox import OutboxRow
from mesh.events.subscription import Delivery, Subscription
from mesh.tracing import current_trace
from tests.mesh.events.flow import HANDLING, Handler, Publisher, Subscriber, metric, opened
from tests.mesh.events.records import WHEN, received, record_of
from tests.mesh.proxy import proxied
from tests.mesh.waiting import until
from tests.support.infrastructure import DATABASE_URL, Running


class Grave:
    """Takes dead letters, or is out of reach for so many times."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.outages = 0

    async def send(self, records: Sequence[Record]) -> list[Sent | None]:
        if self.outages:
            self.outages -= 1
            if self.outages % 2:
                return [None]
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The event broker does not answer.")
        self.letters += [read(received(record)) for record in records]
        return [Sent(0, len(self.letters))]


class Failing:
    """Fails so often, after it has written, and then lets the subscriber note the event."""

    def __init__(self, subscriber: Subscriber, error: Exception, times: int = 1_000_000) -> None:
        self._subscriber = subscriber
        self._error = error
        self._left = times
        self.runs = 0

    async def __call__(self, event: Any, delivery: Delivery) -> None:
        self.runs += 1
        await self._subscriber.note(event, delivery)
        if self._left:
            self._left -= 1
            raise self._error


@pytest.fixture
def grave() -> Grave:
    return Grave()


def handling(subscriber: Subscriber, grave: Grave, *handlers: Handler, **settings: Any) -> Handling:
    """Handlers are called note, note2, note3 …"""
    named = [
        Subscription(subscriber.publisher.event, handler, f"note{number if number > 1 else ''}")
        for number, handler in enumerate(handlers or (subscriber.note,), 1)
    ]
    made = replace(HANDLING, **settings)
    return Handling(subscriber.service, subscriber.database, cast(Broker, grave), named, made)


@pytest.fixture
async def other(database_server: Running, publisher: Publisher) -> AsyncIterator[Subscriber]:
    """Another service that listens to the same publisher."""
    async with AsyncExitStack() as stack:
        yield Subscriber(await stack.enter_async_context(opened(database_server.url)), publisher)


async def test_an_event_takes_effect_once_however_often_it_comes(subscriber: Subscriber, grave: Grave) -> None:
    record = received(record_of(subscriber.publisher, "a", 1))
    seen_before = metric("mesh_events_seen_before_total", handler="note")
    handle = handling(subscriber, grave).handle
    for _ in range(3):
        await handle(record)
    await asyncio.gather(*(handle(record) for _ in range(5)))
    assert await subscriber.numbers("a") == [1]
    assert metric("mesh_events_seen_before_total", handler="note") - seen_before == 7
    assert grave.letters == []


async def test_a_handler_is_told_what_came_with_the_event_and_works_in_its_trace(subscriber: Subscriber, grave: Grave) -> None:
    traces = []

    async def note(_: Any, delivery: Delivery) -> None:
        traces.append(current_trace().trace_id)
        subscriber.deliveries.append(delivery)

    record = received(
        record_of(subscriber.publisher, "a", 1, ce_id=b"evt_1", traceparent=f"00-{'e' * 32}-{'f' * 16}-01".encode()), 9
    )
    await handling(subscriber, grave, note).handle(record)
    topic = subscriber.publisher.topic
    assert subscriber.deliveries == [Delivery("evt_1", WHEN, "a", f"00-{'e' * 32}-{'f' * 16}-01", topic, 0, 9)]
    assert traces == ["e" * 32]


async def test_effect_inbox_row_and_what_the_handler_publishes_are_one(subscriber: Subscriber, grave: Grave) -> None:
    inbox, outbox = subscriber.database.collection(InboxRow), subscriber.database.collection(OutboxRow)

    async def answer(event: Any, delivery: Delivery) -> None:
        await subscriber.note(event, delivery)
        await subscriber.database.publish(subscriber.publisher.event(thing_id="answer"))
        if len(subscriber.attempts) < 3:
            raise RuntimeError("a defect that passes")

    await handling(subscriber, grave, answer).handle(received(record_of(subscriber.publisher, "a", 1)))
    assert len(subscriber.attempts) == 3
    assert await subscriber.numbers("a") == [1]
    assert await inbox.count({}) == 1
    assert await outbox.count({}) == 1


@pytest.mark.parametrize(
    "error, runs", [(RuntimeError("a defect"), 4), (Conflict("STALE_VERSION", "Somebody else was first."), 20)]
)
async def test_a_handler_that_fails_each_time_leaves_a_letter_and_nothing_else(
    error: Exception, runs: int, subscriber: Subscriber, grave: Grave
) -> None:
    failing = Failing(subscriber, error)
    record = received(record_of(subscriber.publisher, "a", 1), 5)
    await handling(subscriber, grave, failing, longest_pause_seconds=0.01).handle(record)
    assert failing.runs == runs
    assert await subscriber.numbers("a") == []
    assert await subscriber.database.collection(InboxRow).count({}) == 0
    (letter,) = grave.letters
    assert letter.cause == f"{type(error).__name__}: {error}"
    assert (letter.handler, letter.topic, letter.offset) == (f"{subscriber.service}/note", subscriber.publisher.topic, 5)


@pytest.mark.parametrize("kind", [Unavailable, DeadlinePassed, LimitReached])
async def test_an_outage_is_waited_out_however_long_it_takes(kind: Any, subscriber: Subscriber, grave: Grave) -> None:
    failing = Failing(subscriber, kind("DEPENDENCY_UNAVAILABLE", "Not now."), times=30)
    await handling(subscriber, grave, failing, longest_pause_seconds=0.01).handle(
        received(record_of(subscriber.publisher, "a", 1))
    )
    assert failing.runs == 31
    assert await subscriber.numbers("a") == [1]
    assert grave.letters == []


async def test_one_handler_that_fails_does_not_keep_the_others_from_their_effect(subscriber: Subscriber, grave: Grave) -> None:
    failing = Failing(subscriber, RuntimeError("a defect"))
    await handling(subscriber, grave, failing, subscriber.note).handle(received(record_of(subscriber.publisher, "a", 1)))
    assert await subscriber.numbers("a") == [1]
    assert [letter.handler for letter in grave.letters] == [f"{subscriber.service}/note"]


async def test_each_handler_takes_effect_once_although_one_has_to_be_repeated(subscriber: Subscriber, grave: Grave) -> None:
    record = received(record_of(subscriber.publisher, "a", 1))
    failing = Failing(subscriber, RuntimeError("a defect"), times=4)
    made = handling(subscriber, grave, subscriber.note, failing)
    await made.handle(record)
    await made.handle(record)
    assert await subscriber.numbers("a") == [1, 1]
    assert len(grave.letters) == 1


async def test_bytes_that_are_no_event_are_put_aside_at_once(subscriber: Subscriber, grave: Grave) -> None:
    poison = replace(record_of(subscriber.publisher, "a", 1), value=b"\x0a\xff\xff\xff")
    await handling(subscriber, grave).handle(received(poison))
    (letter,) = grave.letters
    assert letter.cause.startswith("DecodeError")
    assert letter.record.value == poison.value
    assert subscriber.attempts == []


async def test_an_event_that_nobody_subscribed_to_is_passed_over(subscriber: Subscriber, grave: Grave) -> None:
    record = record_of(subscriber.publisher, "a", 1, ce_type=b"marketplace.user.v2.ProfileMerged")
    await handling(subscriber, grave).handle(received(record))
    assert grave.letters == []
    assert subscriber.attempts == []


async def test_a_letter_is_kept_until_the_broker_takes_it(subscriber: Subscriber, grave: Grave) -> None:
    grave.outages = 6
    await handling(subscriber, grave).handle(received(record_of(subscriber.publisher, "a", 1, ce_id=None)))
    assert [letter.cause for letter in grave.letters] == ["MalformedRecordError: the header 'ce_id' is missing"]


async def test_too_many_letters_end_it_before_the_next_one_is_sent(subscriber: Subscriber, grave: Grave) -> None:
    made = handling(subscriber, grave, most_dead_letters=2)
    poison = received(record_of(subscriber.publisher, "a", 1, ce_id=None))
    await made.handle(poison)
    await made.handle(poison)
    with pytest.raises(TooManyDeadLettersError):
        await made.handle(poison)
    assert len(grave.letters) == 2


async def test_a_letter_that_comes_back_is_for_the_handler_that_had_failed(
    subscriber: Subscriber, other: Subscriber, grave: Grave
) -> None:
    failing = Failing(subscriber, RuntimeError("a defect"), times=4)
    made = handling(subscriber, grave, failing, subscriber.note)
    made_too = handling(other, Grave())
    await made.handle(received(record_of(subscriber.publisher, "a", 1)))
    assert await subscriber.numbers("a") == [1]
    again = received(revive(grave.letters[0]))
    for _ in range(2):
        await made.handle(again)
        await made_too.handle(again)
    assert await subscriber.numbers("a") == [1, 1]
    assert await other.numbers("a") == []


async def test_a_letter_that_could_not_be_read_comes_back_to_its_service_and_to_no_other(
    subscriber: Subscriber, other: Subscriber, grave: Grave
) -> None:
    others = Grave()
    unreadable = record_of(subscriber.publisher, "a", 1, ce_time=b"yesterday")
    await handling(subscriber, grave).handle(received(unreadable))
    again = revive(grave.letters[0])
    await handling(other, others).handle(received(again))
    assert others.letters == []
    await handling(subscriber, grave).handle(received(again))
    assert len(grave.letters) == 2, "nothing has become better"
    mended = [(name, b"2026-11-24T10:30:00Z" if name == "ce_time" else value) for name, value in again.headers]
    await handling(subscriber, grave).handle(received(replace(again, headers=mended)))
    assert await subscriber.numbers("a") == [1]


async def test_a_database_that_is_out_of_reach_is_waited_for(
    database_server: Running, publisher: Publisher, grave: Grave
) -> None:
    async with (
        proxied(database_server.program.address) as proxy,
        opened(DATABASE_URL.format(proxy.address), timeout_seconds=0.3) as database,
    ):
        subscriber = Subscriber(database, publisher)
        proxy.hold()
        retried = metric("mesh_events_retried_total", handler="note")
        handled = asyncio.create_task(handling(subscriber, grave).handle(received(record_of(publisher, "a", 1))))
        await until(lambda: metric("mesh_events_retried_total", handler="note") - retried >= 2)
        proxy.release()
        await handled
        assert await subscriber.numbers("a") == [1]
    assert grave.letters == []
