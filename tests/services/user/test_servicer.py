"""user as its callers see it: profiles that follow registrations, reviews that are double blind, ratings that move."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from marketplace.auth.v1 import auth_service_pb2 as auth
from marketplace.auth.v1.events_pb2 import AccountRegistered, EmailChanged
from marketplace.booking.v1.events_pb2 import BookingCompleted, BookingConfirmed
from marketplace.common.v1.page_pb2 import PageRequest
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb
from marketplace.user.v1.events_pb2 import RatingChanged
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceStub

from mesh.call import Account
from mesh.errors import Conflict, Forbidden, InvalidInput, NotAllowedNow, NotFound
from mesh.ids import new_id
from mesh.settings import Settings
from services.user.__main__ import assemble
from tests.support.service import Backing, ServiceUnderTest, serving


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def user(backing: Backing, clock: SetClock) -> AsyncIterator[ServiceUnderTest]:
    async with serving("user", assemble, Settings, backing, clock=clock) as service:
        yield service


async def person(user: ServiceUnderTest, backing: Backing, role: str) -> Account:
    account = backing.account(role)
    roles = [auth.AccountRole.Value(f"ACCOUNT_ROLE_{role.upper()}")]
    event = AccountRegistered(
        account_id=account.account_id, roles=roles, email="x@example.com", display_name="X", locale="pt-BR", time_zone="UTC"
    )
    event_id = await user.deliver(event)
    await user.deliver(event, event_id)
    return account


async def completed(user: ServiceUnderTest, customer: Account, provider: Account, clock: SetClock) -> str:
    booking_id = new_id("bkg")
    event = BookingCompleted(booking_id=booking_id, customer_id=customer.account_id, provider_id=provider.account_id)
    event.complete_time.FromDatetime(clock.now())
    await user.deliver(event)
    return booking_id


def review(user: ServiceUnderTest, who: Account, booking_id: str, stars: int, comment: str = "") -> Any:
    request = reviews_pb.SubmitReviewRequest(booking_id=booking_id, rating=stars, comment=comment)
    return user.stub(ReviewServiceStub, who).SubmitReview(request)


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


@pytest.mark.parametrize("path", ["email", "is_provider", "account_id", "update_mask", "etag", ""])
async def test_what_only_the_server_may_set_is_refused(user: ServiceUnderTest, backing: Backing, path: str) -> None:
    stub = user.stub(ProfileServiceStub, await person(user, backing, "customer"))
    with pytest.raises(InvalidInput) as refusal:
        await stub.UpdateMyProfile(profiles_pb.UpdateMyProfileRequest(update_mask=FieldMask(paths=[path])))
    assert refusal.value.reason == "FIELD_UNKNOWN"


async def test_an_address_that_was_changed_is_the_contact_from_then_on(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "customer")
    event = EmailChanged(account_id=account.account_id, email="new@example.com")
    for event_id in ("evt_1", "evt_1", "evt_2"):
        await user.deliver(event, event_id)
    await user.deliver(EmailChanged(account_id="acc_unknown", email="new@example.com"))
    stub = user.stub(ProfileServiceStub, caller="notification")
    assert (await stub.GetContact(profiles_pb.GetContactRequest(account_id=account.account_id))).email == "new@example.com"


async def test_contact_is_for_notification_alone(user: ServiceUnderTest, backing: Backing) -> None:
    account = await person(user, backing, "customer")
    request = profiles_pb.GetContactRequest(account_id=account.account_id)
    assert (await user.stub(ProfileServiceStub, caller="notification").GetContact(request)).email == "x@example.com"
    for caller in ("gateway", "booking"):
        with pytest.raises(Forbidden):
            await user.stub(ProfileServiceStub, account, caller=caller).GetContact(request)


async def test_reviews_appear_when_both_are_in_and_the_rating_moves(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    assert not (await review(user, customer, booking_id, 2)).review.HasField("publish_time")
    assert not (await review(user, customer, booking_id, 4, "better")).review.HasField("publish_time")
    assert await user.published(RatingChanged) == []
    assert (await review(user, provider, booking_id, 5)).review.HasField("publish_time")
    again = (await review(user, customer, booking_id, 4, "better")).review
    assert again.HasField("publish_time")
    with pytest.raises(NotAllowedNow) as refusal:
        await review(user, customer, booking_id, 1)
    assert refusal.value.reason == "REVIEW_PUBLISHED"
    found = await user.stub(ProfileServiceStub, customer).GetProvider(
        profiles_pb.GetProviderRequest(provider_id=provider.account_id)
    )
    assert (found.provider.rating, found.provider.rating_count) == (4.0, 1)
    assert len(await user.published(RatingChanged)) == 2


async def test_two_first_reviews_at_once_publish_once(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    for _ in range(5):
        booking_id = await completed(user, customer, provider, clock)
        await asyncio.gather(review(user, customer, booking_id, 5), review(user, provider, booking_id, 5))
    changes = [each for each in await user.published(RatingChanged) if each.account_id == provider.account_id]
    assert [each.rating_count for each in changes] == [1, 2, 3, 4, 5]


async def test_review_needs_a_part_in_a_completed_booking_and_the_time_for_it(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    confirmed = new_id("bkg")
    await user.deliver(BookingConfirmed(booking_id=confirmed, customer_id=customer.account_id, provider_id=provider.account_id))
    done = await completed(user, customer, provider, clock)
    for who, booking_id, kind, reason in (
        (customer, confirmed, NotAllowedNow, "BOOKING_NOT_COMPLETED"),
        (backing.account("customer"), done, NotFound, "BOOKING_NOT_FOUND"),
        (customer, new_id("bkg"), NotFound, "BOOKING_NOT_FOUND"),
    ):
        with pytest.raises(kind) as refusal:
            await review(user, who, booking_id, 5)
        assert refusal.value.reason == reason
    clock.moment += timedelta(days=14)
    with pytest.raises(NotAllowedNow) as late:
        await review(user, customer, done, 5)
    assert late.value.reason == "REVIEW_WINDOW_CLOSED"


async def test_confirmation_that_comes_after_completion_changes_nothing(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    await user.deliver(BookingConfirmed(booking_id=booking_id, customer_id=customer.account_id, provider_id=provider.account_id))
    assert (await review(user, customer, booking_id, 5)).review.rating == 5


async def test_one_review_is_published_after_fourteen_days(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    await review(user, customer, booking_id, 3)
    publish_due = next(work for name, _, work, _ in user.runtime._periodic if name == "publish_due_reviews")
    await publish_due()
    assert await user.published(RatingChanged) == []
    clock.moment += timedelta(days=14)
    await publish_due()
    await publish_due()
    [change] = await user.published(RatingChanged)
    assert (change.account_id, change.rating, change.rating_count) == (provider.account_id, 3.0, 1)


async def test_reviews_come_in_pages(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    for stars in (1, 2, 3, 4, 5):
        booking_id = await completed(user, customer, provider, clock)
        await review(user, customer, booking_id, stars)
        await review(user, provider, booking_id, 5)
        clock.moment += timedelta(seconds=stars % 2)
    stub, seen, token = user.stub(ReviewServiceStub, customer), [], ""
    while True:
        page = PageRequest(page_size=2, page_token=token)
        answer = await stub.ListProviderReviews(reviews_pb.ListProviderReviewsRequest(provider_id=provider.account_id, page=page))
        seen += [each.rating for each in answer.reviews]
        token = answer.page.next_page_token
        if not token:
            break
    assert sorted(seen) == [1, 2, 3, 4, 5]
    for forged in ("x", "WyJ4IiwieSJd"):
        with pytest.raises(InvalidInput) as refusal:
            await stub.ListProviderReviews(
                reviews_pb.ListProviderReviewsRequest(provider_id=provider.account_id, page=PageRequest(page_token=forged))
            )
        assert refusal.value.reason == "PAGE_TOKEN_INVALID"
