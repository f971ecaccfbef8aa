"""The address book: several, exactly one the default, each its person's alone."""

from typing import Any

import pytest
from marketplace.common.v1.geo_pb2 import GeoPoint
from marketplace.user.v1 import address_service_pb2 as pb
from marketplace.user.v1.address_service_pb2_grpc import AddressServiceStub

from mesh.call import Account
from mesh.errors import InvalidInput, LimitReached, NotFound
from tests.services.user.support import person
from tests.support.service import Backing, ServiceUnderTest


def place(street: str) -> pb.PostalAddress:
    return pb.PostalAddress(street=street, city="Example", country_code="BR", point=GeoPoint(latitude=-23.5, longitude=-46.6))


async def book(stub: Any) -> list[tuple[str, bool]]:
    answer = await stub.ListMyAddresses(pb.ListMyAddressesRequest())
    return [(each.label, each.is_default) for each in answer.addresses]


async def add(stub: Any, label: str) -> str:
    request = pb.AddAddressRequest(label=label, postal_address=place(f"{label} Street"))
    answer = await stub.AddAddress(request, key=label)
    assert answer == await stub.AddAddress(request, key=label)
    return str(answer.address.address_id)


async def test_whenever_there_is_an_address_exactly_one_is_the_default(user: ServiceUnderTest, backing: Backing) -> None:
    stub = user.stub(AddressServiceStub, await person(user, backing, "customer"))
    assert await book(stub) == []
    home, work, other = [await add(stub, label) for label in ("Home", "Work", "Other")]
    assert await book(stub) == [("Home", True), ("Work", False), ("Other", False)]
    for _ in range(2):
        made = await stub.MakeAddressDefault(pb.MakeAddressDefaultRequest(address_id=work))
        assert made.address.is_default
    assert await book(stub) == [("Work", True), ("Home", False), ("Other", False)]
    await stub.RemoveAddress(pb.RemoveAddressRequest(address_id=work))
    assert await book(stub) == [("Home", True), ("Other", False)]
    for address_id in (other, home, home):
        await stub.RemoveAddress(pb.RemoveAddressRequest(address_id=address_id))
    assert await book(stub) == []


async def test_an_address_comes_back_as_it_was_put(user: ServiceUnderTest, backing: Backing) -> None:
    stub = user.stub(AddressServiceStub, await person(user, backing, "customer"))
    address_id = await add(stub, "Home")
    moved = pb.PostalAddress(
        street="Example Street 2", complement="12 B", district="Centre", city="Example", region="SP", postal_code="00000-000",
        country_code="BR",
    )  # fmt: skip
    request = pb.ReplaceAddressRequest(address_id=address_id, label="Flat", postal_address=moved)
    expected = pb.Address(address_id=address_id, label="Flat", is_default=True, postal_address=moved)
    assert (await stub.ReplaceAddress(request)).address == expected
    assert list((await stub.ListMyAddresses(pb.ListMyAddressesRequest())).addresses) == [expected]


async def test_an_address_of_somebody_else_is_not_there(user: ServiceUnderTest, backing: Backing) -> None:
    owner, stranger = await person(user, backing, "customer"), await person(user, backing, "provider")
    address_id = await add(user.stub(AddressServiceStub, owner), "Home")
    for call in _calls(user, stranger, address_id):
        with pytest.raises(NotFound) as refusal:
            await call
        assert refusal.value.reason == "ADDRESS_NOT_FOUND"
    await user.stub(AddressServiceStub, stranger).RemoveAddress(pb.RemoveAddressRequest(address_id=address_id))
    assert await book(user.stub(AddressServiceStub, owner)) == [("Home", True)]


def _calls(user: ServiceUnderTest, who: Account, address_id: str) -> list[Any]:
    stub: Any = user.stub(AddressServiceStub, who)
    return [
        stub.ReplaceAddress(pb.ReplaceAddressRequest(address_id=address_id, postal_address=place("Taken"))),
        stub.MakeAddressDefault(pb.MakeAddressDefaultRequest(address_id=address_id)),
    ]


async def test_a_book_holds_twenty(user: ServiceUnderTest, backing: Backing) -> None:
    stub: Any = user.stub(AddressServiceStub, await person(user, backing, "customer"))
    for number in range(20):
        await add(stub, str(number))
    with pytest.raises(LimitReached) as refusal:
        await stub.AddAddress(pb.AddAddressRequest(postal_address=place("One too many")), key="more")
    assert refusal.value.reason == "ADDRESS_LIMIT_REACHED"


@pytest.mark.parametrize("wrong", [{"street": ""}, {"city": ""}, {"country_code": "Brazil"}, {"street": "x" * 201}])
async def test_an_address_names_street_city_and_country(user: ServiceUnderTest, backing: Backing, wrong: dict[str, str]) -> None:
    stub: Any = user.stub(AddressServiceStub, await person(user, backing, "customer"))
    parts: dict[str, Any] = {"street": "Example Street 1", "city": "Example", "country_code": "BR"} | wrong
    with pytest.raises(InvalidInput):
        await stub.AddAddress(pb.AddAddressRequest(postal_address=pb.PostalAddress(**parts)), key="wrong")
