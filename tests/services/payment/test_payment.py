"""The states of a payment, each observation and event in each of them."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from mesh.errors import Conflict, InvalidInput, NotAllowedNow, Unavailable
from services.payment.model.intent import Intent, IntentStatus
from services.payment.model.ledger import EntryKind, LedgerError, Money
from services.payment.model.payment import Fact, Payment, PaymentState, Terms

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
PRICE, COMMISSION = Money("BRL", 15_000), Money("BRL", 2_250)


def begin(amount: Money = PRICE, commission: Money = COMMISSION) -> Payment:
    return Payment.begin("pay_1", Terms("bkg_1", "acc_customer", "acc_provider", amount, commission), "pm_card", NOW)


def intent(status: IntentStatus, *, received: Money | None = None, code: str = "") -> Intent:
    return Intent(status, "pay_1", "bkg_1", "pi_1", PRICE, received, code)


def authorized() -> Payment:
    payment = begin()
    payment.observe(intent(IntentStatus.HELD), NOW)
    return payment


def facts(payment: Payment) -> list[Fact]:
    return [fact for fact, _ in payment.facts]


def kinds(payment: Payment) -> list[EntryKind]:
    return [entry.kind for entry in payment.entries]


def test_a_hold_authorizes_and_is_booked_once() -> None:
    payment = authorized()
    payment.observe(intent(IntentStatus.HELD), NOW)
    assert payment.state is PaymentState.AUTHORIZED
    assert kinds(payment) == [EntryKind.HOLD]
    assert facts(payment) == [Fact.AUTHORIZED]
    assert payment.due_time is None


def test_a_declined_payment_tells_why_and_books_nothing() -> None:
    payment = begin()
    payment.observe(intent(IntentStatus.DECLINED, code="insufficient_funds"), NOW)
    assert (payment.state, payment.entries, facts(payment)) == (PaymentState.DECLINED, [], [Fact.FAILED])
    with pytest.raises(NotAllowedNow) as refused:
        payment.require_authorized()
    assert (refused.value.reason, refused.value.metadata) == ("PAYMENT_DECLINED", {"code": "insufficient_funds"})


def test_a_completed_booking_is_captured_and_the_hold_released() -> None:
    payment = authorized()
    payment.complete(PRICE, COMMISSION, NOW)
    assert (payment.state, payment.due_time) == (PaymentState.CAPTURING, NOW)
    payment.observe(intent(IntentStatus.CAPTURED, received=PRICE), NOW)
    assert payment.state is PaymentState.CAPTURED
    assert kinds(payment) == [EntryKind.HOLD, EntryKind.RELEASE, EntryKind.CAPTURE]
    assert facts(payment) == [Fact.AUTHORIZED, Fact.CAPTURED]
    assert {posting.account: posting.amount.minor for posting in payment.entries[-1].postings} == {
        "stripe:receivable": 15_000,
        "marketplace:commission": -2_250,
        "provider:acc_provider:payable": -12_750,
    }


def test_a_booking_that_costs_less_than_its_hold_is_captured_for_less() -> None:
    payment = authorized()
    less, part = Money("BRL", 10_000), Money("BRL", 1_500)
    payment.complete(less, part, NOW)
    payment.observe(intent(IntentStatus.CAPTURED, received=less), NOW)
    assert (payment.price, payment.commission, payment.state) == (less, part, PaymentState.CAPTURED)


@pytest.mark.parametrize(
    "price, commission",
    [
        (Money("BRL", 15_001), COMMISSION),
        (Money("BRL", 0), Money("BRL", 0)),
        (Money("USD", 15_000), Money("USD", 1)),
        (PRICE, Money("BRL", 15_001)),
        (PRICE, Money("BRL", -1)),
    ],
)
def test_a_capture_that_its_hold_does_not_cover_is_rejected(price: Money, commission: Money) -> None:
    payment = authorized()
    with pytest.raises(LedgerError):
        payment.complete(price, commission, NOW)
    assert payment.state is PaymentState.AUTHORIZED


def test_more_money_than_was_held_is_never_booked() -> None:
    with pytest.raises(LedgerError):
        authorized().observe(intent(IntentStatus.CAPTURED, received=Money("BRL", 15_001)), NOW)


def test_a_cancelled_booking_releases_its_hold_and_charges_nothing() -> None:
    payment = authorized()
    payment.cancel(NOW)
    assert (payment.state, payment.due_time) == (PaymentState.VOIDING, NOW)
    payment.observe(intent(IntentStatus.CANCELLED), NOW)
    assert payment.state is PaymentState.VOIDED
    assert kinds(payment) == [EntryKind.HOLD, EntryKind.RELEASE]
    assert facts(payment) == [Fact.AUTHORIZED, Fact.VOIDED]


def test_a_booking_cancelled_while_it_is_authorized_never_counts_as_authorized() -> None:
    payment = begin()
    payment.cancel(NOW)
    payment.observe(intent(IntentStatus.HELD), NOW)
    assert (payment.state, payment.intent_id) == (PaymentState.VOIDING, "pi_1")
    with pytest.raises(NotAllowedNow, match="PAYMENT_DECLINED"):
        payment.require_authorized()
    payment.observe(intent(IntentStatus.CANCELLED), NOW)
    assert (payment.state, payment.entries, facts(payment)) == (PaymentState.VOIDED, [], [Fact.VOIDED])


def test_a_hold_that_lapses_at_the_provider_is_released_here() -> None:
    payment = authorized()
    payment.observe(intent(IntentStatus.CANCELLED), NOW)
    assert (payment.state, payment.is_held) == (PaymentState.VOIDED, False)
    with pytest.raises(NotAllowedNow):
        payment.complete(PRICE, COMMISSION, NOW)


def test_events_of_the_booking_may_come_twice() -> None:
    completed, cancelled = authorized(), authorized()
    for _ in range(2):
        completed.complete(PRICE, COMMISSION, NOW)
        cancelled.cancel(NOW)
    assert (completed.state, cancelled.state) == (PaymentState.CAPTURING, PaymentState.VOIDING)


def test_a_booking_is_never_both_taken_and_cancelled() -> None:
    payment = authorized()
    payment.complete(PRICE, COMMISSION, NOW)
    with pytest.raises(NotAllowedNow):
        payment.cancel(NOW)


def test_the_completion_of_an_unanswered_authorization_waits() -> None:
    with pytest.raises(Conflict):
        begin().complete(PRICE, COMMISSION, NOW)


def test_while_the_answer_is_not_known_the_caller_is_told_so() -> None:
    with pytest.raises(Unavailable, match="PAYMENT_PROVIDER_UNAVAILABLE"):
        begin().require_authorized()


def test_other_facts_are_a_mismatch() -> None:
    payment = authorized()
    payment.require_terms(begin().terms)
    with pytest.raises(NotAllowedNow, match="PAYMENT_MISMATCH"):
        payment.require_terms(begin(Money("BRL", 15_001)).terms)


@pytest.mark.parametrize(
    "amount, commission",
    [
        (Money("BRL", 0), Money("BRL", 0)),
        (Money("BRL", -5), Money("BRL", 0)),
        (PRICE, Money("BRL", 15_001)),
        (PRICE, Money("BRL", -1)),
        (PRICE, Money("USD", 1)),
    ],
)
def test_terms_that_make_no_sense_are_refused(amount: Money, commission: Money) -> None:
    with pytest.raises(InvalidInput):
        begin(amount, commission)


@pytest.mark.parametrize(
    "final, state", [(IntentStatus.CAPTURED, PaymentState.CAPTURED), (IntentStatus.CANCELLED, PaymentState.VOIDED)]
)
def test_every_order_of_what_the_provider_tells_ends_in_the_same_state(final: IntentStatus, state: PaymentState) -> None:
    told = [IntentStatus.PENDING, IntentStatus.HELD, final, IntentStatus.HELD, final]
    for order in permutations(told):
        payment = begin()
        for status in order:
            payment.observe(intent(status, received=PRICE if status is IntentStatus.CAPTURED else None), NOW)
        assert (payment.state, payment.is_held, payment.due_time) == (state, False, None)
        assert len(kinds(payment)) == len(set(kinds(payment)))


def test_an_intent_of_another_payment_does_not_match() -> None:
    payment = authorized()
    assert payment.matches(intent(IntentStatus.HELD))
    assert not payment.matches(Intent(IntentStatus.HELD, "pay_2", "bkg_1", "pi_1", PRICE))
    assert not payment.matches(Intent(IntentStatus.HELD, "pay_1", "bkg_1", "pi_2", PRICE))
    assert not payment.matches(Intent(IntentStatus.HELD, "pay_1", "bkg_1", "pi_1", Money("BRL", 1)))


def test_attempts_pause_twice_as_long_each_time_up_to_half_a_minute() -> None:
    payment = authorized()
    payment.complete(PRICE, COMMISSION, NOW)
    pauses = []
    for _ in range(7):
        payment.try_again(NOW)
        assert payment.due_time is not None
        pauses.append((payment.due_time - NOW).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_an_authorization_without_an_answer_is_given_up_within_five_minutes_and_its_hold_looked_for() -> None:
    payment = begin()
    payment.try_again(NOW + timedelta(minutes=3, seconds=59))
    assert facts(payment) == []
    payment.try_again(NOW + timedelta(minutes=4))
    assert (payment.state, facts(payment)) == (PaymentState.VOIDING, [Fact.FAILED])
    payment.observe(intent(IntentStatus.HELD), NOW)
    assert (payment.state, payment.entries) == (PaymentState.VOIDING, [])
    payment.observe(intent(IntentStatus.CANCELLED), NOW)
    assert (payment.state, payment.entries) == (PaymentState.VOIDED, [])


def test_a_key_that_the_provider_may_have_forgotten_is_not_used_again() -> None:
    payment = begin()
    payment.try_again(NOW + timedelta(minutes=4))
    payment.try_again(NOW + timedelta(hours=20))
    assert (payment.state, payment.due_time) == (PaymentState.VOIDED, None)
