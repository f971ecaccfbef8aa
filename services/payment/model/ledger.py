"""The double-entry ledger: money, postings, and the only three journal entries that a payment can make."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mesh.ids import derived_id

ESCROW = "escrow:holds"
RECEIVABLE = "stripe:receivable"
COMMISSION = "marketplace:commission"


class LedgerError(ValueError):
    """An entry that must never be booked: a mistake of ours, not of a caller."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency."""

    currency: str
    minor: int

    def __neg__(self) -> "Money":
        return Money(self.currency, -self.minor)


class EntryKind(StrEnum):
    """What a journal entry records; a payment has at most one of each, in this order."""

    HOLD = "hold"
    RELEASE = "release"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry: a debit when positive, a credit when negative."""

    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry. Its id follows from the payment and the kind, so the same thing cannot be booked twice."""

    entry_id: str
    booking_id: str
    kind: EntryKind
    postings: tuple[Posting, ...]
    book_time: datetime

    def __post_init__(self) -> None:
        sums = balances((self,), by_account=False)
        if len(self.postings) < 2 or any(sums.values()):
            raise LedgerError(f"a {self.kind} entry whose postings do not sum to zero")


@dataclass(frozen=True, slots=True)
class Books:
    """The accounts that one payment touches."""

    payment_id: str
    booking_id: str
    customer_id: str
    provider_id: str

    def hold(self, amount: Money, now: datetime) -> Entry:
        """The customer's amount moves into escrow. Raises LedgerError when it is not positive."""
        if amount.minor <= 0:
            raise LedgerError("a hold of nothing")
        return self._entry(EntryKind.HOLD, {f"customer:{self.customer_id}:hold": amount, ESCROW: -amount}, now)

    def release(self, held: Money, now: datetime) -> Entry:
        """The whole hold leaves escrow."""
        return self._entry(EntryKind.RELEASE, {ESCROW: held, f"customer:{self.customer_id}:hold": -held}, now)

    def capture(self, held: Money, price: Money, commission: Money, now: datetime) -> Entry:
        """The price is Stripe's debt to us; we owe the provider what is left of it after the commission.

        Raises LedgerError for a price above the hold, or a commission that is not a part of the price.
        """
        if not 0 < price.minor <= held.minor:
            raise LedgerError("a capture above its hold, or of nothing")
        if not 0 <= commission.minor <= price.minor or len({held.currency, price.currency, commission.currency}) != 1:
            raise LedgerError("a commission that is not a part of the price")
        net = Money(price.currency, price.minor - commission.minor)
        sides = {RECEIVABLE: price, COMMISSION: -commission, f"provider:{self.provider_id}:payable": -net}
        return self._entry(EntryKind.CAPTURE, sides, now)

    def _entry(self, kind: EntryKind, sides: dict[str, Money], now: datetime) -> Entry:
        postings = tuple(Posting(account, amount) for account, amount in sides.items() if amount.minor)
        return Entry(derived_id("led", self.payment_id, kind), self.booking_id, kind, postings, now)


def balances(entries: Iterable[Entry], *, by_account: bool = True) -> Counter[tuple[str, str]]:
    """The balance of each (account, currency), debits positive; of each ("", currency) when not by account."""
    sums: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for posting in entry.postings:
            sums[posting.account if by_account else "", posting.amount.currency] += posting.amount.minor
    return sums
