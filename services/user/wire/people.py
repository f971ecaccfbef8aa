"""People as messages. Each leaves through `shaped`, which takes away what its reader may not see."""

from marketplace.common.v1.geo_pb2 import GeoPoint
from marketplace.user.v1 import address_service_pb2 as addresses_pb
from marketplace.user.v1 import person_service_pb2 as people_pb
from marketplace.user.v1 import profile_service_pb2 as profiles_pb

from mesh.tiers import Tier, shaped
from services.user.model.address import Address, Place
from services.user.model.profile import Audience, Profile
from services.user.model.rating import Rating

_HIGHEST = {Audience.ANYBODY: Tier.PUBLIC, Audience.COUNTERPART: Tier.PROTECTED, Audience.SELF: Tier.PRIVATE}


def changes_from_wire(request: profiles_pb.UpdateMyProfileRequest) -> dict[str, str | bool | tuple[str, ...]]:
    """The fields that the mask names, with their new values; a field that the request does not have is named all the same."""
    values = {path: getattr(request, path, "") for path in request.update_mask.paths}
    return values | ({"languages": tuple(request.languages)} if "languages" in values else {})


def profile_to_wire(profile: Profile) -> profiles_pb.Profile:
    """A person's own profile."""
    message = profiles_pb.Profile(
        account_id=profile.account_id,
        display_name=profile.display_name,
        email=profile.email,
        locale=profile.locale,
        time_zone=profile.time_zone,
        email_enabled=profile.email_enabled,
        is_customer=profile.is_customer,
        is_provider=profile.is_provider,
        etag=str(profile.version),
        about=profile.about,
        languages=profile.languages,
        phone=profile.phone,
        is_verified=profile.is_verified,
    )
    return shaped(message, Tier.PRIVATE)


def provider_to_wire(profile: Profile, rating: Rating) -> profiles_pb.PublicProvider:
    """What everybody may know of a provider."""
    message = profiles_pb.PublicProvider(
        provider_id=profile.account_id,
        display_name=profile.display_name,
        rating=rating.stars.mean,
        rating_count=rating.stars.count,
        score=rating.score,
        is_verified=profile.is_verified,
    )
    return shaped(message, Tier.PUBLIC)


def person_to_wire(profile: Profile, rating: Rating, audience: Audience) -> people_pb.Person:
    """A person as this audience may see them."""
    message = people_pb.Person(
        account_id=profile.account_id,
        display_name=profile.display_name,
        about=profile.about,
        languages=profile.languages,
        is_provider=profile.is_provider,
        rating=rating.stars.mean,
        rating_count=rating.stars.count,
        score=rating.score,
        phone=profile.phone,
        default_address=_address(profile.addresses[0], is_default=True) if profile.addresses else None,
        email=profile.email,
        is_verified=profile.is_verified,
    )
    return shaped(message, _HIGHEST[audience])


def contact_to_wire(profile: Profile) -> profiles_pb.GetContactResponse:
    """How to reach a person."""
    return profiles_pb.GetContactResponse(
        display_name=profile.display_name,
        email=profile.email,
        locale=profile.locale,
        time_zone=profile.time_zone,
        email_enabled=profile.email_enabled,
    )


def address_to_wire(address: Address, *, is_default: bool) -> addresses_pb.Address:
    """An address of the person's own."""
    return shaped(_address(address, is_default=is_default), Tier.PRIVATE)


def place_from_wire(wire: addresses_pb.PostalAddress) -> Place:
    """Where an address is."""
    return Place(
        street=wire.street,
        complement=wire.complement,
        district=wire.district,
        city=wire.city,
        region=wire.region,
        postal_code=wire.postal_code,
        country_code=wire.country_code,
        latitude=wire.point.latitude if wire.HasField("point") else None,
        longitude=wire.point.longitude if wire.HasField("point") else None,
    )


def _address(address: Address, *, is_default: bool) -> addresses_pb.Address:
    place = address.place
    postal = addresses_pb.PostalAddress(
        street=place.street,
        complement=place.complement,
        district=place.district,
        city=place.city,
        region=place.region,
        postal_code=place.postal_code,
        country_code=place.country_code,
    )
    if place.latitude is not None and place.longitude is not None:
        postal.point.CopyFrom(GeoPoint(latitude=place.latitude, longitude=place.longitude))
    return addresses_pb.Address(address_id=address.address_id, label=address.label, is_default=is_default, postal_address=postal)
