"""Who is a candidate, in which order, and why."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.model.hours import WeeklyInterval, state_hours
from services.booking.model.matching import WEIGHTS, Candidate, Wish, match
from services.booking.model.money import Money
from services.booking.model.offering import Offering, PriceModel, Provider
from services.booking.model.period import Period
from services.booking.model.place import Place, distance_meters

HERE = Place(-23.5614, -46.6559)
START = datetime(2026, 10, 19, 12, tzinfo=UTC)  # a Monday
ALWAYS = state_hours("UTC", [WeeklyInterval(day, 0, 1440) for day in range(1, 8)])
WISH = Wish("acc_customer", Period(START, START + timedelta(hours=2)), HERE, 1500)


def offering(provider_id: str, price_minor: int = 10_000, north: float = 0.0, radius: int = 20_000) -> Offering:
    center = Place(HERE.latitude + north, HERE.longitude)
    return Offering(provider_id, "electrical", Money("BRL", price_minor), PriceModel.FIXED, center, radius)


def ranked(offerings: list[Offering], providers: list[Provider], taken: dict[str, list[Period]] | None = None) -> list[Candidate]:
    return match(WISH, offerings, {each.provider_id: each for each in providers}, taken or {})


def test_only_who_serves_the_area_works_then_and_is_free_is_a_candidate() -> None:
    mornings = state_hours("UTC", [WeeklyInterval(1, 0, 800)])
    busy = {"acc_busy": [Period(START + timedelta(hours=1), START + timedelta(hours=3))]}
    after = {"acc_after": [Period(START + timedelta(hours=2), START + timedelta(hours=3))]}
    names = ["acc_fits", "acc_busy", "acc_after", "acc_far", "acc_mornings", "acc_stated_none", "acc_customer"]
    providers = [Provider(name, hours=ALWAYS) for name in names]
    providers[4] = replace(providers[4], hours=mornings)
    providers[5] = replace(providers[5], hours=None)
    offerings = [offering(name, north=0.3 if name == "acc_far" else 0.0) for name in [*names, "acc_unknown"]]
    assert {each.provider_id for each in ranked(offerings, providers, busy | after)} == {"acc_fits", "acc_after"}


def test_the_edge_of_the_area_is_served() -> None:
    north = 0.1
    far = distance_meters(HERE, Place(HERE.latitude + north, HERE.longitude))
    provider = [Provider("acc_1", hours=ALWAYS)]
    assert len(ranked([offering("acc_1", north=north, radius=far)], provider)) == 1
    assert ranked([offering("acc_1", north=north, radius=far - 1)], provider) == []


def test_the_price_of_hours_is_for_the_whole_time() -> None:
    hourly = replace(offering("acc_1", 9_999), price_model=PriceModel.HOURLY)
    (candidate,) = ranked([hourly], [Provider("acc_1", hours=ALWAYS)])
    assert (candidate.price, candidate.commission) == (Money("BRL", 19_998), Money("BRL", 3_000))


@pytest.mark.parametrize(
    "better, worse, better_offering, worse_offering",
    [
        (Provider("b"), Provider("a"), offering("b"), offering("a", north=0.05)),
        (Provider("b", rating=4.9, rating_count=40), Provider("a", rating=3.1, rating_count=40), offering("b"), offering("a")),
        (Provider("b", rating=4.8, rating_count=99), Provider("a", rating=5.0, rating_count=1), offering("b"), offering("a")),
        (Provider("b"), Provider("a"), offering("b", 9_000), offering("a", 18_000)),
        (
            Provider("b", offers_answered=9, offers_accepted=9),
            Provider("a", offers_answered=9, offers_accepted=1),
            offering("b"),
            offering("a"),
        ),
        (Provider("a"), Provider("b"), offering("a"), offering("b")),
    ],
    ids=["nearer", "better rated", "more often rated", "cheaper", "accepts more", "by id"],
)
def test_other_things_equal_the_better_comes_first(
    better: Provider, worse: Provider, better_offering: Offering, worse_offering: Offering
) -> None:
    providers = [replace(worse, hours=ALWAYS), replace(better, hours=ALWAYS)]
    found = ranked([worse_offering, better_offering], providers)
    assert [each.provider_id for each in found] == [better.provider_id, worse.provider_id]


def test_each_reason_tells_its_fact() -> None:
    provider = Provider("acc_1", rating=4.66, rating_count=12, offers_answered=10, offers_accepted=8, hours=ALWAYS)
    (candidate,) = ranked([offering("acc_1", 12_000)], [provider])
    assert {each.criterion: each.fact for each in candidate.reasons} == {
        "distance": "0 m",
        "rating": "4.7 of 12 reviews",
        "price": "BRL 12000",
        "acceptance": "8 of 10 offers accepted",
    }
    (unrated,) = ranked([offering("acc_1")], [Provider("acc_1", hours=ALWAYS)])
    assert {each.criterion: each.fact for each in unrated.reasons}["rating"] == "no reviews yet"


def test_the_weights_add_up_to_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**12), st.floats(0, 0.15), st.floats(1, 5), st.integers(0, 10_000), st.integers(0, 50)),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_scores_are_from_zero_to_one_and_the_order_depends_on_nothing_else(
    facts: list[tuple[int, float, float, int, int]], shuffle: random.Random
) -> None:
    offerings, providers = [], []
    for number, (price, north, rating, count, answered) in enumerate(facts):
        offerings.append(offering(f"acc_{number}", price, north))
        providers.append(Provider(f"acc_{number}", "", rating, count, answered, answered // 2, ALWAYS))
    found = ranked(offerings, providers)
    for candidate in found:
        assert all(0 <= reason.score <= 1 for reason in candidate.reasons)
        assert 0 <= candidate.score <= 1
        assert candidate.score == pytest.approx(sum(each.score * each.weight for each in candidate.reasons), abs=1e-6)
    shuffle.shuffle(offerings)
    shuffle.shuffle(providers)
    assert ranked(offerings, providers) == found


def test_distances_are_those_of_the_earth() -> None:
    sao_paulo, rio = Place(-23.5505, -46.6333), Place(-22.9068, -43.1729)
    assert distance_meters(sao_paulo, rio) == pytest.approx(360_750, abs=1_500)
    assert distance_meters(Place(0, 179.9), Place(0, -179.9)) == pytest.approx(22_239, abs=50)
