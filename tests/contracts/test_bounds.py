"""Every field that clients send has bounds: no text without a longest, no list without a most, no number that is none."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from mesh import contract
from mesh.contract import MethodContract
from mesh.errors import InvalidInput
from mesh.interceptors.validation import require_valid
from tests.support.hostile import Place, places

AT_EDGE = [method for method in contract.methods() if method.is_edge]
LONGEST = 10_000
MOST = 1_000
UNBOUNDED = {
    "ReceiveStripeWebhook.payload": "the edge bounds the whole body",
    "UpdateMyProfile.update_mask": "the service takes the names of three fields and no other",
}
each_method = pytest.mark.parametrize("method", AT_EDGE, ids=lambda method: method.path.rpartition(".")[2])


def is_broken_by(method: MethodContract, place: Place, *values: Any) -> bool:
    """Whether a request that has these values there breaks a rule of that field, or of a list that it is in."""
    inner = request = method.request()
    for field in place[:-1]:
        inner = getattr(inner, field.name).add() if field.is_repeated else getattr(inner, field.name)
    last = place[-1]
    if last.is_repeated and last.message_type is not None:
        getattr(inner, last.name).extend([GetMessageClass(last.message_type)()] * len(values))
    elif last.is_repeated:
        getattr(inner, last.name).extend(values)
    else:
        setattr(inner, last.name, values[0])
    where = ".".join(field.name for field in place)
    return any(violation.replace("[0]", "") in (where, *_lists(place)) for violation in _violations(request))


def _lists(place: Place) -> Iterator[str]:
    for depth, field in enumerate(place, 1):
        if field.is_repeated:
            yield ".".join(each.name for each in place[:depth])


def _violations(request: Any) -> list[str]:
    try:
        require_valid(request)
    except InvalidInput as invalid:
        return [violation.field for violation in invalid.violations]
    return []


def bounded(method: MethodContract, kinds: set[int]) -> Iterator[Place]:
    """The fields of these kinds that are no exception."""
    for place in places(method.descriptor.input_type):
        if place[-1].cpp_type in kinds and f"{method.name}.{place[0].name}" not in UNBOUNDED:
            yield place


def lists_in(message: Descriptor, before: Place = ()) -> Iterator[Place]:
    for field in message.fields:
        if field.is_repeated:
            yield (*before, field)
        if field.message_type is not None:
            yield from lists_in(field.message_type, (*before, field))


@each_method
def test_a_text_has_a_longest(method: MethodContract) -> None:
    for place in bounded(method, {FieldDescriptor.CPPTYPE_STRING}):
        assert is_broken_by(method, place, "a" * LONGEST), ".".join(field.name for field in place)


@each_method
def test_a_list_has_a_most(method: MethodContract) -> None:
    for place in lists_in(method.descriptor.input_type):
        if f"{method.name}.{place[0].name}" not in UNBOUNDED:
            value = "" if place[-1].cpp_type == FieldDescriptor.CPPTYPE_STRING else 0
            assert is_broken_by(method, place, *[value] * MOST), ".".join(field.name for field in place)


@each_method
def test_a_number_with_a_fraction_is_a_number(method: MethodContract) -> None:
    for place in bounded(method, {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}):
        for value in (math.nan, math.inf, -math.inf):
            assert is_broken_by(method, place, value), f"{'.'.join(field.name for field in place)} = {value}"


def test_every_exception_is_still_there() -> None:
    there = {f"{method.name}.{field.name}" for method in AT_EDGE for field in method.descriptor.input_type.fields}
    assert UNBOUNDED.keys() <= there
