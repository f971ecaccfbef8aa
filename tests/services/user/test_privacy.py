"""What a person is told that is held of them, and what is left after they are erased."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct
from marketplace.auth.v1 import privacy_service_pb2_grpc as auth
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.booking.v1 import privacy_service_pb2_grpc as booking
from marketplace.chat.v1 import privacy_service_pb2_grpc as chat
from marketplace.chat.v1.privacy_service_pb2 import ExportPersonRequest, ExportPersonResponse
from marketplace.common.v1.personal_record_pb2 import PersonalRecord
from marketplace.notification.v1 import privacy_service_pb2_grpc as notification
from marketplace.payment.v1 import privacy_service_pb2_grpc as payment
from marketplace.user.v1 import address_service_pb2 as addresses_pb
from marketplace.user.v1 import privacy_service_pb2 as pb
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb
from marketplace.user.v1.address_service_pb2_grpc import AddressServiceStub
from marketplace.user.v1.events_pb2 import PersonErased, ProfileChanged
from marketplace.user.v1.privacy_service_pb2_grpc import PrivacyServiceStub
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceStub

from mesh.call import Account
from mesh.errors import NotAllowedNow, NotFound, Unavailable
from mesh.settings import Settings
from services.user.__main__ import assemble
from tests.services.user.support import SetClock, completed, confirmed, person, published_review, reply, review
from tests.support.service import Backing, ServiceUnderTest, peer_server, serving

PEERS = {"auth": auth, "booking": booking, "chat": chat, "notification": notification, "payment": payment}


class Peer:
    """Another service, which holds three things, two a page, and remembers for whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def ExportPerson(self, request: ExportPersonRequest, context: Any) -> ExportPersonResponse:
        token = dict(context.invocation_metadata())["authorization"]
        self.asked.append((request.account_id, str(token)))
        numbers = [3] if request.page_token else [1, 2]
        records = [PersonalRecord(kind="things", data=_struct(number=number)) for number in numbers]
        return ExportPersonResponse(records=records, next_page_token="" if request.page_token else "more")


def _struct(**values: float) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


@pytest.fixture
async def peers() -> dict[str, Peer]:
    return {name: Peer() for name in PEERS}


@pytest.fixture
async def whole(backing: Backing, clock: SetClock, peers: dict[str, Peer]) -> AsyncIterator[ServiceUnderTest]:
    """user among its peers."""
    async with AsyncExitStack() as stack:
        addresses = {}
        for name, module in PEERS.items():
            server = peer_server(name, backing, module.add_PrivacyServiceServicer_to_server, peers[name])
            addresses[name] = await stack.enter_async_context(server)
        yield await stack.enter_async_context(serving("user", assemble, Settings, backing, peers=addresses, clock=clock))


async def exported(user: ServiceUnderTest, who: Account) -> list[pb.ExportMyDataResponse]:
    stub = user.stub(PrivacyServiceStub, who)
    return [each async for each in stub.ExportMyData(pb.ExportMyDataRequest())]


async def erase(user: ServiceUnderTest, who: Account) -> None:
    await user.stub(PrivacyServiceStub, who).EraseMe(pb.EraseMeRequest())


async def lived(user: ServiceUnderTest, who: Account) -> None:
    """Somebody of whom something personal is known everywhere in user."""
    mask = FieldMask(paths=["display_name", "about", "phone"])
    await user.stub(ProfileServiceStub, who).UpdateMyProfile(
        profiles_pb.UpdateMyProfileRequest(display_name="Quintessa", about="Quintessa!", phone="+12025550123", update_mask=mask)
    )
    place = addresses_pb.PostalAddress(street="Quintessa Street 1", city="Example", country_code="BR")
    stub: Any = user.stub(AddressServiceStub, who)
    await stub.AddAddress(addresses_pb.AddAddressRequest(label="Quintessa", postal_address=place), key="home")


async def test_a_person_is_told_everything_that_every_service_holds(
    whole: ServiceUnderTest, backing: Backing, peers: dict[str, Peer]
) -> None:
    account = await person(whole, backing, "customer")
    await lived(whole, account)
    found = await exported(whole, account)
    [profile] = [each.record.data for each in found if each.service == "user"]
    assert (profile["display_name"], profile["phone"]) == ("Quintessa", "+12025550123")
    assert "Quintessa Street 1" in str(profile["addresses"])
    for name, peer in peers.items():
        assert [each.record.data["number"] for each in found if each.service == name] == [1, 2, 3]
        assert peer.asked == [(account.account_id, f"Bearer {account.token}")] * 2


async def test_a_service_that_does_not_answer_ends_the_export_with_its_failure(user: ServiceUnderTest, backing: Backing) -> None:
    with pytest.raises(Unavailable):
        await exported(user, await person(user, backing, "customer"))


async def test_a_review_that_is_not_published_is_not_told_to_its_subject(
    whole: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(whole, backing, "customer"), await person(whole, backing, "provider")
    await review(whole, customer, await completed(whole, customer, provider, clock), 1, "Hidden yet.")
    assert "Hidden yet." not in str(await exported(whole, provider))
    assert "Hidden yet." in str(await exported(whole, customer))


async def test_nothing_is_left_of_a_person_who_was_erased(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    for who in (customer, provider):
        await lived(user, who)
    written = await published_review(user, customer, provider, clock, stars=4, comment="Quintessa was here.")
    assert "Quintessa" in await user.stored()
    await erase(user, customer)
    await reply(user, provider, written, "Thank you.")
    await erase(user, provider)
    await erase(user, provider)
    left = await user.stored()
    for trace in ("Quintessa", "+12025550123", "x@example.com"):
        assert trace not in left
    erased = [each.account_id for each in await user.published(PersonErased)]
    assert erased == [customer.account_id, provider.account_id]
    assert {each.display_name for each in await user.published(ProfileChanged)} == {""}


async def test_the_stars_of_an_erased_author_still_count(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    await published_review(user, customer, provider, clock, stars=4, comment="Words.")
    await erase(user, customer)
    request = reviews_pb.ListProviderReviewsRequest(provider_id=provider.account_id)
    answer = await user.stub(ReviewServiceStub, provider).ListProviderReviews(request)
    assert [(each.rating, each.comment) for each in answer.reviews] == [(4, "")]
    assert (answer.summary.rating, answer.summary.rating_count) == (4.0, 1)


async def test_a_late_registration_does_not_bring_an_erased_person_back(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "customer")
    await erase(user, account)
    await user.deliver(AccountRegistered(account_id=account.account_id, email="x@example.com", display_name="X"))
    with pytest.raises(NotFound):
        await user.stub(ProfileServiceStub, account).GetMyProfile(profiles_pb.GetMyProfileRequest())


async def test_who_has_an_active_booking_is_not_erased(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await confirmed(user, customer, provider)
    for who in (customer, provider):
        with pytest.raises(NotAllowedNow) as refusal:
            await erase(user, who)
        assert refusal.value.reason == "BOOKING_ACTIVE"
    await completed(user, customer, provider, clock, booking_id)
    await erase(user, customer)
