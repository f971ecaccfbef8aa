"""What was committed is sent: all of it, in order for each key, with what its receivers need to know."""

import asyncio
import time

from mesh.errors import Unavailable
from mesh.events.broker import Broker, KafkaSettings, Record, Sent
from mesh.events.cloudevents import from_headers
from mesh.events.dead_letters import ReceivedRecord
from mesh.events.lease import Lease, RelayLease
from mesh.events.relay import RelaySettings
from mesh.tracing import Trace, enter_trace
from tests.mesh.events.flow import Publisher, lying_in, metric, opened, running
from tests.mesh.proxy import proxied
from tests.mesh.waiting import until
from tests.support.infrastructure import DATABASE_URL, Running


def numbers_in(publisher: Publisher, records: list[ReceivedRecord], key: str) -> list[int]:
    return [publisher.event.FromString(record.value or b"").number for record in records if record.key == key.encode()]


async def test_events_are_sent_in_the_order_of_their_key_and_marked_with_where_they_lie(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    async with running(publisher.relay(broker).run()):
        await asyncio.gather(*(publisher.publish(key, *range(1, 11)) for key in "abcdef"))
        await until(publisher.all_sent)
    records = await lying_in(kafka, publisher.topic)
    assert len(records) == 60
    for key in "abcdef":
        assert numbers_in(publisher, records, key) == list(range(1, 11))
        assert len({record.partition for record in records if record.key == key.encode()}) == 1
    ids = await broker.topic_ids([publisher.topic])
    lie = {from_headers(record.headers).event_id: (record.partition, record.offset) for record in records}
    for row in await publisher.rows.find({}):
        assert row.topic_id == ids[publisher.topic]
        assert (row.partition, row.offset) == lie[row.id]
        assert row.sent_time >= row.created_time


async def test_a_record_carries_the_headers_of_a_cloudevent_and_its_trace(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    enter_trace(Trace("c" * 32, "d" * 16))
    await publisher.publish("a", 1)
    async with running(publisher.relay(broker).run()):
        await until(publisher.all_sent)
    (row,) = await publisher.rows.find({})
    (record,) = await lying_in(kafka, publisher.topic)
    assert record.key == b"a"
    assert record.value == row.payload
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": row.id.encode(),
        "ce_type": publisher.event.DESCRIPTOR.full_name.encode(),
        "ce_source": f"/marketplace/{publisher.service}".encode(),
        "ce_time": row.created_time.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode(),
        "content-type": b"application/protobuf",
        "traceparent": f"00-{'c' * 32}-{'d' * 16}-01".encode(),
    }


async def test_a_commit_wakes_the_relay_at_once(publisher: Publisher, broker: Broker) -> None:
    slow = RelaySettings(poll_seconds=30, check_seconds=60, lease_seconds=60)
    async with running(publisher.relay(broker, slow).run()):
        await publisher.publish("a", 1)
        await until(publisher.all_sent, 5)
        await publisher.publish("a", 2)
        assert await until(publisher.all_sent, 5) < 2


async def test_an_event_of_another_process_is_found_without_being_woken(publisher: Publisher, broker: Broker) -> None:
    relay = publisher.relay(broker)
    publisher.database._published.clear()
    async with running(relay.run()):
        await publisher.publish("a", 1)
        await until(publisher.all_sent, 5)


class Dying(Broker):
    """Sends, and the process is killed before it hears of it."""

    def __init__(self, kafka: KafkaSettings) -> None:
        super().__init__(kafka)
        self.has_sent = asyncio.Event()

    async def send(self, records: "list[Record] | tuple[Record, ...]") -> list[Sent | None]:  # type: ignore[override]
        await super().send(records)
        self.has_sent.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_what_was_sent_and_not_marked_is_sent_again(publisher: Publisher, broker: Broker, kafka: KafkaSettings) -> None:
    dying = Dying(kafka)
    await publisher.publish("a", 1, 2, 3)
    async with running(publisher.relay(dying).run()):
        await asyncio.wait_for(dying.has_sent.wait(), 10)
        await publisher.publish("a", 4)
    await dying.close()
    assert await publisher.unsent() == 4
    async with running(publisher.relay(broker).run()):
        await until(publisher.all_sent)
    records = await lying_in(kafka, publisher.topic)
    assert numbers_in(publisher, records, "a") == [1, 2, 3, 1, 2, 3, 4]
    assert len({from_headers(record.headers).event_id for record in records}) == 4


class Failing(Broker):
    """Acknowledges so many records, then none until it may."""

    def __init__(self, kafka: KafkaSettings, acknowledged: int) -> None:
        super().__init__(kafka)
        self.acknowledged = acknowledged
        self.attempts: list[float] = []

    async def send(self, records: "list[Record] | tuple[Record, ...]") -> list[Sent | None]:  # type: ignore[override]
        self.attempts.append(time.monotonic())
        now, self.acknowledged = self.acknowledged, max(self.acknowledged - len(records), 0)
        if not now:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The event broker does not answer.")
        sent = await super().send(records[:now])
        return sent + [None] * (len(records) - len(sent))


async def test_what_was_acknowledged_is_marked_although_the_rest_of_the_batch_was_not(
    publisher: Publisher, kafka: KafkaSettings
) -> None:
    failing = Failing(kafka, 2)
    await publisher.publish("a", 1, 2, 3, 4)
    async with running(publisher.relay(failing).run()):
        await until(lambda: len(failing.attempts) > 1)
        marked = await publisher.rows.find({"sent_time": {"$ne": None}}, sort=[("sequence", 1)])
        assert [row.sequence for row in marked] == [1, 2]
        failing.acknowledged = 1000
        await until(publisher.all_sent)
    await failing.close()
    assert numbers_in(publisher, await lying_in(kafka, publisher.topic), "a") == [1, 2, 3, 4]


async def test_it_tries_again_after_growing_pauses_and_backlog_and_age_are_seen(
    publisher: Publisher, kafka: KafkaSettings
) -> None:
    failing = Failing(kafka, 0)
    failures = metric("mesh_relay_failures_total")
    await publisher.publish("a", *range(1, 6))
    settings = RelaySettings(poll_seconds=0.05, lease_seconds=5, longest_pause_seconds=0.4, batch_size=2)
    async with running(publisher.relay(failing, settings).run()):
        await until(lambda: len(failing.attempts) >= 6)
        assert metric("mesh_outbox_backlog") == 5
        assert metric("mesh_outbox_age_seconds") > 0.7
        assert metric("mesh_relay_leading") == 1
        pauses = [later - earlier for earlier, later in zip(failing.attempts, failing.attempts[1:], strict=False)]
        assert pauses[0] < pauses[1] < pauses[2]
        assert pauses[3] < 1.2, "the pause has a limit"
        assert metric("mesh_relay_failures_total") - failures >= 5
        failing.acknowledged = 1000
        await until(publisher.all_sent)
        await until(lambda: metric("mesh_outbox_backlog") == 0 and metric("mesh_outbox_age_seconds") == 0)
    assert metric("mesh_relay_leading") == 0
    await failing.close()


async def test_a_relay_that_does_not_lead_waits_quietly_also_when_its_process_publishes(
    database_server: Running, broker: Broker
) -> None:
    async with proxied(database_server.program.address) as proxy, opened(DATABASE_URL.format(proxy.address)) as database:
        publisher = Publisher(database)
        assert await Lease(database, "somebody else", 60).hold()
        settings = RelaySettings(poll_seconds=0.2, lease_seconds=60)
        async with running(publisher.relay(broker, settings).run()):
            await publisher.publish("a", 1)
            before = proxy.requests
            assert await until(lambda: proxy.requests >= before + 4) > 0.4
        assert await publisher.unsent() == 1


async def test_a_relay_that_lost_its_lead_shows_no_backlog_of_its_own(publisher: Publisher, kafka: KafkaSettings) -> None:
    failing = Failing(kafka, 0)
    await publisher.publish("a", 1)
    async with running(publisher.relay(failing).run()):
        await until(lambda: metric("mesh_outbox_backlog") == 1)
        assert await publisher.database.collection(RelayLease).update_one({}, {"$set": {"holder": "x"}, "$inc": {"fence": 1}})
        await until(lambda: metric("mesh_relay_leading") == 0)
        assert metric("mesh_outbox_backlog") == 0
        assert metric("mesh_outbox_age_seconds") == 0
    await failing.close()
