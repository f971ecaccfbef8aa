"""Which service wants to know which events."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from mesh import contract


@cache
def subscribed(service: str) -> dict[str, set[str]]:
    """The types of the events that a service imports to subscribe to them, by topic."""
    name = f"services.{service}.consumers"
    consumers = vars(import_module(name)) if find_spec(name) else {}
    found: dict[str, set[str]] = {}
    for event in contract.events():
        if event.message in consumers.values():
            found.setdefault(event.topic, set()).add(event.type_name)
    return found
