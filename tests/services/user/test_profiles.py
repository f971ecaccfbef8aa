"""Profiles as their callers see them: they follow registrations, change by mask and etag, and are seen tier by tier."""

import asyncio

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from marketplace.auth.v1.events_pb2 import AccountErased, EmailChanged
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1.events_pb2 import PersonErased
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub

from mesh.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.services.user.support import person
from tests.support.service import Backing, ServiceUnderTest


async def test_profile_follows_registration_and_belongs_to_its_owner(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "provider")
    stub = user.stub(ProfileServiceStub, account)
    profile = (await stub.GetMyProfile(profiles_pb.GetMyProfileRequest())).profile
    assert (profile.account_id, profile.is_provider, profile.is_customer) == (account.account_id, True, False)
    assert (await user.published_types()).count("ProfileChanged") == 1
    with pytest.raises(NotFound) as refusal:
        await user.stub(ProfileServiceStub, backing.account("customer")).GetMyProfile(profiles_pb.GetMyProfileRequest())
    assert refusal.value.reason == "PROFILE_NOT_FOUND"


async def test_only_the_fields_that_the_mask_names_change(user: ServiceUnderTest, backing: Backing) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    before = (await stub.GetMyProfile(profiles_pb.GetMyProfileRequest())).profile
    request = profiles_pb.UpdateMyProfileRequest(
        display_name="ignored", locale="en", update_mask=FieldMask(paths=["locale"]), etag=before.etag
    )
    after = (await stub.UpdateMyProfile(request)).profile
    assert (after.display_name, after.locale) == (before.display_name, "en")
    with pytest.raises(Conflict) as stale:
        await stub.UpdateMyProfile(request)
    assert stale.value.reason == "PROFILE_CHANGED"


@pytest.mark.parametrize(
    "path", ["email", "is_provider", "account_id", "update_mask", "etag", "addresses", "profile.locale", "*", ""]
)
async def test_what_only_the_server_may_set_is_refused(user: ServiceUnderTest, backing: Backing, path: str) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    with pytest.raises(InvalidInput) as refusal:
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(update_mask=FieldMask(paths=[path])))
    assert refusal.value.reason == "FIELD_UNKNOWN"


async def test_contact_is_for_notification_alone(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "customer")
    request = profiles_pb.GetContactRequest(account_id=account.account_id)
    assert (await user.stub(ProfileServiceStub, caller="notification").GetContact(request)).email == "x@example.com"
    for caller in ("gateway", "booking"):
        with pytest.raises(Forbidden):
            await user.stub(ProfileServiceStub, account, caller=caller).GetContact(request)


async def test_an_empty_mask_is_refused(user: ServiceUnderTest, backing: Backing) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    with pytest.raises(InvalidInput) as refusal:
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(locale="en", update_mask=FieldMask()))
    assert refusal.value.reason == "FIELD_UNKNOWN"
    with pytest.raises(InvalidInput) as absent:
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(locale="en"))
    assert absent.value.reason == "REQUEST_INVALID"


async def test_one_unknown_path_keeps_the_known_ones_from_changing(user: ServiceUnderTest, backing: Backing) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    mask = FieldMask(paths=["locale", "email"])
    with pytest.raises(InvalidInput):
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(locale="en", update_mask=mask))
    assert (await stub.GetMyProfile(profiles_pb.GetMyProfileRequest())).profile.locale == "pt-BR"


async def test_every_changeable_field_changes_and_phone_and_lists_can_be_emptied(
    user: ServiceUnderTest, backing: Backing
) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    mask = FieldMask(paths=["display_name", "locale", "email_enabled", "about", "languages", "phone"])
    full = profiles_pb.UpdateMyProfileRequest(
        display_name="Y", locale="en", about="Hello.", languages=["pt-BR", "en"], phone="+12025550123", update_mask=mask
    )
    profile = (await stub.UpdateMyProfile(full)).profile
    assert (profile.display_name, profile.locale, profile.email_enabled) == ("Y", "en", False)
    assert (profile.about, list(profile.languages), profile.phone) == ("Hello.", ["pt-BR", "en"], "+12025550123")
    rest = FieldMask(paths=["about", "languages", "phone"])
    profile = (await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(update_mask=rest))).profile
    assert (profile.display_name, profile.about, list(profile.languages), profile.phone) == ("Y", "", [], "")


