"""Reviews as their callers see them: double blind, for completed bookings alone, adding up to ratings."""

import asyncio
from datetime import timedelta

import pytest
from marketplace.common.v1.page_pb2 import PageRequest
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb
from marketplace.user.v1.events_pb2 import RatingChanged
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceStub

from mesh.errors import InvalidInput, NotAllowedNow, NotFound
from mesh.ids import new_id
from tests.services.user.support import SetClock, cancelled, completed, confirmed, person, review
from tests.support.service import Backing, ServiceUnderTest


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
    ahead = await confirmed(user, customer, provider)
    off = await cancelled(user, customer, provider)
    done = await completed(user, customer, provider, clock)
    for who, booking_id, kind, reason in (
        (customer, ahead, NotAllowedNow, "BOOKING_NOT_COMPLETED"),
        (customer, off, NotAllowedNow, "BOOKING_NOT_COMPLETED"),
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
    await confirmed(user, customer, provider, booking_id)
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
