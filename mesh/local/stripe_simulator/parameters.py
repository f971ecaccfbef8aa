"""Stripe's form encoding (`metadata[booking]=…`, `types[0]=card`), and its checks of single parameters."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from mesh.local.stripe_simulator.failures import invalid
from mesh.local.stripe_simulator.journal import JsonObject

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_LARGEST_AMOUNT = 99_999_999


def decode(pairs: Iterable[tuple[str, str]], known: Collection[str]) -> JsonObject:
    """The parameters as nested objects, lists as objects keyed by position. Raises StripeFailure for one that is not known."""
    decoded: JsonObject = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        if match is None or match[1] not in known:
            raise invalid(f"Received unknown parameter: {key}", "parameter_unknown", key)
        place: Any = decoded
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        for step in path[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise invalid(f"Invalid object: {key}", param=key)
        place[path[-1] or str(len(place))] = value
    return decoded


def whole_number(parameters: JsonObject, name: str, default: int | None = None) -> int:
    """A parameter that is a whole number. Raises StripeFailure when it is none, or is missing without a default."""
    given = parameters.get(name)
    if given is None:
        if default is None:
            raise invalid(f"Missing required param: {name}.", "parameter_missing", name)
        return default
    if not isinstance(given, str) or not re.fullmatch(r"-?\d{1,18}", given):
        raise invalid(f"Invalid integer: {given}", "parameter_invalid_integer", name)
    return int(given)


def amount(parameters: JsonObject, name: str, default: int | None = None) -> int:
    """An amount in minor units. Raises StripeFailure when it is not above zero, or above what Stripe takes."""
    number = whole_number(parameters, name, default)
    if number < 1:
        raise invalid("This value must be greater than or equal to 1.", "parameter_invalid_integer", name)
    if number > _LARGEST_AMOUNT:
        raise invalid(f"Amount must be no more than {_LARGEST_AMOUNT}", "amount_too_large", name)
    return number


def switch(parameters: JsonObject, name: str) -> bool:
    """A parameter that is true or false; false when missing."""
    given = parameters.get(name, "false")
    if given not in ("true", "false"):
        raise invalid(f"Invalid boolean: {given}", param=name)
    return bool(given == "true")


def one_of(parameters: JsonObject, name: str, choices: tuple[str, ...]) -> str:
    """A parameter that is one of the choices; the first when missing."""
    given = parameters.get(name, choices[0])
    if given not in choices:
        raise invalid(f"Invalid {name}: must be one of {', '.join(filter(None, choices))}", param=name)
    return str(given)


def currency(parameters: JsonObject) -> str:
    """A three-letter currency in lower case."""
    given = parameters.get("currency")
    if given is None:
        raise invalid("Missing required param: currency.", "parameter_missing", "currency")
    if not isinstance(given, str) or not re.fullmatch(r"[A-Za-z]{3}", given):
        raise invalid(f"Invalid currency: {given}.", param="currency")
    return given.lower()
