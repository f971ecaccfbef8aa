"""The books: every entry sums to zero, and escrow holds exactly what is authorized and not settled."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import MeshError
from services.payment.model.intent import Intent, IntentStatus
from services.payment.model.ledger import ESCROW, Books, Entry, EntryKind, LedgerError, Money, Posting, balances
from services.payment.model.payment import Payment, Terms

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
BOOKS = Books("pay_1", "bkg_1", "acc_customer", "acc_provider")

STEPS = ("authorize", "decline", "complete", "capture", "cancel", "void", "pending")


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    sides = (Posting("a", Money("BRL", 2)), Posting("b", Money("BRL", -1)))
    with pytest.raises(LedgerError):
        Entry("led_1", "bkg_1", EntryKind.HOLD, sides, NOW)


def test_an_entry_that_balances_only_across_currencies_cannot_be_made() -> None:
    sides = (Posting("a", Money("BRL", 1)), Posting("b", Money("USD", -1)))
    with pytest.raises(LedgerError):
        Entry("led_1", "bkg_1", EntryKind.HOLD, sides, NOW)


def test_the_id_of_an_entry_follows_from_the_payment_and_the_kind() -> None:
    amount = Money("BRL", 5)
    assert BOOKS.hold(amount, NOW).entry_id == BOOKS.hold(amount, NOW).entry_id
    assert BOOKS.hold(amount, NOW).entry_id != BOOKS.release(amount, NOW).entry_id


def test_a_hold_and_its_release_leave_no_trace_in_any_account() -> None:
    amount = Money("BRL", 5)
    assert not any(balances([BOOKS.hold(amount, NOW), BOOKS.release(amount, NOW)]).values())


def test_a_commission_of_nothing_makes_no_posting() -> None:
    entry = BOOKS.capture(Money("BRL", 5), Money("BRL", 5), Money("BRL", 0), NOW)
    assert [posting.account for posting in entry.postings] == ["stripe:receivable", "provider:acc_provider:payable"]


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    number = draw(st.integers(0, 10**9))
    currency = draw(st.sampled_from(["BRL", "USD"]))
    amount = draw(st.integers(1, 10**12))
    commission = draw(st.integers(0, amount))
    terms = Terms(f"bkg_{number}", "acc_customer", "acc_provider", Money(currency, amount), Money(currency, commission))
    return Payment.begin(f"pay_{number}", terms, "pm_card", NOW)


def take(payment: Payment, step: str, share: float) -> None:
    amount = payment.terms.amount
    received = Money(amount.currency, max(1, int(payment.price.minor * share)))
    statuses = {
        "authorize": IntentStatus.HELD,
        "decline": IntentStatus.DECLINED,
        "capture": IntentStatus.CAPTURED,
        "void": IntentStatus.CANCELLED,
        "pending": IntentStatus.PENDING,
    }
    if step == "complete":
        commission = Money(amount.currency, min(payment.commission.minor, received.minor))
        payment.complete(received, commission, NOW)
    elif step == "cancel":
        payment.cancel(NOW)
    else:
        payment.observe(Intent(statuses[step], payment.payment_id, "", "pi_1", amount, received, "code"), NOW)


@given(
    st.lists(payments(), min_size=1, max_size=4, unique_by=lambda payment: payment.payment_id),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STEPS), st.floats(0, 1)), max_size=40),
)
def test_any_sequence_of_steps_keeps_debits_equal_to_credits_and_escrow_equal_to_open_holds(
    several: list[Payment], steps: list[tuple[int, str, float]]
) -> None:
    for turn, step, share in steps:
        try:
            take(several[turn % len(several)], step, share)
        except (MeshError, LedgerError):
            continue
    entries = [entry for payment in several for entry in payment.entries]
    assert not any(balances(entries, by_account=False).values())
    assert len({entry.entry_id for entry in entries}) == len(entries)
    for currency in ("BRL", "USD"):
        held = sum(each.terms.amount.minor for each in several if each.is_held and each.terms.amount.currency == currency)
        assert -balances(entries)[ESCROW, currency] == held
        taken = sum(each.price.minor for each in several if each.state == "CAPTURED" and each.price.currency == currency)
        assert balances(entries)["stripe:receivable", currency] == taken
