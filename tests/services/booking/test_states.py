"""The table of transitions, enumerated: each cell is a row of the table, a repetition, or refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from mesh.errors import NotAllowedNow
from services.booking.model.booking import TRANSITIONS, Action, Actor, Booking, BookingState, MoneyEffect, Transition
from services.booking.model.facts import CalledOff, Completed, Confirmed, Fact, Moved, facts_of_move
from services.booking.model.money import Money
from services.booking.model.period import Period
from services.booking.model.place import Place

NOW = datetime(2026, 10, 17, 12, tzinfo=UTC)
BOOKING = Booking(
    booking_id="bkg_1",
    request_id="req_1",
    offer_id="ofr_1",
    customer_id="acc_c",
    provider_id="acc_p",
    category_id="electrical",
    period=Period(NOW + timedelta(days=1), NOW + timedelta(days=1, hours=1)),
    place=Place(0, 0),
    price=Money("BRL", 1000),
    commission=Money("BRL", 150),
    payment_method="pm_1",
    create_time=NOW,
)
CELLS = list(product(BookingState, Action, Actor))


@pytest.mark.parametrize("state, action, actor", CELLS)
def test_every_cell_moves_repeats_or_is_refused_as_the_table_says(state: BookingState, action: Action, actor: Actor) -> None:
    booking = replace(BOOKING, state=state)
    rows = [row for row in TRANSITIONS if (row.old, row.action, row.actor) == (state, action, actor)]
    is_repetition = any((row.new, row.action, row.actor) == (state, action, actor) for row in TRANSITIONS)
    if rows:
        assert [booking.moved(action, actor, NOW).state] == [row.new for row in rows]
    elif is_repetition:
        assert booking.moved(action, actor, NOW) is booking
    else:
        with pytest.raises(NotAllowedNow) as refused:
            booking.moved(action, actor, NOW)
        assert (refused.value.reason, refused.value.metadata) == ("TRANSITION_NOT_ALLOWED", {"state": state.value})


def test_the_table_is_the_contract() -> None:
    """Written out by hand from booking_service.proto, so that a slip in the table is seen."""
    found = {(row.old.value, row.action.value, row.actor.value, row.new.value, row.money.value) for row in TRANSITIONS}
    early = ("AWAITING_PAYMENT", "CONFIRMED", "EN_ROUTE")
    cancels = {
        (state, "CANCEL", actor, f"CANCELLED_BY_{actor}", "VOIDED") for state in early for actor in ("CUSTOMER", "PROVIDER")
    }
    assert found == cancels | {
        ("AWAITING_PAYMENT", "CONFIRM", "SYSTEM", "CONFIRMED", "HELD"),
        ("AWAITING_PAYMENT", "EXPIRE", "SYSTEM", "EXPIRED", "VOIDED"),
        ("CONFIRMED", "START_TRAVEL", "PROVIDER", "EN_ROUTE", "NONE"),
        ("CONFIRMED", "START_WORK", "PROVIDER", "IN_PROGRESS", "NONE"),
        ("EN_ROUTE", "START_WORK", "PROVIDER", "IN_PROGRESS", "NONE"),
        ("IN_PROGRESS", "COMPLETE_WORK", "PROVIDER", "COMPLETED", "CAPTURED"),
    }


@pytest.mark.parametrize("row", TRANSITIONS)
def test_what_a_transition_tells_is_what_moves_the_money(row: Transition) -> None:
    old = replace(BOOKING, state=row.old)
    new = old.moved(row.action, row.actor, NOW)
    told: dict[MoneyEffect, list[Fact]] = {
        MoneyEffect.NONE: [],
        MoneyEffect.HELD: [Confirmed(new, NOW)],
        MoneyEffect.CAPTURED: [Completed(new, NOW)],
        MoneyEffect.VOIDED: [CalledOff(new, NOW)],
    }
    assert facts_of_move(old, new, NOW) == [Moved(new, row.old, NOW), *told[row.money]]


def test_the_provider_sees_the_place_once_the_booking_is_confirmed_and_a_stranger_never() -> None:
    confirmed = BOOKING.moved(Action.CONFIRM, Actor.SYSTEM, NOW)
    assert [each.shows_place_to("acc_c") for each in (BOOKING, confirmed)] == [True, True]
    assert [each.shows_place_to("acc_p") for each in (BOOKING, confirmed)] == [False, True]
    assert [each.shows_place_to("acc_x") for each in (BOOKING, confirmed)] == [False, False]
