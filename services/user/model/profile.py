"""A person's profile, and who gets to see how much of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mesh.errors import Conflict, InvalidInput, NotFound
from services.user.model.address import Address

_LONGEST_NAME = 80
_CHANGEABLE = frozenset({"display_name", "locale", "email_enabled", "about", "languages", "phone"})
_LOCALES = frozenset({"pt-BR", "en"})

Values = Mapping[str, str | bool | tuple[str, ...]]


class Audience(StrEnum):
    """What somebody is to the person whom they look at."""

    ANYBODY = "anybody"
    COUNTERPART = "counterpart"  # the other party of an active booking
    SELF = "self"  # or an administrator


@dataclass(frozen=True, slots=True)
class Profile:
    """A person. `version` counts the changes and is the etag."""

    account_id: str
    display_name: str
    email: str
    locale: str
    time_zone: str
    is_customer: bool
    is_provider: bool
    email_enabled: bool = True
    about: str = ""
    languages: tuple[str, ...] = ()
    phone: str = ""
    addresses: tuple[Address, ...] = ()
    is_verified: bool = False
    version: int = 0

    def changed(self, values: Values, etag: str) -> "Profile":
        """The profile with these fields changed. Raises Conflict (PROFILE_CHANGED), InvalidInput (FIELD_UNKNOWN)."""
        if etag and etag != str(self.version):
            raise Conflict("PROFILE_CHANGED", "The profile was changed meanwhile; read it again.")
        if not values or not values.keys() <= _CHANGEABLE:
            raise InvalidInput("FIELD_UNKNOWN", f"The mask must name some of {', '.join(sorted(_CHANGEABLE))}.")
        changed = replace(self, **values)  # type: ignore[arg-type]  # the keys were checked, and so are the values below
        if not 1 <= len(changed.display_name.strip()) <= _LONGEST_NAME:
            raise InvalidInput("FIELD_UNKNOWN", "A display name has 1 to 80 characters.")
        if changed.locale not in _LOCALES:
            raise InvalidInput("FIELD_UNKNOWN", "A locale is pt-BR or en.")
        return changed


def profile_not_found() -> NotFound:
    """There is none, or not yet."""
    return NotFound("PROFILE_NOT_FOUND", "There is no such profile.")
