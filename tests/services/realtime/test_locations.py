"""Live location: the newest point wins, only the booking's provider sends it, only while on the way or at work."""

import asyncio

import pytest
from marketplace.booking.v1 import booking_service_pb2 as booking_pb
from marketplace.realtime.v1 import live_service_pb2 as pb

from mesh.errors import NotAllowedNow, NotFound
from mesh.ids import new_id
from services.realtime.store.locations import StoredLocations
from tests.services.realtime.conftest import Live, point
from tests.support.service import Backing


async def test_the_customer_sees_the_newest_point_of_a_batch(live: Live) -> None:
    async with live.stream(live.customer, booking_id=live.booking.booking_id) as frames:
        await frames.next()
        newest = point(0.2, seconds_ago=1)
        assert await live.travel(live.provider, newest, point(0.1, seconds_ago=2), point(0.0, seconds_ago=3)) == 3
        seen = await frames.next()
        assert (seen.location.booking_id, seen.location.point) == (live.booking.booking_id, newest)
        assert seen.event_time == newest.measure_time


async def test_an_older_point_and_a_repeated_one_change_nothing(live: Live) -> None:
    newest = point(0.2)
    assert await live.travel(live.provider, newest) == 1
    assert await live.travel(live.provider, newest) == 0
    assert await live.travel(live.provider, point(0.1, seconds_ago=60)) == 0
    async with live.stream(live.customer, booking_id=live.booking.booking_id) as frames:
        await frames.next()
        assert (await frames.next()).location.point == newest


async def test_of_points_that_race_the_newest_stays(live: Live) -> None:
    points = [point(0.001 * number, seconds_ago=100 - number) for number in range(40)]
    await asyncio.gather(*(live.travel(live.provider, each) for each in points))
    kept = await StoredLocations(live.service.runtime.redis).newest(live.booking.booking_id)
    assert kept is not None
    assert kept.latitude == pytest.approx(points[-1].point.latitude)


async def test_a_point_of_tomorrow_does_not_hide_those_of_today(live: Live) -> None:
    assert await live.travel(live.provider, point(0.5, seconds_ago=-3600)) == 0
    assert await live.travel(live.provider, point(0.1)) == 1


@pytest.mark.parametrize(
    "state",
    [
        booking_pb.BOOKING_STATE_AWAITING_PAYMENT,
        booking_pb.BOOKING_STATE_CONFIRMED,
        booking_pb.BOOKING_STATE_COMPLETED,
        booking_pb.BOOKING_STATE_CANCELLED_BY_CUSTOMER,
    ],
)
async def test_location_is_taken_only_on_the_way_and_at_work(live: Live, state: "booking_pb.BookingState.ValueType") -> None:
    live.booking.state = state
    with pytest.raises(NotAllowedNow, match="NOT_EN_ROUTE"):
        await live.travel(live.provider, point())
    live.booking.state = booking_pb.BOOKING_STATE_IN_PROGRESS
    assert await live.travel(live.provider, point()) == 1


async def test_nobody_but_the_provider_of_the_booking_sends_its_way(live: Live, backing: Backing) -> None:
    rival = backing.account("provider")
    as_both = backing.signer.account("customer", "provider", account_id=live.customer.account_id)
    for who in (rival, as_both):
        with pytest.raises(NotFound, match="BOOKING_NOT_FOUND"):
            await live.travel(who, point())
    with pytest.raises(NotFound, match="BOOKING_NOT_FOUND"):
        await live.stub(live.provider).PublishLocations(pb.PublishLocationsRequest(booking_id=new_id("bkg"), points=[point()]))


async def test_when_the_work_is_done_the_place_is_forgotten_and_a_late_point_is_refused(live: Live) -> None:
    await live.travel(live.provider, point())
    await live.move(booking_pb.BOOKING_STATE_IN_PROGRESS, booking_pb.BOOKING_STATE_COMPLETED)
    locations = StoredLocations(live.service.runtime.redis)
    assert await locations.newest(live.booking.booking_id) is None
    live.booking.state = booking_pb.BOOKING_STATE_IN_PROGRESS  # as the point that was let in just before saw it
    with pytest.raises(NotAllowedNow, match="NOT_EN_ROUTE"):
        await live.travel(live.provider, point())
    assert await locations.newest(live.booking.booking_id) is None


async def test_arriving_does_not_end_the_trip(live: Live) -> None:
    await live.travel(live.provider, point())
    await live.move(booking_pb.BOOKING_STATE_EN_ROUTE, booking_pb.BOOKING_STATE_IN_PROGRESS)
    assert await StoredLocations(live.service.runtime.redis).newest(live.booking.booking_id) is not None
