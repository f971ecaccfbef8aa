"""Every field of a message that tells of a person says who sees it, and nothing else tells of a person."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from mesh import contract
from mesh.tiers import Tier, is_person, tier_of

PERSONAL = {"email", "phone", "street", "postal_code"}
OWN = {"marketplace.auth.v1.GetMyAccountResponse.email"}  # auth tells the caller's own account, and of nobody else
FILES = contract.files()
MESSAGES = [message for file in FILES for message in file.message_types_by_name.values()]
PEOPLE = [message for message in MESSAGES if is_person(message)]


def _reached(message: Descriptor, seen: set[str] | None = None) -> Iterator[tuple[Descriptor, FieldDescriptor]]:
    """Every field, with its message, that an answer can hold, in itself and in what it is made of."""
    seen = set() if seen is None else seen
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        yield message, field
        if field.message_type is not None:
            yield from _reached(field.message_type, seen)


@pytest.mark.parametrize("message", PEOPLE, ids=lambda message: message.full_name)
def test_every_field_of_a_person_message_has_a_tier(message: Descriptor) -> None:
    assert [field.name for field in message.fields if tier_of(field) is None] == []


def test_a_tier_stands_on_fields_of_person_messages_alone() -> None:
    tiered = {message.full_name for message in MESSAGES for field in message.fields if tier_of(field)}
    assert tiered == {message.full_name for message in PEOPLE}


def test_how_to_reach_a_person_is_never_public() -> None:
    fields = [field for message in PEOPLE for field in message.fields if field.name in PERSONAL]
    assert {"email", "phone", "street"} <= {field.name for field in fields}
    assert [field.full_name for field in fields if tier_of(field) == Tier.PUBLIC] == []


@pytest.mark.parametrize("method", contract.methods(), ids=lambda method: method.path.rpartition(".")[2])
def test_what_the_edge_answers_of_a_person_has_tiers(method: contract.MethodContract) -> None:
    is_for_others = method.is_edge and method.roles != {"admin"}  # administrators see all of a person anyway
    reached = _reached(method.descriptor.output_type) if is_for_others else ()
    found = {field.full_name for message, field in reached if field.name in PERSONAL and not is_person(message)}
    assert found - OWN == set()
