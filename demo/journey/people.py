"""Who takes part, and what providers offer."""

import asyncio

from marketplace.booking.v1 import catalog_service_pb2 as catalog
from marketplace.common.v1.geo_pb2 import GeoPoint
from marketplace.common.v1.money_pb2 import Money

from demo.journey.scene import CATEGORY, ZONE, Person, Scene, Step, expect

_PRICE_MINOR = 4_000  # an hour; below what anybody else asks, so that both get an offer
_CATALOG = "/marketplace.booking.v1.CatalogService"


async def register(scene: Scene) -> None:
    """Customer, provider and rival register and log in; user has their profiles."""
    scene.customer, scene.provider, scene.rival = await asyncio.gather(
        scene.register("Clara", ["ACCOUNT_ROLE_CUSTOMER"], "pt-BR"),
        scene.register("Paulo", ["ACCOUNT_ROLE_PROVIDER"], "en"),
        scene.register("Rita", ["ACCOUNT_ROLE_PROVIDER"], "pt-BR"),
    )
    scene.admin = await scene.log_in(scene.doors.admin_email, scene.doors.admin_password)
    for person in (scene.customer, scene.provider, scene.rival):
        answer = await scene.until(
            lambda person=person: scene.rest.call("GET", "/v1/profile", token=person.access_token),  # type: ignore[misc]
            lambda answer: answer["profile"]["account_id"],
            "user has a profile of everybody who registered",
        )
        expect(answer["profile"]["email"] == person.email, "the profile is one's own")


async def offer(scene: Scene) -> None:
    """Both providers state what they offer, where and when, as a mobile app would."""
    await asyncio.gather(*(_state_offering(scene, person) for person in (scene.provider, scene.rival)))


async def _state_offering(scene: Scene, person: Person) -> None:
    offering = catalog.SetOfferingRequest(
        category_id=CATEGORY,
        price=Money(currency_code="BRL", amount_minor=_PRICE_MINOR),
        price_model=catalog.PRICE_MODEL_HOURLY,
        area_center=GeoPoint(**scene.place),
        area_radius_meters=8_000,
    )
    stated = await scene.grpc_web.call(
        f"{_CATALOG}/SetOffering", offering, catalog.SetOfferingResponse, token=person.access_token
    )
    expect(stated.offering.provider_id == person.account_id, "the offering is the provider's own")
    hours = catalog.SetWeeklyHoursRequest(
        intervals=[catalog.WeeklyInterval(day=day, start_minute=8 * 60, end_minute=18 * 60) for day in range(1, 6)],
        time_zone=ZONE,
    )
    await scene.grpc_web.call(f"{_CATALOG}/SetWeeklyHours", hours, catalog.SetWeeklyHoursResponse, token=person.access_token)


STEPS = (
    Step("Customer and providers register and log in", "REST", register),
    Step("Providers state category, price, area and weekly hours", "gRPC-web", offer),
)
