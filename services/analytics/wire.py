"""Figures as the contract writes them, and what an event says of money."""

from marketplace.analytics.v1 import analytics_service_pb2 as pb
from marketplace.common.v1.money_pb2 import Money
from marketplace.payment.v1.events_pb2 import PaymentCaptured

from services.analytics.model import Charge, Dashboard, Metric, Totals


def charge_of(event: PaymentCaptured) -> Charge:
    """What was captured, to the cent as payment booked it."""
    return Charge(event.amount.currency_code, event.amount.amount_minor, event.commission.amount_minor, event.net.amount_minor)


def dashboard_to_wire(dashboard: Dashboard) -> pb.GetProviderDashboardResponse:
    """A provider's figures."""
    totals, rating = dashboard.totals, dashboard.rating
    response = pb.GetProviderDashboardResponse(
        provider_id=dashboard.provider_id,
        offer_count=totals.count(Metric.OFFERS),
        accepted_count=totals.count(Metric.ACCEPTED),
        acceptance_rate=dashboard.acceptance_rate,
        confirmed_count=totals.count(Metric.CONFIRMED),
        completed_count=totals.count(Metric.COMPLETED),
        cancelled_count=totals.count(Metric.CANCELLED),
        net_payout=_money(totals, Metric.NET),
        rating=rating.mean if rating else 0.0,
        rating_count=rating.count if rating else 0,
    )
    if dashboard.fresh_time is not None:
        response.fresh_time.FromDatetime(dashboard.fresh_time)
    return response


def overview_to_wire(totals: Totals) -> pb.GetPlatformOverviewResponse:
    """The marketplace's figures."""
    response = pb.GetPlatformOverviewResponse(
        account_count=totals.count(Metric.ACCOUNTS),
        request_count=totals.count(Metric.REQUESTS),
        confirmed_count=totals.count(Metric.CONFIRMED),
        completed_count=totals.count(Metric.COMPLETED),
        captured=_money(totals, Metric.PAID),
        commission=_money(totals, Metric.COMMISSION),
    )
    if totals.fresh_time is not None:
        response.fresh_time.FromDatetime(totals.fresh_time)
    return response


def _money(totals: Totals, metric: Metric) -> list[Money]:
    return [Money(currency_code=currency, amount_minor=value) for currency, value in totals.money(metric).items()]
