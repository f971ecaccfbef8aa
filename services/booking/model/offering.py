"""What a provider offers in one category, and what is known of the provider beside it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from babel.numbers import is_currency

from mesh.errors import InvalidInput
from mesh.ids import derived_id
from services.booking.model.categories import require_category
from services.booking.model.hours import WeeklyHours
from services.booking.model.money import LARGEST_AMOUNT_MINOR, Money, price_of_hours
from services.booking.model.place import Place

LARGEST_RADIUS_METERS = 100_000
_LONGEST_BOOKING = timedelta(hours=12)


class PriceModel(StrEnum):
    """What a price is for."""

    FIXED = "FIXED"  # the whole service
    HOURLY = "HOURLY"  # an hour of it


@dataclass(frozen=True, slots=True)
class Offering:
    """One provider's offer to the public in one category. Made by `state_offering`."""

    provider_id: str
    category_id: str
    price: Money
    price_model: PriceModel
    area_center: Place
    area_radius_meters: int

    @property
    def offering_id(self) -> str:
        """The same for the same provider and category: stating an offering again replaces it."""
        return derived_id("off", self.provider_id, self.category_id)

    def total_price(self, duration: timedelta) -> Money:
        """What the customer pays for so long."""
        return self.price if self.price_model is PriceModel.FIXED else price_of_hours(self.price, duration)


def state_offering(offering: Offering) -> Offering:
    """The offering, checked. Raises InvalidInput (CATEGORY_UNKNOWN, PRICE_INVALID)."""
    require_category(offering.category_id)
    if not is_currency(offering.price.currency_code):
        raise InvalidInput("PRICE_INVALID", "There is no such currency in ISO 4217.")
    if offering.price.amount_minor <= 0:
        raise InvalidInput("PRICE_INVALID", "A price must be above 0.")
    if offering.total_price(_LONGEST_BOOKING).amount_minor > LARGEST_AMOUNT_MINOR:
        raise InvalidInput("PRICE_INVALID", "The price of twelve hours is more than an amount can be.")
    return offering


@dataclass(frozen=True, slots=True)
class Provider:
    """What matching knows of a provider: told by events of user, stated by the provider, counted here."""

    provider_id: str
    display_name: str = ""
    rating: float = 0.0  # the mean of the published ratings, 1 to 5; 0 when there are none
    rating_count: int = 0
    offers_answered: int = 0  # accepted, declined or left to expire
    offers_accepted: int = 0
    hours: WeeklyHours | None = None
