"""The catalog's messages."""

from marketplace.booking.v1 import catalog_service_pb2 as pb

from services.booking.model.categories import Category
from services.booking.model.hours import WeeklyHours, WeeklyInterval
from services.booking.model.offering import Offering, PriceModel
from services.booking.model.period import Period
from services.booking.wire.common import read_money, read_place, read_time, write_money, write_place, write_time


def write_category(category: Category) -> pb.Category:
    """A category."""
    return pb.Category(
        category_id=category.category_id, parent_id=category.parent_id, name_pt=category.name_pt, name_en=category.name_en
    )


def read_offering(request: pb.SetOfferingRequest, provider_id: str) -> Offering:
    """What this provider states."""
    return Offering(
        provider_id=provider_id,
        category_id=request.category_id,
        price=read_money(request.price),
        price_model=PriceModel(pb.PriceModel.Name(request.price_model).removeprefix("PRICE_MODEL_")),
        area_center=read_place(request.area_center),
        area_radius_meters=request.area_radius_meters,
    )


def write_offering(offering: Offering) -> pb.Offering:
    """An offering."""
    return pb.Offering(
        offering_id=offering.offering_id,
        provider_id=offering.provider_id,
        category_id=offering.category_id,
        price=write_money(offering.price),
        price_model=pb.PriceModel.Value(f"PRICE_MODEL_{offering.price_model}"),
        area_center=write_place(offering.area_center),
        area_radius_meters=offering.area_radius_meters,
    )


def read_intervals(request: pb.SetWeeklyHoursRequest) -> list[WeeklyInterval]:
    """The weekly intervals, not checked."""
    return [WeeklyInterval(each.day, each.start_minute, each.end_minute) for each in request.intervals]


def write_hours(hours: WeeklyHours) -> pb.SetWeeklyHoursResponse:
    """The weekly hours as they stand now."""
    intervals = [
        pb.WeeklyInterval(day=each.day, start_minute=each.start_minute, end_minute=each.end_minute) for each in hours.intervals
    ]
    return pb.SetWeeklyHoursResponse(intervals=intervals, time_zone=hours.time_zone)


def read_period(request: pb.ListFreeSlotsRequest) -> Period:
    """The period that is asked for, not checked."""
    return Period(read_time(request.start_time), read_time(request.end_time))


def write_slot(period: Period) -> pb.TimeSlot:
    """A free slot."""
    return pb.TimeSlot(start_time=write_time(period.start), end_time=write_time(period.end))
