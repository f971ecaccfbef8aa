"""The one reader of the contract: what the protos say about methods and events, as plain values.

The generated modules must be importable. Reads descriptors only; makes no decision that is not in the protos.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from marketplace.mesh.v1 import policy_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.message import Message

_ROOT = "marketplace"
_IDEMPOTENT = (descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS, descriptor_pb2.MethodOptions.IDEMPOTENT)


class ContractError(Exception):
    """The protos contradict the rules of the contract; the message names the element and the rule."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `requests` every `per_seconds`, one bucket for each account or address."""

    requests: int
    per_seconds: float
    scope: str  # "account" or "address"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A method on its way out: since which day, and on which day it may be gone."""

    since: date
    sunset: date | None


@dataclass(frozen=True, slots=True)
class RestBinding:
    """One REST door of a method: HTTP verb, path template, and the request field that is the body ("*": all, "": none)."""

    verb: str
    path: str
    body: str
    response_body: str


@dataclass(frozen=True, slots=True)
class MethodContract:
    """All that the mesh knows of one method."""

    path: str  # "/marketplace.booking.v1.BookingService/GetBooking"
    service: str  # the microservice, "booking"
    service_full_name: str  # "marketplace.booking.v1.BookingService"
    name: str  # "GetBooking"
    is_edge: bool
    is_public: bool
    roles: frozenset[str]  # "customer", "provider", "admin"
    callers: frozenset[str]  # service names; the gateway is implied for EDGE methods
    owner_kind: str  # "self", "account", "booking_party", …; "" when there is none
    owner_field: str
    also_names: tuple[tuple[str, str], ...]  # owner kind and field, dotted, of each other id in the request
    deadline_seconds: float  # 0: no limit (server streams only)
    rate: Rate | None
    idempotency_key: str  # "", "optional" or "required"
    websocket_path: str
    needs_step_up: bool  # a proof of identity within the last minutes
    deprecation: Deprecation | None
    is_retriable: bool  # declared NO_SIDE_EFFECTS or IDEMPOTENT, or takes an idempotency key
    has_side_effects: bool
    is_client_streaming: bool
    is_server_streaming: bool
    rest: tuple[RestBinding, ...]
    request: type["Message"]
    response: type["Message"]
    descriptor: "MethodDescriptor"


@dataclass(frozen=True, slots=True)
class EventContract:
    """How one event travels."""

    type_name: str  # "marketplace.booking.v1.BookingConfirmed"; the CloudEvents type
    service: str  # the publisher
    topic: str
    key_field: str
    message: type["Message"]


def import_all() -> None:
    """Imports every generated module, so that the default descriptor pool holds the whole contract."""
    files()


@cache
def files() -> tuple["FileDescriptor", ...]:
    """Every file of the marketplace's own contract, by name."""
    root = importlib.import_module(_ROOT)
    names = [m.name for m in pkgutil.walk_packages(root.__path__, f"{_ROOT}.") if m.name.endswith("_pb2")]
    return tuple(importlib.import_module(name).DESCRIPTOR for name in sorted(names))


@cache
def methods() -> tuple[MethodContract, ...]:
    """Every method of the contract, by path."""
    found = [method for file in files() for method in _methods_of(file)]
    return tuple(sorted(found, key=lambda method: method.path))


@cache
def events() -> tuple[EventContract, ...]:
    """Every event of the contract, by type name."""
    messages = [message for file in files() for message in file.message_types_by_name.values()]
    found = [event for event in map(_read_event, messages) if event is not None]
    return tuple(sorted(found, key=lambda event: event.type_name))


def publishes(service: str) -> bool:
    """Whether the service has events of its own; imports none of the others."""
    return importlib.util.find_spec(f"{_ROOT}.{service}.v1.events_pb2") is not None


def service_methods(service_full_name: str) -> tuple[MethodContract, ...]:
    """The methods of one gRPC service whose generated module is imported. Raises KeyError when it is not."""
    service = descriptor_pool.Default().FindServiceByName(service_full_name)
    return tuple(read_method(method) for method in service.methods)


@cache
def find_method(path: str) -> MethodContract:
    """The method at "/package.Service/Method", whose generated module is imported. Raises ContractError when there is none."""
    service, _, name = path.removeprefix("/").partition("/")
    try:
        return next(method for method in service_methods(service) if method.name == name)
    except (KeyError, StopIteration):
        raise ContractError(f"{path} is not a method of the contract") from None


def event_of(message_class: type["Message"]) -> EventContract:
    """How this event travels. Raises ContractError when the message is not an event."""
    return _event_named(message_class.DESCRIPTOR.full_name)


