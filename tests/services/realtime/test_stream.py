"""The live stream: every event once and in order, resumed without a gap or said to be lost; only for those whom it concerns."""

import asyncio
from datetime import UTC, datetime

import pytest
from marketplace.booking.v1 import booking_service_pb2 as booking_pb
from marketplace.chat.v1.events_pb2 import MessageSent
from marketplace.payment.v1.events_pb2 import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentVoided
from marketplace.realtime.v1 import live_service_pb2 as pb

from mesh.errors import LimitReached, NotFound, Unauthenticated
from mesh.events.handling import InboxRow
from mesh.ids import new_id
from mesh.storage.bell import Bell
from services.realtime.model import PaymentNotice, Position, Told
from services.realtime.store.history import StoredHistory
from services.realtime.workflows.live_stream import _go_on
from tests.services.realtime.conftest import Live
from tests.support.service import Backing

SMALL_HISTORY = pytest.mark.parametrize("live", [{"KEPT_EVENTS": "3"}], indirect=True)


async def test_a_stream_begins_with_where_it_stands_and_then_tells_what_comes_in_order(live: Live) -> None:
    async with live.stream(live.provider) as frames:
        opened = await frames.next()
        assert not opened.subscribed.is_recovered
        offers = [await live.offer() for _ in range(3)]
        events = [await frames.next() for _ in range(3)]
    assert [event.offer.offer_id for event in events] == offers
    start = opened.subscribed.position
    assert [(event.position.epoch, event.position.offset) for event in events] == [
        (start.epoch, start.offset + count) for count in (1, 2, 3)
    ]
    assert events[0].event_time.seconds > 0


async def test_an_event_that_is_delivered_twice_is_told_once(live: Live) -> None:
    async with live.stream(live.provider) as frames:
        await frames.next()
        first = await live.offer("evt_1")
        await live.service.runtime.database.collection(InboxRow).delete(
            {"_id": "evt_1/tell_offer"}
        )  # as if its commit had been lost
        live.sequence = 0
        assert await live.offer("evt_1") == first
        second = await live.offer()
        assert await frames.next_offers(2) == [first, second]


async def test_a_stream_that_is_resumed_goes_on_without_a_gap_and_without_a_repeat(live: Live) -> None:
    async with live.stream(live.provider) as frames:
        await frames.next()
        await live.offer()
        reached = (await frames.next()).position
    missed = [await live.offer() for _ in range(2)]
    async with live.stream(live.provider, reached) as frames:
        opened = (await frames.next()).subscribed
        assert (opened.is_recovered, opened.position) == (True, reached)
        assert await frames.next_offers(2) == missed
        offer_id = await live.offer()
        assert await frames.next_offers(1) == [offer_id]


@SMALL_HISTORY
async def test_what_is_no_longer_kept_is_not_replayed_in_part(live: Live) -> None:
    async with live.stream(live.provider) as frames:
        start = (await frames.next()).subscribed.position
    for _ in range(4):
        await live.offer()
    async with live.stream(live.provider, start) as frames:
        opened = (await frames.next()).subscribed
        assert (opened.is_recovered, opened.position.offset) == (False, start.offset + 4)
        offer_id = await live.offer()
        assert await frames.next_offers(1) == [offer_id]


async def test_another_epoch_and_an_offset_of_the_future_are_not_recovered(live: Live) -> None:
    await live.offer()
    async with live.stream(live.provider) as frames:
        now = (await frames.next()).subscribed.position
    for stale in (pb.Position(epoch="other", offset=now.offset), pb.Position(epoch=now.epoch, offset=now.offset + 1)):
        async with live.stream(live.provider, stale) as frames:
            opened = (await frames.next()).subscribed
            assert (opened.is_recovered, opened.position) == (False, now)


async def test_a_history_that_is_lost_on_the_way_is_told_and_the_stream_goes_on(live: Live) -> None:
    async with live.stream(live.provider) as frames:
        before = (await frames.next()).subscribed.position
        await live.service.runtime.redis.flushdb()
        opened = (await frames.next()).subscribed
        assert not opened.is_recovered
        assert opened.position.epoch != before.epoch
        offer_id = await live.offer()
        assert await frames.next_offers(1) == [offer_id]


