"""No double booking, ever: racers on the real database, on the guard alone and through the whole call."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1 import events_pb2
from marketplace.booking.v1 import request_service_pb2 as requests_pb

from mesh.call import Account
from mesh.errors import MeshError, NotAllowedNow
from mesh.ids import new_id
from services.booking.model.period import Period
from services.booking.store.calendars import StoredCalendars
from tests.services.booking.support import HOUR, Stage, on_stage, state_name, until
from tests.support.service import Backing

MIDNIGHT = datetime(2026, 12, 2, tzinfo=UTC)


def period(start_minute: int, minutes: int) -> Period:
    """Around midnight in UTC, so that many touch two days."""
    start = MIDNIGHT + timedelta(minutes=start_minute)
    return Period(start, start + timedelta(minutes=minutes))


async def race(stage: Stage, wanted: list[Period]) -> list[Period]:
    """The periods that got held, when all are asked for at once by the guard as the service assembles it."""
    database = stage.service.runtime.database
    calendars = StoredCalendars(database)
    provider_id = new_id("acc")

    async def hold(each: Period) -> Period | None:
        await calendars.open(provider_id, each)
        with suppress(NotAllowedNow):
            await database.transaction(lambda: calendars.hold(provider_id, new_id("bkg"), each))
            return each
        return None

    found = await asyncio.gather(*(hold(each) for each in wanted))
    held = [each for each in found if each is not None]
    stored = await calendars.taken([provider_id], Period(MIDNIGHT - timedelta(days=2), MIDNIGHT + timedelta(days=2)))
    assert stored[provider_id] == sorted(held)
    return held


async def test_of_fifty_racers_on_overlapping_times_exactly_one_wins(stage: Stage) -> None:
    for turn in range(4):
        dice = random.Random(turn)
        wanted = [period(dice.randint(-50, -1), dice.randint(60, 120)) for _ in range(50)]
        assert len(await race(stage, wanted)) == 1


async def test_racers_on_any_times_never_overlap_and_none_is_refused_without_cause(stage: Stage) -> None:
    for turn in range(4):
        dice = random.Random(100 + turn)
        wanted = [period(dice.randint(-400, 400), dice.randint(15, 90)) for _ in range(50)]
        held = await race(stage, wanted)
        assert not any(one.overlaps(other) for one, other in combinations(held, 2))
        assert all(any(each.overlaps(other) for other in held) for each in wanted)


async def test_racers_on_neighbouring_times_all_win(stage: Stage) -> None:
    wanted = [period(20 * number - 200, 20) for number in range(20)]
    held = await race(stage, random.Random(1).sample(wanted, len(wanted)))
    assert sorted(held) == wanted


async def test_a_provider_who_accepts_overlapping_offers_at_once_gets_one_booking(stage: Stage) -> None:
    provider = await stage.provider()
    starts = [stage.noon(2) + timedelta(minutes=7 * number) for number in range(8)]
    customers = [stage.backing.account("customer") for _ in starts]
    asked = [await stage.ask(start, customer=customer) for start, customer in zip(starts, customers, strict=True)]
    offers = [await stage.offer(provider, request.request_id) for request in asked]
    outcomes = await asyncio.gather(*(attempt(stage, provider, offer.offer_id) for offer in offers))
    assert sorted(outcomes) == ["CONFIRMED", *["SLOT_TAKEN"] * 7]
    assert len(await stage.service.published(events_pb2.OfferAccepted)) == 1
    assert len(stage.payment.requests) == 1


async def test_of_providers_who_accept_one_request_at_once_one_wins(stage: Stage) -> None:
    providers = [await stage.provider() for _ in range(3)]
    request = await stage.ask()
    offers = [await stage.offer(provider, request.request_id) for provider in providers]
    outcomes = await asyncio.gather(
        *(attempt(stage, provider, offer.offer_id) for provider, offer in zip(providers, offers, strict=True))
    )
    assert sorted(outcomes) == ["CONFIRMED", "OFFER_CLOSED", "OFFER_CLOSED"]
    ends = await stage.service.published(events_pb2.OfferEnded)
    assert [event.end for event in ends] == [events_pb2.OFFER_END_WITHDRAWN] * 2
    found = await stage.requests(stage.customer).GetServiceRequest(
        requests_pb.GetServiceRequestRequest(request_id=request.request_id)
    )
    assert found.request.state == requests_pb.REQUEST_STATE_BOOKED


async def test_accepting_one_offer_many_times_at_once_makes_one_booking(stage: Stage) -> None:
    provider = await stage.provider()
    offer = await stage.offer(provider, (await stage.ask()).request_id)
    accept = stage.requests(provider).AcceptOffer
    request = requests_pb.AcceptOfferRequest(offer_id=offer.offer_id)
    answers = await asyncio.gather(*(accept(request) for _ in range(8)))
    assert len({answer.booking.booking_id for answer in answers}) == 1
    assert {state_name(answer.booking) for answer in answers} <= {"CONFIRMED", "AWAITING_PAYMENT"}
    assert len(await stage.service.published(events_pb2.BookingConfirmed)) == 1
    again = await accept(request)
    assert state_name(again.booking) == "CONFIRMED"


async def test_an_offer_that_expires_while_it_is_accepted_does_one_of_both(backing: Backing) -> None:
    async with on_stage(backing, sweep_seconds=0.05) as stage:
        for _ in range(4):
            provider = await stage.provider()
            request = await stage.ask()
            offer = await stage.offer(provider, request.request_id)
            stage.clock.moment = offer.expire_time.ToDatetime(UTC) - timedelta(milliseconds=3)
            outcome = await attempt(stage, provider, offer.offer_id)

            async def offer_state(provider: Account = provider, request_id: str = request.request_id) -> str:
                found = await stage.offer(provider, request_id)
                return requests_pb.OfferState.Name(found.state).removeprefix("OFFER_STATE_")

            ended = await until(offer_state, lambda state: state != "PENDING")
            assert (outcome, ended) in {("CONFIRMED", "ACCEPTED"), ("OFFER_CLOSED", "EXPIRED")}
            stage.category_id = {"electrical": "plumbing", "plumbing": "moving", "moving": "painting"}.get(
                stage.category_id, "pets"
            )


async def test_a_slot_that_is_given_back_can_be_booked_again(stage: Stage) -> None:
    start = stage.noon(3)
    booking, provider = await stage.book(start)
    assert (await stage.ask(start)).candidates == []
    await stage.bookings(stage.customer).CancelBooking(pb.CancelBookingRequest(booking_id=booking.booking_id))
    again = await stage.accept(provider, (await stage.ask(start)).request_id)
    assert state_name(again) == "CONFIRMED"


async def test_bookings_may_follow_each_other_without_a_gap(stage: Stage) -> None:
    provider = await stage.provider()
    for start in (stage.noon(4), stage.noon(4) + HOUR, stage.noon(4) - HOUR):
        assert state_name(await stage.accept(provider, (await stage.ask(start)).request_id)) == "CONFIRMED"
    listed = await stage.bookings(provider).ListBookings(pb.ListBookingsRequest())
    times = sorted((each.start_time.seconds, each.end_time.seconds) for each in listed.bookings)
    assert all(one[1] == other[0] for one, other in pairwise(times))


async def attempt(stage: Stage, provider: Account, offer_id: str) -> str:
    """The state of the booking that came of accepting, or the reason of the refusal."""
    try:
        answer = await stage.requests(provider).AcceptOffer(requests_pb.AcceptOfferRequest(offer_id=offer_id))
    except MeshError as refused:
        return refused.reason
    return state_name(answer.booking)
