"""Figures are the same for any order and any duplication of the same events."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.events.subscription import Delivery
from services.analytics.consumers import subscriptions
from services.analytics.model import PLATFORM, Charge, Dashboard, Figures, Mark, Metric, Rating, Subject, Totals
from services.analytics.workflows import AnalyticsWorkflows
from tests.services.analytics.events import history, time_of

PROVIDER = "acc_provider"


class FactsInMemory:
    """The port Facts in dictionaries."""

    def __init__(self) -> None:
        self.subjects: dict[str, Subject] = {}
        self.figures: dict[str, Figures] = {}
        self.times: dict[str, datetime] = {}
        self.ratings: dict[str, Rating] = {}

    async def find(self, subject_id: str) -> Subject:
        return self.subjects.get(subject_id, Subject(subject_id))

    async def put(self, subject: Subject) -> None:
        self.subjects[subject.subject_id] = subject

    async def add(self, scope: str, shard: str, figures: Figures, time: datetime) -> None:
        self.figures.setdefault(scope, Counter()).update(figures)
        self.times[scope] = max(time, self.times.get(scope, time))

    async def totals(self, scope: str) -> Totals:
        return Totals(self.figures.get(scope, Counter()), self.times.get(scope))

    async def rating(self, provider_id: str) -> Rating | None:
        return self.ratings.get(provider_id)

    async def put_rating(self, provider_id: str, rating: Rating) -> None:
        self.ratings[provider_id] = rating


async def figures_after(order: Sequence[int]) -> tuple[Dashboard, Totals]:
    """What is told after the history's events came in this order."""
    workflows = AnalyticsWorkflows(FactsInMemory())
    handlers = {each.event: each.handler for each in subscriptions(workflows)}
    events = history(PROVIDER)
    for index in order:
        event = events[index]
        delivery = Delivery(f"evt_{index}", time_of(index), "", "", "topic", index % 3, 0)
        await handlers[type(event)](event, delivery)
    return await workflows.dashboard(PROVIDER), await workflows.overview()


async def test_the_history_gives_the_figures_that_a_person_would_count() -> None:
    dashboard, overview = await figures_after(range(len(history(PROVIDER))))
    counts = {metric: dashboard.totals.count(metric) for metric in Metric if dashboard.totals.count(metric)}
    assert counts == {
        Metric.OFFERS: 4,
        Metric.ACCEPTED: 3,
        Metric.CONFIRMED: 3,
        Metric.COMPLETED: 2,
        Metric.CANCELLED: 1,
    }
    assert dashboard.acceptance_rate == 0.75
    assert dashboard.totals.money(Metric.NET) == {"BRL": 2_550_000_000, "USD": 850}
    assert dashboard.rating == Rating(4.5, 2, time_of(len(history(PROVIDER)) - 1), 2)
    assert (overview.count(Metric.ACCOUNTS), overview.count(Metric.REQUESTS)) == (3, 4)
    assert (overview.count(Metric.CONFIRMED), overview.count(Metric.COMPLETED)) == (3, 2)
    assert overview.money(Metric.PAID) == {"BRL": 3_000_000_000, "USD": 999}
    assert overview.money(Metric.COMMISSION) == {"BRL": 450_000_000, "USD": 149}


async def in_order() -> tuple[Dashboard, Totals]:
    return await figures_after(range(len(history(PROVIDER))))


@given(st.permutations(range(len(history(PROVIDER)))), st.lists(st.integers(0, len(history(PROVIDER)) - 1), max_size=20))
@settings(deadline=None)
async def test_any_order_with_any_duplicates_gives_the_same_figures(order: list[int], again: list[int]) -> None:
    assert await figures_after([*order, *again]) == await in_order()


@pytest.mark.parametrize("order", list(permutations([Mark.CONFIRMED, Mark.COMPLETED, Mark.CANCELLED])))
def test_every_order_of_what_becomes_true_of_a_booking_is_the_same(order: tuple[Mark, ...]) -> None:
    subject = Subject("bkg_1")
    for mark in order:
        subject = subject.marked(mark, PROVIDER)
    figures = subject.figures(PROVIDER)
    assert sorted(figure.metric for figure, value in figures.items() if value) == ["cancelled", "completed", "confirmed"]


def test_a_booking_cancelled_before_it_was_confirmed_is_no_cancellation() -> None:
    assert not any(Subject("bkg_1").marked(Mark.CANCELLED, PROVIDER).figures(PROVIDER).values())


def test_what_is_known_is_not_overwritten() -> None:
    first, second = Charge("BRL", 100, 10, 90), Charge("BRL", 200, 20, 180)
    subject = Subject("pay_1").marked(Mark.CAPTURED, PROVIDER, first).marked(Mark.CAPTURED, "acc_other", second)
    assert (subject.provider_id, subject.charge) == (PROVIDER, first)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_rating_of_the_highest_revision_stays_even_when_its_count_is_lower(order: tuple[int, ...]) -> None:
    workflows = AnalyticsWorkflows(FactsInMemory())
    told = [Rating(5, 2, time_of(3), 2), Rating(4, 1, time_of(1), 3), Rating(4.2, 1, time_of(2), 3)]
    for index in order:
        await workflows.note_rating(PROVIDER, told[index])
    assert (await workflows.dashboard(PROVIDER)).rating == told[2]


async def test_nothing_is_known_in_the_beginning() -> None:
    workflows = AnalyticsWorkflows(FactsInMemory())
    dashboard = await workflows.dashboard(PROVIDER)
    assert (dashboard.acceptance_rate, dashboard.rating, dashboard.fresh_time) == (0.0, None, None)
    assert dashboard.totals.money(Metric.NET) == {}
    assert not any(Subject(PLATFORM).figures(PLATFORM).values())
