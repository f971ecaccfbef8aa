"""A person as each audience sees them: what a field's tier in the contract says is what is shown."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from marketplace.user.v1 import address_service_pb2 as addresses_pb
from marketplace.user.v1 import person_service_pb2 as pb
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1.address_service_pb2_grpc import AddressServiceStub
from marketplace.user.v1.document_pb2 import DOCUMENT_KIND_IDENTITY
from marketplace.user.v1.person_service_pb2_grpc import PersonServiceStub
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub
from marketplace.user.v1.verification_service_pb2 import DecideDocumentRequest, SubmitDocumentRequest
from marketplace.user.v1.verification_service_pb2_grpc import VerificationServiceStub

from mesh.call import Account
from mesh.errors import NotFound
from mesh.ids import new_id
from mesh.tiers import Tier, tier_of
from tests.services.user.support import SetClock, cancelled, completed, confirmed, person, review
from tests.support.service import Backing, ServiceUnderTest

PUBLIC = {Tier.PUBLIC}
PROTECTED = {Tier.PUBLIC, Tier.PROTECTED}
EVERYTHING = {Tier.PUBLIC, Tier.PROTECTED, Tier.PRIVATE}


async def full_person(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> Account:
    """A provider of whom every field is known."""
    account, other = await person(user, backing, "provider"), await person(user, backing, "customer")
    mask = FieldMask(paths=["about", "languages", "phone"])
    await user.stub(ProfileServiceStub, account).UpdateMyProfile(
        profiles_pb.UpdateMyProfileRequest(about="Hello.", languages=["en"], phone="+12025550123", update_mask=mask)
    )
    place = addresses_pb.PostalAddress(street="Example Street 1", city="Example", country_code="BR")
    added = addresses_pb.AddAddressRequest(label="Home", postal_address=place)
    addresses: Any = user.stub(AddressServiceStub, account)
    await addresses.AddAddress(added, key="home")
    verification: Any = user.stub(VerificationServiceStub, account)
    submission = SubmitDocumentRequest(kind=DOCUMENT_KIND_IDENTITY, reference="documents/1")
    document_id = (await verification.SubmitDocument(submission, key="identity")).document.document_id
    decision = DecideDocumentRequest(document_id=document_id, is_approved=True, reason="Clear.")
    await user.stub(VerificationServiceStub, backing.account("admin")).DecideDocument(decision)
    booking_id = await completed(user, other, account, clock)
    await review(user, other, booking_id, 5)
    await review(user, account, booking_id, 5)
    return account


async def seen(user: ServiceUnderTest, viewer: Account, whom: Account) -> pb.Person:
    answer = await user.stub(PersonServiceStub, viewer).GetPerson(pb.GetPersonRequest(account_id=whom.account_id))
    return answer.person


def tiers(found: pb.Person) -> set[Tier | None]:
    """The tiers of all fields that are shown."""
    return {tier_of(field) for field, _ in found.ListFields()}


async def test_everybody_sees_what_is_public_the_person_and_administrators_everything(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    account = await full_person(user, backing, clock)
    for viewer, expected in (
        (backing.account("customer"), PUBLIC),
        (backing.account("provider"), PUBLIC),
        (account, EVERYTHING),
        (backing.account("admin"), EVERYTHING),
    ):
        found = await seen(user, viewer, account)
        wanted = {field.name for field in pb.Person.DESCRIPTOR.fields if tier_of(field) in expected}
        assert {field.name for field, _ in found.ListFields()} == wanted


async def test_the_other_party_sees_what_is_protected_while_a_booking_is_active(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    provider, customer = await full_person(user, backing, clock), await person(user, backing, "customer")
    assert tiers(await seen(user, customer, provider)) == PUBLIC
    booking_id = await confirmed(user, customer, provider)
    shown = await seen(user, customer, provider)
    assert tiers(shown) == PROTECTED
    assert shown.phone == "+12025550123"
    assert (shown.default_address.label, shown.default_address.postal_address.street) == ("", "Example Street 1")
    assert tiers(await seen(user, backing.account("customer"), provider)) == PUBLIC
    await completed(user, customer, provider, clock, booking_id)
    assert tiers(await seen(user, customer, provider)) == PUBLIC


async def test_it_is_the_same_the_other_way_round(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    someone, provider = await full_person(user, backing, clock), await person(user, backing, "provider")
    await confirmed(user, someone, provider)
    assert tiers(await seen(user, provider, someone)) == PROTECTED


End = Callable[[ServiceUnderTest, Account, Account, str], Awaitable[str]]


@pytest.mark.parametrize("is_end_first", [False, True])
async def test_a_cancelled_booking_shows_nothing_in_whichever_order_its_events_come(
    user: ServiceUnderTest, backing: Backing, clock: SetClock, is_end_first: bool
) -> None:
    provider, customer = await full_person(user, backing, clock), await person(user, backing, "customer")
    booking_id = new_id("bkg")
    happenings: list[End] = [confirmed, cancelled]
    for happen in reversed(happenings) if is_end_first else happenings:
        await happen(user, customer, provider, booking_id)
    assert tiers(await seen(user, customer, provider)) == PUBLIC


async def test_of_two_bookings_one_that_is_active_is_enough(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    provider, customer = await full_person(user, backing, clock), await person(user, backing, "customer")
    await confirmed(user, customer, provider)
    await cancelled(user, customer, provider)
    await completed(user, customer, provider, clock)
    assert tiers(await seen(user, customer, provider)) == PROTECTED


async def test_nobody_is_not_found(user: ServiceUnderTest, backing: Backing) -> None:
    with pytest.raises(NotFound) as refusal:
        await seen(user, backing.account("customer"), backing.account("provider"))
    assert refusal.value.reason == "PROFILE_NOT_FOUND"
