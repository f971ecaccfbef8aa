"""Places on earth and how far apart they are."""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

_EARTH_RADIUS_METERS = 6_371_008.8  # the mean radius [IUGG]


@dataclass(frozen=True, slots=True)
class Place:
    """A point in WGS 84 degrees."""

    latitude: float
    longitude: float


def distance_meters(one: Place, other: Place) -> int:
    """The distance along the surface, in whole metres [haversine formula]."""
    north = radians(other.latitude - one.latitude) / 2
    east = radians(other.longitude - one.longitude) / 2
    chord = sin(north) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east) ** 2
    return round(2 * _EARTH_RADIUS_METERS * asin(sqrt(min(chord, 1.0))))
