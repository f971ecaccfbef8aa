"""AnalyticsService on the real stores, behind the production chain."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC

import pytest
from marketplace.analytics.v1 import analytics_service_pb2 as pb
from marketplace.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from marketplace.common.v1.money_pb2 import Money

from mesh.errors import Forbidden, InvalidInput, NotFound
from mesh.events.subscription import Delivery
from mesh.settings import Settings
from services.analytics.__main__ import assemble
from services.analytics.store import FiguresDocument
from tests.services.analytics.events import LARGE, history, time_of
from tests.support.service import Backing, ServiceUnderTest, serving


@pytest.fixture
async def service(backing: Backing) -> AsyncIterator[ServiceUnderTest]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(serving("analytics", assemble, Settings, backing))


async def test_a_provider_reads_its_own_figures(service: ServiceUnderTest, backing: Backing) -> None:
    provider = backing.account("provider")
    events = history(provider.account_id)
    for index, event in enumerate(events):
        await service.deliver(event, f"evt_{index}", time_of(index))
    for index in reversed(range(len(events))):  # replayed: the inbox knows them
        await service.deliver(events[index], f"evt_{index}", time_of(index))
    for index in (9, 14, len(events) - 2):  # published again under another id, long ago
        await service.deliver(events[index], "", time_of(0))
    found = await service.stub(AnalyticsServiceStub, provider).GetProviderDashboard(
        pb.GetProviderDashboardRequest(provider_id=provider.account_id)
    )
    assert (found.offer_count, found.accepted_count, found.acceptance_rate) == (4, 3, 0.75)
    assert (found.confirmed_count, found.completed_count, found.cancelled_count) == (3, 2, 1)
    assert list(found.net_payout) == [
        Money(currency_code="BRL", amount_minor=LARGE - 450_000_000),
        Money(currency_code="USD", amount_minor=850),
    ]
    assert (found.rating, found.rating_count) == (4.5, 2)
    assert found.fresh_time.ToDatetime(UTC) == time_of(len(events) - 1)


async def test_an_admin_reads_the_figures_of_the_marketplace(service: ServiceUnderTest, backing: Backing) -> None:
    events = history("acc_provider")
    for index, event in enumerate(events):
        await service.deliver(event, f"evt_{index}", time_of(index))
    found = await service.stub(AnalyticsServiceStub, backing.account("admin")).GetPlatformOverview(
        pb.GetPlatformOverviewRequest()
    )
    assert (found.account_count, found.request_count, found.confirmed_count, found.completed_count) == (3, 4, 3, 2)
    assert list(found.captured) == [
        Money(currency_code="BRL", amount_minor=LARGE),
        Money(currency_code="USD", amount_minor=999),
    ]
    assert list(found.commission) == [
        Money(currency_code="BRL", amount_minor=450_000_000),
        Money(currency_code="USD", amount_minor=149),
    ]
    assert found.fresh_time.ToDatetime(UTC) == time_of(20)  # the capture in USD: what comes later is of providers only


async def test_amounts_add_up_beyond_32_bits_and_over_partitions(service: ServiceUnderTest, backing: Backing) -> None:
    handlers = {each.event: each.handler for each in service.runtime.subscriptions}
    provider = backing.account("provider")
    for index, event in enumerate(history(provider.account_id)):
        delivery = Delivery(f"evt_{index}", time_of(index), "", "", "topic", index % 3, 0)
        await handlers[type(event)](event, delivery)
    shards = await service.runtime.database.collection(FiguresDocument).find({"scope": provider.account_id})
    assert len(shards) == 3
    found = await service.stub(AnalyticsServiceStub, provider).GetProviderDashboard(
        pb.GetProviderDashboardRequest(provider_id=provider.account_id)
    )
    assert (found.offer_count, found.accepted_count, found.cancelled_count) == (4, 3, 1)
    assert found.net_payout[0].amount_minor == LARGE - 450_000_000


async def test_a_new_provider_has_zeros_and_no_freshness(service: ServiceUnderTest, backing: Backing) -> None:
    provider = backing.account("provider")
    found = await service.stub(AnalyticsServiceStub, provider).GetProviderDashboard(
        pb.GetProviderDashboardRequest(provider_id=provider.account_id)
    )
    assert found == pb.GetProviderDashboardResponse(provider_id=provider.account_id)


async def test_nobody_else_reads_them(service: ServiceUnderTest, backing: Backing) -> None:
    provider, stranger, customer = backing.account("provider"), backing.account("provider"), backing.account("customer")
    request = pb.GetProviderDashboardRequest(provider_id=provider.account_id)
    with pytest.raises(NotFound):
        await service.stub(AnalyticsServiceStub, stranger).GetProviderDashboard(request)
    with pytest.raises(Forbidden):
        await service.stub(AnalyticsServiceStub, customer).GetProviderDashboard(request)
    with pytest.raises(Forbidden):
        await service.stub(AnalyticsServiceStub, provider).GetPlatformOverview(pb.GetPlatformOverviewRequest())
    found = await service.stub(AnalyticsServiceStub, backing.account("admin")).GetProviderDashboard(request)
    assert found.provider_id == provider.account_id


async def test_an_id_that_is_none_is_refused(service: ServiceUnderTest, backing: Backing) -> None:
    stub = service.stub(AnalyticsServiceStub, backing.account("provider"))
    with pytest.raises(InvalidInput):
        await stub.GetProviderDashboard(pb.GetProviderDashboardRequest(provider_id="nobody"))
