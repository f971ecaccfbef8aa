"""Categories, offerings, weekly hours and free slots, as the contract states them."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.booking.v1 import catalog_service_pb2 as pb
from marketplace.common.v1.geo_pb2 import GeoPoint
from marketplace.common.v1.money_pb2 import Money

from mesh.errors import InvalidInput
from services.booking.model.categories import CATEGORIES
from tests.services.booking.support import DAY, HERE, HOUR, Stage, timestamp

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def offering(
    category_id: str = "plumbing", amount: int = 5_000, model: pb.PriceModel.ValueType = pb.PRICE_MODEL_FIXED
) -> pb.SetOfferingRequest:
    price = Money(currency_code="BRL", amount_minor=amount)
    return pb.SetOfferingRequest(
        category_id=category_id, price=price, price_model=model, area_center=HERE, area_radius_meters=5_000
    )


def free_slots(provider_id: str, start: Timestamp, end: Timestamp) -> pb.ListFreeSlotsRequest:
    return pb.ListFreeSlotsRequest(provider_id=provider_id, start_time=start, end_time=end)


def test_parents_come_before_children_and_each_category_is_named_once() -> None:
    seen = {""}
    for category in CATEGORIES:
        assert category.parent_id in seen
        assert category.category_id not in seen
        assert category.name_pt
        assert category.name_en
        seen.add(category.category_id)
    assert len(CATEGORIES) >= 25


async def test_anybody_may_read_the_categories(stage: Stage) -> None:
    answer = await stage.catalog(None).ListCategories(pb.ListCategoriesRequest())
    found = {each.category_id: (each.parent_id, each.name_pt, each.name_en) for each in answer.categories}
    assert found["electrical-installation"] == ("electrical", "Instalação elétrica", "Electrical installation")


async def test_an_offering_stated_again_replaces_the_one_before(stage: Stage) -> None:
    account = stage.backing.account("provider")
    stub = stage.catalog(account)
    first = await stub.SetOffering(offering(amount=5_000))
    second = await stub.SetOffering(offering(amount=6_000, model=pb.PRICE_MODEL_HOURLY))
    await stub.SetOffering(offering("cleaning"))
    assert first.offering.offering_id == second.offering.offering_id
    mine = (await stub.ListMyOfferings(pb.ListMyOfferingsRequest())).offerings
    assert [(each.category_id, each.price.amount_minor, each.price_model) for each in mine] == [
        ("cleaning", 5_000, pb.PRICE_MODEL_FIXED),
        ("plumbing", 6_000, pb.PRICE_MODEL_HOURLY),
    ]
    assert {each.provider_id for each in mine} == {account.account_id}


@pytest.mark.parametrize(
    "request_, reason",
    [
        (offering("astrology"), "CATEGORY_UNKNOWN"),
        (offering(amount=0), "PRICE_INVALID"),
        (offering(amount=-1), "PRICE_INVALID"),
        (offering(amount=10**12, model=pb.PRICE_MODEL_HOURLY), "PRICE_INVALID"),
    ],
    ids=["unknown category", "nothing", "negative", "more than an amount can be"],
)
async def test_an_offering_that_cannot_be_is_refused(stage: Stage, request_: pb.SetOfferingRequest, reason: str) -> None:
    stub = stage.catalog(stage.backing.account("provider"))
    with pytest.raises(InvalidInput) as refused:
        await stub.SetOffering(request_)
    assert refused.value.reason == reason
    assert not (await stub.ListMyOfferings(pb.ListMyOfferingsRequest())).offerings


async def test_an_offering_at_the_pole_does_no_harm(stage: Stage) -> None:
    request = offering()
    request.area_center.CopyFrom(GeoPoint(latitude=89.9, longitude=180))
    await stage.catalog(stage.backing.account("provider")).SetOffering(request)
    assert (await stage.ask()).candidates == []


async def test_free_slots_are_the_hours_in_utc_less_what_is_booked(stage: Stage) -> None:
    provider = await stage.provider()
    day = stage.noon(7)
    weekday = day.isoweekday()
    hours = pb.SetWeeklyHoursRequest(
        intervals=[pb.WeeklyInterval(day=weekday, start_minute=540, end_minute=720)], time_zone="America/Sao_Paulo"
    )
    stated = await stage.catalog(provider).SetWeeklyHours(hours)
    assert (list(stated.intervals), stated.time_zone) == (list(hours.intervals), "America/Sao_Paulo")
    request = await stage.ask(day + HOUR)
    await stage.accept(provider, request.request_id)
    midnight = day - timedelta(hours=12)
    answer = await stage.catalog(stage.customer).ListFreeSlots(
        free_slots(provider.account_id, timestamp(midnight), timestamp(midnight + 7 * DAY))
    )
    found = [(each.start_time.ToDatetime(UTC), each.end_time.ToDatetime(UTC)) for each in answer.slots]
    assert found == [(day, day + HOUR), (day + 2 * HOUR, day + 3 * HOUR)]


async def test_who_stated_no_hours_has_no_free_slots(stage: Stage) -> None:
    stranger = stage.backing.account("provider")
    request = free_slots(stranger.account_id, timestamp(MONDAY), timestamp(MONDAY + DAY))
    assert not (await stage.catalog(stage.customer).ListFreeSlots(request)).slots
    await stage.catalog(stranger).SetWeeklyHours(pb.SetWeeklyHoursRequest(time_zone="UTC"))
    assert not (await stage.catalog(stage.customer).ListFreeSlots(request)).slots


@pytest.mark.parametrize(
    "start, end",
    [
        (timestamp(MONDAY), timestamp(MONDAY)),
        (timestamp(MONDAY), timestamp(MONDAY - HOUR)),
        (timestamp(MONDAY), timestamp(MONDAY + 31 * DAY + timedelta(milliseconds=1))),
        (Timestamp(seconds=-(2**62)), Timestamp(seconds=2**62)),
        (Timestamp(seconds=2**61), Timestamp(seconds=2**62)),
    ],
    ids=["empty", "reversed", "too long", "absurd", "beyond all years"],
)
async def test_a_period_that_is_empty_reversed_or_too_long_is_refused(stage: Stage, start: Timestamp, end: Timestamp) -> None:
    with pytest.raises(InvalidInput) as refused:
        await stage.catalog(stage.customer).ListFreeSlots(free_slots(stage.customer.account_id, start, end))
    assert refused.value.reason == "PERIOD_INVALID"


async def test_hours_in_a_zone_that_does_not_exist_or_that_overlap_are_refused(stage: Stage) -> None:
    stub = stage.catalog(stage.backing.account("provider"))
    interval = pb.WeeklyInterval(day=1, start_minute=60, end_minute=120)
    for request, reason in (
        (pb.SetWeeklyHoursRequest(intervals=[interval], time_zone="Mars/Olympus"), "TIME_ZONE_UNKNOWN"),
        (pb.SetWeeklyHoursRequest(intervals=[interval, interval], time_zone="UTC"), "HOURS_INVALID"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await stub.SetWeeklyHours(request)
        assert refused.value.reason == reason