@pytest.mark.parametrize("phone", ["2025550123", "+0123456789", "+1 202 555 0123", "+123456", "+1234567890123456"])
async def test_a_phone_number_is_in_e164_form(user: ServiceUnderTest, backing: Backing, phone: str) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    with pytest.raises(InvalidInput) as refusal:
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(phone=phone, update_mask=FieldMask(paths=["phone"])))
    assert refusal.value.reason == "REQUEST_INVALID"


@pytest.mark.parametrize("languages", [["portuguese"], ["pt_BR"], ["en", "en"], [""], ["en"] * 11])
async def test_languages_are_tags_each_once(user: ServiceUnderTest, backing: Backing, languages: list[str]) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    mask = FieldMask(paths=["languages"])
    with pytest.raises(InvalidInput):
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(languages=languages, update_mask=mask))


async def test_of_many_updates_with_one_etag_exactly_one_wins(user: ServiceUnderTest, backing: Backing) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    etag = (await stub.GetMyProfile(profiles_pb.GetMyProfileRequest())).profile.etag
    requests = [_named(f"Name {number}", etag) for number in range(8)]
    outcomes = await asyncio.gather(*(stub.UpdateMyProfile(request) for request in requests), return_exceptions=True)
    won = [each for each in outcomes if not isinstance(each, BaseException)]
    lost = [each for each in outcomes if isinstance(each, Conflict)]
    assert (len(won), len(lost)) == (1, 7)
    assert {each.reason for each in lost} == {"PROFILE_CHANGED"}
    assert (await stub.GetMyProfile(profiles_pb.GetMyProfileRequest())).profile == won[0].profile


async def test_updates_of_different_fields_at_once_without_an_etag_all_take_effect(
    user: ServiceUnderTest, backing: Backing
) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    request = profiles_pb.UpdateMyProfileRequest
    await asyncio.gather(
        stub.UpdateMyProfile(_named("Z", "")),
        stub.UpdateMyProfile(request(locale="en", update_mask=FieldMask(paths=["locale"]))),
        stub.UpdateMyProfile(request(about="Hello.", update_mask=FieldMask(paths=["about"]))),
        stub.UpdateMyProfile(request(phone="+12025550123", update_mask=FieldMask(paths=["phone"]))),
    )
    profile = (await stub.GetMyProfile(profiles_pb.GetMyProfileRequest())).profile
    assert (profile.display_name, profile.locale, profile.about, profile.phone) == ("Z", "en", "Hello.", "+12025550123")


def _named(name: str, etag: str) -> profiles_pb.UpdateMyProfileRequest:
    return profiles_pb.UpdateMyProfileRequest(display_name=name, update_mask=FieldMask(paths=["display_name"]), etag=etag)


async def test_an_address_that_was_changed_is_the_contact_from_then_on(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "customer")
    event = EmailChanged(account_id=account.account_id, email="new@example.com")
    for event_id in ("evt_1", "evt_1", "evt_2"):
        await user.deliver(event, event_id)
    await user.deliver(EmailChanged(account_id="acc_unknown", email="new@example.com"))
    stub = user.stub(ProfileServiceStub, caller="notification")
    assert (await stub.GetContact(profiles_pb.GetContactRequest(account_id=account.account_id))).email == "new@example.com"


async def test_whose_account_is_erased_is_forgotten(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "customer")
    for event_id in ("evt_1", "evt_1", "evt_2"):
        await user.deliver(AccountErased(account_id=account.account_id), event_id)
    with pytest.raises(NotFound, match="PROFILE_NOT_FOUND"):
        await user.stub(ProfileServiceStub, account).GetMyProfile(profiles_pb.GetMyProfileRequest())
    assert [event.account_id for event in await user.published(PersonErased)] == [account.account_id]
