"""Values that are made to do harm, for every kind of field, as JSON and as Protobuf; and where in a request they can be put."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

Place = tuple[FieldDescriptor, ...]
"""A scalar field of a request: itself, after the fields of the messages in which it lies."""

_BOMB = "(a+)+(a|aa)*$"
_LONG = "a" * 20_000 + "!"
_TEXTS: tuple[Any, ...] = (
    '{"$gt": ""}',
    {"$gt": ""},
    {"$where": "sleep(5000) || true"},
    ["$ne", None],
    "$where",
    "a.b.$ne",
    "__proto__.admin",
    ".*",
    _BOMB,
    _LONG,
    "\0",
    "a\r\nBcc: b@example.com",
    "\ud800",
    "' || '1'=='1",
    "../../../etc/passwd",
    1e309,
)
_NUMBERS: tuple[Any, ...] = (
    2**63 - 1,
    -(2**63),
    2**63,
    10**9,
    -1,
    float("nan"),
    float("inf"),
    float("-inf"),
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    0.5,
    {"$gt": 0},
    {"$inc": {"amount_minor": 1}},
    _BOMB,
    True,
    None,
)
_TEXT_BYTES = (b'{"$gt": ""}', b"$where", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\0", _BOMB.encode(), _LONG.encode())
_INTEGERS = (2**63 - 1, -(2**63), 2**32, 10**9, -1)
_FLOATS = (float("nan"), float("inf"), float("-inf"), 1e308, -1e-308)


def places(message: Descriptor, before: Place = ()) -> Iterator[Place]:
    """Every scalar field of a request, those of the messages within it too."""
    for field in message.fields:
        if field.message_type is not None:
            yield from places(field.message_type, (*before, field))
        else:
            yield (*before, field)


def is_text(place: Place) -> bool:
    """Whether the field holds text or bytes."""
    return place[-1].cpp_type == FieldDescriptor.CPPTYPE_STRING


def json_values(place: Place) -> Sequence[Any]:
    """What is put there in JSON."""
    return _TEXTS if is_text(place) else _NUMBERS


def put(request: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """The request with the value there. A message that is written as text in JSON, as a moment is, becomes the value itself."""
    field, *rest = place
    if rest:
        inner = request.get(field.name, {})
        first = (inner or [{}])[0] if isinstance(inner, list) else inner
        value = put(first, tuple(rest), value) if isinstance(first, dict) else value
    return request | {field.name: [value] if field.is_repeated else value}


def wire_values(place: Place) -> Iterator[bytes]:
    """What is put there in Protobuf: fields that come after those of a request and win over them [Protocol Buffers: encoding]."""
    field = place[-1]
    kind = field.cpp_type
    for value in _payloads(field):
        wire = {FieldDescriptor.CPPTYPE_STRING: 2, FieldDescriptor.CPPTYPE_DOUBLE: 1, FieldDescriptor.CPPTYPE_FLOAT: 5}.get(
            kind, 0
        )
        encoded = varint(field.number << 3 | wire) + value
        for outer in reversed(place[:-1]):
            encoded = varint(outer.number << 3 | 2) + varint(len(encoded)) + encoded
        yield encoded


def _payloads(field: FieldDescriptor) -> Iterator[bytes]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        yield from (varint(len(text)) + text for text in _TEXT_BYTES)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        yield from (struct.pack("<d", value) for value in _FLOATS)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT:
        yield from (struct.pack("<f", max(-3e38, min(3e38, value)) if abs(value) < float("inf") else value) for value in _FLOATS)
    else:
        yield from (varint(value & (2**64 - 1)) for value in _INTEGERS)


def varint(value: int) -> bytes:
    """A number as Protobuf writes it."""
    low = [value >> shift & 127 for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([*(each | 128 for each in low[:-1]), low[-1]])
