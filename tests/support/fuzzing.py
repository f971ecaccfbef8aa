"""Requests that nobody meant: messages made from descriptors with the worst values, and bytes that are no message at all."""

import math
import random
from typing import Any

from google.protobuf.message import Message

_DEEPEST = 4
_TEXTS = (
    "",
    "x",
    "$where",
    "$gt",
    "a.b",
    "\0",
    "é" * 50,
    "../..",
    "x" * 5000,
    "(a+)+$",
    "{{7*7}}",
    "bkg_" + "0" * 26,
    "'; --",
    "\u202e",
)
_INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 10**9)
_FLOATS = (0.0, -0.0, 1e308, -1e308, math.nan, math.inf, -math.inf, 90.000001, 5e-324)
_UNSIGNED = (4, 6, 7, 13)  # uint64, fixed64, fixed32, uint32 [FieldDescriptor.Type]
_NARROW = (5, 7, 13, 15, 17)  # int32, fixed32, uint32, sfixed32, sint32


def worst_message(made: type[Message], dice: random.Random) -> bytes:
    """A well-formed message of the type whose fields have values that programs trip over."""
    message = made()
    _fill(message, dice, 0)
    return message.SerializeToString()


def broken_bytes(whole: bytes, dice: random.Random) -> bytes:
    """The message with bits turned, cut off, doubled, nested without end, or with bytes of nothing."""
    changed = bytearray(whole or b"\x0a\x03abc")
    match dice.randrange(6):
        case 0:
            for _ in range(dice.randint(1, 8)):
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        case 1:
            del changed[dice.randrange(len(changed)) :]
        case 2:
            changed += bytes(changed)
        case 3:
            changed += dice.randbytes(dice.randint(1, 64))
        case 4:
            changed[:] = _nested(dice.randint(90, 400))
        case _:
            changed[:] = dice.randbytes(dice.randint(1, 300))
    return bytes(changed)


def broken_frame(message: bytes, dice: random.Random) -> bytes:
    """A message in a frame that does not say what follows [gRPC over HTTP/2: Length-Prefixed-Message]."""
    length = len(message)
    head = dice.choice(
        (
            b"\0" + (length + dice.randint(1, 1000)).to_bytes(4),
            b"\0" + max(0, length - 1).to_bytes(4),
            b"\1" + length.to_bytes(4),  # compressed, it says
            b"\0\xff\xff\xff\xff",
            b"\0" + length.to_bytes(4) + message + b"\0" + length.to_bytes(4),  # two of them
            bytes([dice.randrange(2, 256)]) + length.to_bytes(4),
            b"",
        )
    )
    return head + message if head else b"\0" * dice.randint(0, 4)


def _fill(message: Message, dice: random.Random, depth: int) -> None:
    field: Any  # of two implementations of descriptors
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.2:  # some are left out
            continue
        is_message = field.message_type is not None
        if is_message and depth >= _DEEPEST:
            continue
        if is_message and field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            for _ in range(dice.choice((0, 1, 3, 40))):
                if is_message:
                    _fill(getattr(message, field.name).add(), dice, depth + 1)
                else:
                    getattr(message, field.name).append(_value(field, dice))
        elif is_message:
            getattr(message, field.name).SetInParent()
            _fill(getattr(message, field.name), dice, depth + 1)
        else:
            setattr(message, field.name, _value(field, dice))


def _value(field: Any, dice: random.Random) -> Any:
    if field.enum_type is not None:
        return dice.choice((0, 1, 2, 99, -1))
    if field.type in (1, 2):
        value = dice.choice(_FLOATS)
        return value if field.type == 1 else float(value if not math.isfinite(value) else max(-3e38, min(3e38, value)))
    if field.type == 8:
        return dice.random() < 0.5
    if field.type == 9:
        return dice.choice(_TEXTS)
    if field.type == 12:
        return dice.randbytes(dice.choice((0, 1, 1000)))
    value = dice.choice(_INTEGERS)
    if field.type in _UNSIGNED:
        value = abs(value) % 2**32
    if field.type in _NARROW:
        value = max(-(2**31), min(2**31 - 1, value))
    return value


def _nested(depth: int) -> bytes:
    """A field inside itself so many times."""
    inner = b""
    for _ in range(depth):
        inner = b"\x0a" + _varint(len(inner)) + inner
    return inner


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])
