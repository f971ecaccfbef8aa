"""Who could do what was asked, best first, each with the reasons. Deterministic: the same facts give the same order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.booking.model.money import Money, share_of
from services.booking.model.offering import Offering, Provider
from services.booking.model.period import Period
from services.booking.model.place import Place, distance_meters

MOST_CANDIDATES = 50

WEIGHTS = {"distance": 0.3, "rating": 0.3, "price": 0.2, "acceptance": 0.2}
"""How much each criterion counts; they add up to 1."""

_HALF_DISTANCE_METERS = 5_000  # a provider so far away scores half of one next door
_PRIOR_RATINGS = 5  # few ratings say little: each mean is taken as if so many
_PRIOR_RATING = 3.5  # ratings of this value stood beside its own
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class MatchReason:
    """Why a candidate is ranked where it is: a score from 0 to 1, how much it counts, and the fact behind it."""

    criterion: str
    score: float
    weight: float
    fact: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider who could do what was asked."""

    provider_id: str
    display_name: str
    price: Money  # what the customer pays in all
    commission: Money  # what the marketplace keeps of it
    distance_meters: int
    score: float
    reasons: tuple[MatchReason, ...]
    is_offered: bool = False
    is_passed_over: bool = False  # was booked by another when it was this one's turn


@dataclass(frozen=True, slots=True)
class Wish:
    """What matching must know of a request."""

    customer_id: str
    period: Period
    place: Place
    commission_basis_points: int


@dataclass(frozen=True, slots=True)
class _Contender:
    provider: Provider
    price: Money
    distance_meters: int


def match(
    wish: Wish, offerings: Iterable[Offering], providers: Mapping[str, Provider], taken: Mapping[str, Sequence[Period]]
) -> list[Candidate]:
    """Every provider who could do it, best first, equals by id.

    Left out are the customer, who serves another area, who does not work then, and who is held or booked then (`taken`).
    """
    contenders = []
    for offering in offerings:
        distance = distance_meters(wish.place, offering.area_center)
        provider = providers.get(offering.provider_id)
        is_suited = offering.provider_id != wish.customer_id and distance <= offering.area_radius_meters
        if provider is not None and is_suited and _is_free(provider, wish.period, taken.get(provider.provider_id, ())):
            contenders.append(_Contender(provider, offering.total_price(wish.period.duration), distance))
    lowest: dict[str, int] = {}
    for each in contenders:
        lowest[each.price.currency_code] = min(
            each.price.amount_minor, lowest.get(each.price.currency_code, each.price.amount_minor)
        )
    candidates = [_judge(each, lowest[each.price.currency_code], wish.commission_basis_points) for each in contenders]
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.provider_id))


def with_names(candidates: Iterable[Candidate], names: Mapping[str, str]) -> list[Candidate]:
    """The candidates under their current names, as far as those are known."""
    return [replace(each, display_name=names.get(each.provider_id) or each.display_name) for each in candidates]


def _is_free(provider: Provider, period: Period, taken: Sequence[Period]) -> bool:
    is_at_work = provider.hours is not None and provider.hours.cover(period)
    return is_at_work and not any(period.overlaps(other) for other in taken)


def _judge(contender: _Contender, lowest_minor: int, commission_basis_points: int) -> Candidate:
    provider, price = contender.provider, contender.price
    found = {
        "distance": (_near(contender.distance_meters), f"{contender.distance_meters} m"),
        "rating": (_liked(provider), _rating_fact(provider)),
        "price": (lowest_minor / price.amount_minor, str(price)),
        "acceptance": (_willing(provider), f"{provider.offers_accepted} of {provider.offers_answered} offers accepted"),
    }
    reasons = tuple(
        MatchReason(criterion, round(score, _DIGITS), WEIGHTS[criterion], fact) for criterion, (score, fact) in found.items()
    )
    return Candidate(
        provider_id=provider.provider_id,
        display_name=provider.display_name,
        price=price,
        commission=share_of(price, commission_basis_points),
        distance_meters=contender.distance_meters,
        score=round(sum(reason.score * reason.weight for reason in reasons), _DIGITS),
        reasons=reasons,
    )


def _near(distance: int) -> float:
    return _HALF_DISTANCE_METERS / (_HALF_DISTANCE_METERS + distance)


def _liked(provider: Provider) -> float:
    total = _PRIOR_RATINGS * _PRIOR_RATING + provider.rating_count * provider.rating
    return (total / (_PRIOR_RATINGS + provider.rating_count) - 1) / 4


def _rating_fact(provider: Provider) -> str:
    if not provider.rating_count:
        return "no reviews yet"
    return f"{provider.rating:.1f} of {provider.rating_count} review{'' if provider.rating_count == 1 else 's'}"


def _willing(provider: Provider) -> float:
    """Laplace's rule of succession: who was never asked stands in the middle."""
    return (provider.offers_accepted + 1) / (provider.offers_answered + 2)
