"""What is left of a person message for each audience."""

import pytest
from marketplace.common.v1.page_pb2 import PageRequest
from marketplace.user.v1.address_service_pb2 import Address, PostalAddress
from marketplace.user.v1.person_service_pb2 import Person

from mesh.contract import ContractError
from mesh.tiers import Tier, shaped


def someone() -> Person:
    address = Address(label="Home", is_default=True, postal_address=PostalAddress(street="Example Street 1"))
    return Person(display_name="X", phone="+12025550123", email="x@example.com", default_address=address)


@pytest.mark.parametrize(
    "highest, names",
    [
        (Tier.PUBLIC, {"display_name"}),
        (Tier.PROTECTED, {"display_name", "phone", "default_address"}),
        (Tier.PRIVATE, {"display_name", "phone", "default_address", "email"}),
    ],
)
def test_fields_above_the_tier_are_gone(highest: Tier, names: set[str]) -> None:
    assert {field.name for field, _ in shaped(someone(), highest).ListFields()} == names


def test_a_person_message_within_is_shaped_too() -> None:
    address = shaped(someone(), Tier.PROTECTED).default_address
    assert (address.label, address.is_default, address.postal_address.street) == ("", False, "Example Street 1")


def test_an_absent_message_stays_absent() -> None:
    assert not shaped(Person(display_name="X"), Tier.PRIVATE).HasField("default_address")


def test_a_message_that_is_not_a_persons_is_not_shaped() -> None:
    with pytest.raises(ContractError, match="PageRequest is not marked"):
        shaped(PageRequest(), Tier.PRIVATE)