@SMALL_HISTORY
async def test_who_reads_slower_than_events_are_kept_is_cut_off(live: Live) -> None:
    history = StoredHistory(live.service.runtime.redis, 3)
    account_id = live.provider.account_id
    start = (await history.read(account_id, None)).end
    for _ in range(4):
        await live.offer()
    assert not (await history.read(account_id, start)).is_whole
    assert (await history.read(account_id, Position(start.epoch, start.offset + 1))).is_whole
    with pytest.raises(LimitReached, match="TOO_SLOW"):
        _go_on(start, await history.read(account_id, start))


async def test_each_is_told_of_what_concerns_them(live: Live) -> None:
    booking_id = live.booking.booking_id
    customer_id, provider_id = live.customer.account_id, live.provider.account_id
    async with live.stream(live.customer) as customer, live.stream(live.provider) as provider:
        await asyncio.gather(customer.next(), provider.next())
        await live.move(booking_pb.BOOKING_STATE_CONFIRMED, booking_pb.BOOKING_STATE_EN_ROUTE)
        await live.service.deliver(MessageSent(booking_id=booking_id, message_id="m", sequence=3, recipient_id=customer_id))
        for event in (
            PaymentAuthorized(booking_id=booking_id, customer_id=customer_id),
            PaymentCaptured(booking_id=booking_id, customer_id=customer_id, provider_id=provider_id),
            PaymentVoided(booking_id=booking_id, customer_id=customer_id),
            PaymentFailed(booking_id=booking_id, customer_id=customer_id),
        ):
            await live.service.deliver(event)
        await live.offer()
        seen = [await customer.next() for _ in range(6)]
        assert (seen[0].booking.booking_id, seen[0].booking.state) == (booking_id, "BOOKING_STATE_EN_ROUTE")
        assert (seen[1].message.message_id, seen[1].message.sequence) == ("m", 3)
        assert [each.payment.state for each in seen[2:]] == ["authorized", "captured", "voided", "failed"]
        others = [await provider.next() for _ in range(3)]
        assert [each.WhichOneof("event") for each in others] == ["booking", "payment", "offer"]


async def test_events_of_another_process_come_at_once(live: Live) -> None:
    """What this process did not tell itself rings over Redis."""
    history = StoredHistory(live.service.runtime.redis, 10)
    async with live.stream(live.customer) as frames:
        await frames.next()
        await history.add(live.customer.account_id, "e", Told(PaymentNotice("bkg_x", "voided"), datetime.now(UTC)))
        await Bell(live.service.runtime.redis, "live:bell").ring(live.customer.account_id)
        async with asyncio.timeout(1.5):  # sooner than who only looks now and then
            assert (await frames.next()).payment.state == "voided"


@pytest.mark.parametrize("live", [{"HEARTBEAT_SECONDS": "0.2"}], indirect=True)
async def test_a_quiet_stream_shows_that_it_is_alive(live: Live) -> None:
    async with live.stream(live.customer) as frames:
        await frames.next()
        for _ in range(2):
            assert (await frames.next()).HasField("heartbeat")


@pytest.mark.parametrize("live", [{"HEARTBEAT_SECONDS": "0.2"}], indirect=True)
async def test_a_stream_ends_with_its_token(live: Live, backing: Backing) -> None:
    account = backing.account("customer")
    async with live.stream(account) as frames:
        await frames.next()
        live.service.runtime.verifier._verified.clear()
        live.service.runtime.verifier._audience = "elsewhere"  # from now on no token is good
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            await frames.last()


async def test_strangers_cannot_watch_a_booking_and_an_administrator_can(live: Live, backing: Backing) -> None:
    stranger = backing.account("customer", "provider")
    for booking_id in (live.booking.booking_id, new_id("bkg")):
        with pytest.raises(NotFound, match="BOOKING_NOT_FOUND"):
            async with live.stream(stranger, booking_id=booking_id) as frames:
                await frames.next()
    async with live.stream(backing.account("admin"), booking_id=live.booking.booking_id) as frames:
        assert (await frames.next()).HasField("subscribed")
