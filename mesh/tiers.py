"""Who sees which field of a person: the one reader of the contract's tiers, and the one place that acts on them."""

from enum import IntEnum
from functools import cache
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from marketplace.mesh.v1 import policy_pb2

from mesh.contract import ContractError

M = TypeVar("M", bound=Message)


class Tier(IntEnum):
    """How far a field may be shown; whoever sees a tier sees the lower ones too."""

    PUBLIC = policy_pb2.TIER_PUBLIC
    PROTECTED = policy_pb2.TIER_PROTECTED
    PRIVATE = policy_pb2.TIER_PRIVATE


def is_person(message: Descriptor) -> bool:
    """Whether the message tells of a person."""
    return bool(message.GetOptions().Extensions[policy_pb2.person])


def tier_of(field: FieldDescriptor) -> Tier | None:
    """The field's tier, None when it declares none."""
    value = field.GetOptions().Extensions[policy_pb2.tier]
    return Tier(value) if value else None


def shaped(message: M, highest: Tier) -> M:
    """The message without the fields above `highest`, in itself and in the person messages within it.

    Changes the message that it is given. Raises ContractError when it is not a person message or a field of it has no tier:
    what was forgotten is shown to nobody.
    """
    for field, tier in _tiers(message.DESCRIPTOR):
        if tier > highest:
            message.ClearField(field.name)
        elif field.message_type is not None and is_person(field.message_type):
            held = getattr(message, field.name)
            for each in held if field.is_repeated else [held] if message.HasField(field.name) else []:
                shaped(each, highest)
    return message


@cache
def _tiers(descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, Tier], ...]:
    if not is_person(descriptor):
        raise ContractError(f"{descriptor.full_name} is not marked as a person message")
    found = []
    for field in descriptor.fields:
        tier = tier_of(field)
        if tier is None:
            raise ContractError(f"{field.full_name} has no (marketplace.mesh.v1.tier) option")
        found.append((field, tier))
    return tuple(found)
