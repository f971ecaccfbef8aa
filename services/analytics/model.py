"""What is known of each thing that is counted, and the figures that follow from it.

Figures are never moved by an event itself, only by what the event changes in what is known of its subject: so duplicates, late
events and any order of them come to the same figures.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

PLATFORM = "platform"


class Mark(StrEnum):
    """Something that is true of a subject from some moment on, for ever."""

    REGISTERED = "registered"  # of an account
    REQUESTED = "requested"  # of a request
    MADE = "made"  # of an offer
    ACCEPTED = "accepted"  # of an offer
    CONFIRMED = "confirmed"  # of a booking
    COMPLETED = "completed"  # of a booking
    CANCELLED = "cancelled"  # of a booking
    CAPTURED = "captured"  # of a payment


class Metric(StrEnum):
    """What is counted or summed up."""

    ACCOUNTS = "accounts"
    REQUESTS = "requests"
    OFFERS = "offers"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    PAID = "paid"
    COMMISSION = "commission"
    NET = "net"


_OF_PLATFORM = frozenset({Metric.ACCOUNTS, Metric.REQUESTS, Metric.CONFIRMED, Metric.COMPLETED, Metric.PAID, Metric.COMMISSION})
_OF_PROVIDER = frozenset({Metric.OFFERS, Metric.ACCEPTED, Metric.CONFIRMED, Metric.COMPLETED, Metric.CANCELLED, Metric.NET})
_PLATFORM_MARKS = frozenset({Mark.REGISTERED, Mark.REQUESTED, Mark.CONFIRMED, Mark.COMPLETED, Mark.CAPTURED})


class Figure(NamedTuple):
    """A metric; of money, in one currency."""

    metric: Metric
    currency: str = ""


Figures = Counter[Figure]


@dataclass(frozen=True, slots=True)
class Charge:
    """What a captured payment came to, in minor units."""

    currency: str
    paid: int
    commission: int
    net: int


@dataclass(frozen=True, slots=True)
class Subject:
    """An account, a request, an offer, a booking or a payment, and all that is known of it."""

    subject_id: str
    provider_id: str = ""
    marks: frozenset[Mark] = frozenset()
    charge: Charge | None = None

    def marked(self, mark: Mark, provider_id: str = "", charge: Charge | None = None) -> "Subject":
        """The same subject, of which more is known; what is known already stays."""
        return replace(
            self,
            provider_id=self.provider_id or provider_id,
            marks=self.marks | {mark},
            charge=self.charge or charge,
        )

    def figures(self, scope: str) -> Figures:
        """What this subject adds to the figures of the platform or of its provider."""
        wanted = _OF_PLATFORM if scope == PLATFORM else _OF_PROVIDER
        return Counter({figure: value for figure, value in self._all().items() if figure.metric in wanted})

    def scopes(self, mark: Mark) -> list[str]:
        """Whose figures rest on this mark: the platform's, the provider's, or both."""
        return ([PLATFORM] if mark in _PLATFORM_MARKS else []) + ([self.provider_id] if self.provider_id else [])

    def _all(self) -> Figures:
        marks = self.marks
        is_confirmed = Mark.CONFIRMED in marks or Mark.COMPLETED in marks  # only what was confirmed can be completed
        found: Figures = Counter(
            {
                Figure(Metric.ACCOUNTS): int(Mark.REGISTERED in marks),
                Figure(Metric.REQUESTS): int(Mark.REQUESTED in marks),
                Figure(Metric.OFFERS): int(Mark.MADE in marks or Mark.ACCEPTED in marks),
                Figure(Metric.ACCEPTED): int(Mark.ACCEPTED in marks),
                Figure(Metric.CONFIRMED): int(is_confirmed),
                Figure(Metric.COMPLETED): int(Mark.COMPLETED in marks),
                Figure(Metric.CANCELLED): int(is_confirmed and Mark.CANCELLED in marks),
            }
        )
        if self.charge is not None:
            found[Figure(Metric.PAID, self.charge.currency)] = self.charge.paid
            found[Figure(Metric.COMMISSION, self.charge.currency)] = self.charge.commission
            found[Figure(Metric.NET, self.charge.currency)] = self.charge.net
        return found


def difference(after: Figures, before: Figures) -> Figures:
    """What has to be added to figures that held `before`, so that they hold `after`."""
    return Counter({figure: after[figure] - before[figure] for figure in after | before if after[figure] != before[figure]})


@dataclass(frozen=True, slots=True)
class Rating:
    """The mean of a provider's published ratings and how many they are."""

    mean: float
    count: int
    time: datetime  # of the event that told it
    revision: int  # rises with every change, whereas the count falls when a review is hidden

    def is_newer_than(self, other: "Rating") -> bool:
        """With equal revisions the later event is right."""
        return (self.revision, self.time) > (other.revision, other.time)


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of one scope; fresh_time is that of the newest event in them."""

    figures: Figures
    fresh_time: datetime | None

    def count(self, metric: Metric) -> int:
        """How many."""
        return self.figures[Figure(metric)]

    def money(self, metric: Metric) -> dict[str, int]:
        """Minor units by currency, in the order of the currencies' codes."""
        return {figure.currency: value for figure, value in sorted(self.figures.items()) if figure.metric == metric}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A provider's figures."""

    provider_id: str
    totals: Totals
    rating: Rating | None

    @property
    def acceptance_rate(self) -> float:
        """Accepted over made offers, 0 to 1; 0 without offers."""
        offers = self.totals.count(Metric.OFFERS)
        return self.totals.count(Metric.ACCEPTED) / offers if offers else 0.0

    @property
    def fresh_time(self) -> datetime | None:
        """The time of the newest event in these figures."""
        times = [self.totals.fresh_time, self.rating.time if self.rating else None]
        return max((time for time in times if time is not None), default=None)