@cache
def _event_named(full_name: str) -> EventContract:
    message = descriptor_pool.Default().FindMessageTypeByName(full_name)
    event = _read_event(message)
    if event is None:
        raise ContractError(f"{full_name} has no (marketplace.mesh.v1.event) option")
    return event


def read_method(method: "MethodDescriptor") -> MethodContract:
    """One method's contract. Raises ContractError when its policy is missing."""
    options = method.GetOptions()
    service = method.containing_service
    path = f"/{service.full_name}/{method.name}"
    if not options.HasExtension(policy_pb2.policy):
        raise ContractError(f"{path} has no (marketplace.mesh.v1.policy) option")
    policy = options.Extensions[policy_pb2.policy]
    key = _short(policy_pb2.IdempotencyKey.Name(policy.idempotency_key), "IDEMPOTENCY_KEY_")
    return MethodContract(
        path=path,
        service=_service_of(service.full_name),
        service_full_name=service.full_name,
        name=method.name,
        is_edge=policy.exposure == policy_pb2.EXPOSURE_EDGE,
        is_public=policy.access.public,
        roles=frozenset(policy_pb2.Role.Name(role).removeprefix("ROLE_").lower() for role in policy.access.roles),
        callers=frozenset(policy.access.callers),
        owner_kind=_kind_of(policy.owner),
        owner_field=policy.owner.field,
        also_names=tuple((_kind_of(each), each.field) for each in policy.also_names),
        deadline_seconds=_seconds(policy.deadline),
        rate=_read_rate(policy),
        idempotency_key=key,
        websocket_path=policy.websocket_path,
        needs_step_up=policy.step_up,
        deprecation=_read_deprecation(path, policy, is_deprecated=options.deprecated),
        is_retriable=options.idempotency_level in _IDEMPOTENT or bool(key),
        has_side_effects=options.idempotency_level != descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS,
        is_client_streaming=method.client_streaming,
        is_server_streaming=method.server_streaming,
        rest=_read_rest(method),
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
        descriptor=method,
    )


def _methods_of(file: "FileDescriptor") -> Iterator[MethodContract]:
    for service in file.services_by_name.values():
        for method in service.methods:
            yield read_method(method)


def _read_event(message: "Descriptor") -> EventContract | None:
    options = message.GetOptions()
    if not options.HasExtension(policy_pb2.event):
        return None
    event = options.Extensions[policy_pb2.event]
    if event.key not in message.fields_by_name:
        raise ContractError(f"{message.full_name}: its event key {event.key!r} is not one of its fields")
    return EventContract(
        type_name=message.full_name,
        service=_service_of(message.full_name),
        topic=event.topic,
        key_field=event.key,
        message=message_factory.GetMessageClass(message),
    )


def _kind_of(owner: policy_pb2.Owner) -> str:
    return _short(policy_pb2.OwnerKind.Name(owner.kind), "OWNER_KIND_")


def _read_rate(policy: policy_pb2.MethodPolicy) -> Rate | None:
    if not policy.HasField("rate"):
        return None
    scope = policy_pb2.RateScope.Name(policy.rate.scope).removeprefix("RATE_SCOPE_").lower()
    return Rate(requests=policy.rate.requests, per_seconds=_seconds(policy.rate.per), scope=scope)


def _read_deprecation(path: str, policy: policy_pb2.MethodPolicy, *, is_deprecated: bool) -> Deprecation | None:
    if policy.HasField("deprecation") != is_deprecated:
        raise ContractError(f"{path} must have `deprecated = true` and (marketplace.mesh.v1.policy).deprecation, or neither")
    if not is_deprecated:
        return None
    since, sunset = policy.deprecation.since, policy.deprecation.sunset
    try:
        return Deprecation(date.fromisoformat(since), date.fromisoformat(sunset) if sunset else None)
    except ValueError:
        raise ContractError(f"{path}: the days of its deprecation are written YYYY-MM-DD") from None


def _read_rest(method: "MethodDescriptor") -> tuple[RestBinding, ...]:
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return ()
    first = options.Extensions[annotations_pb2.http]
    bindings = []
    for rule in (first, *first.additional_bindings):
        verb = rule.WhichOneof("pattern")
        path = rule.custom.path if verb == "custom" else getattr(rule, verb)
        verb = rule.custom.kind if verb == "custom" else verb.upper()
        bindings.append(RestBinding(verb=verb, path=path, body=rule.body, response_body=rule.response_body))
    return tuple(bindings)


def _short(name: str, prefix: str) -> str:
    """An enum value's name in lower case without its prefix; empty for the one that says nothing."""
    return name.removeprefix(prefix).lower().replace("unspecified", "")


def _service_of(full_name: str) -> str:
    return full_name.split(".")[1]


def _seconds(duration: "Duration") -> float:
    return float(duration.seconds) + duration.nanos / 1e9
