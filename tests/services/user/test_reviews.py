"""Reviews as their callers see them: double blind, for completed bookings alone, adding up to ratings."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from marketplace.common.v1.page_pb2 import PageRequest
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb
from marketplace.user.v1.events_pb2 import RatingChanged
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceStub

from mesh.errors import AlreadyExists, InvalidInput, MeshError, NotAllowedNow, NotFound
from mesh.ids import new_id
from services.user.store.ratings import RatingDocument
from tests.services.user.support import SetClock, cancelled, completed, confirmed, person, reply, review
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


async def test_sub_ratings_are_shown_and_add_up_beside_the_rating(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    rated = {5: reviews_pb.SubRatings(punctuality=2, quality=5), 4: reviews_pb.SubRatings(punctuality=3), 3: None}
    for stars, parts in rated.items():
        booking_id = await completed(user, customer, provider, clock)
        await review(user, customer, booking_id, stars, sub_ratings=parts)
        await review(user, provider, booking_id, 5)
    request = reviews_pb.ListProviderReviewsRequest(provider_id=provider.account_id)
    answer = await user.stub(ReviewServiceStub, customer).ListProviderReviews(request)
    assert {(each.rating, each.sub_ratings.punctuality) for each in answer.reviews} == {(5, 2), (4, 3), (3, 0)}
    summary = answer.summary
    assert (summary.rating, summary.rating_count, summary.score) == (4.0, 3, 29.5 / 8)
    assert (summary.punctuality.rating, summary.punctuality.rating_count) == (2.5, 2)
    assert (summary.quality.rating_count, summary.communication.rating_count) == (1, 0)


async def test_a_subject_answers_once_and_for_good(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    review_id = (await review(user, customer, booking_id, 4)).review.review_id
    await _refused(reply(user, provider, review_id, "Too early."), NotFound, "REVIEW_NOT_FOUND")
    await review(user, provider, booking_id, 5)
    for _ in range(2):
        assert (await reply(user, provider, review_id, "Thank you.")).review.reply == "Thank you."
    await _refused(reply(user, provider, review_id, "Better words."), AlreadyExists, "REVIEW_ANSWERED")
    for who in (customer, await person(user, backing, "provider")):
        await _refused(reply(user, who, review_id, "Not mine."), NotFound, "REVIEW_NOT_FOUND")
    await _refused(reply(user, provider, new_id("rev"), "Nothing."), NotFound, "REVIEW_NOT_FOUND")
    request = reviews_pb.ListProviderReviewsRequest(provider_id=provider.account_id)
    [shown] = (await user.stub(ReviewServiceStub, customer).ListProviderReviews(request)).reviews
    assert (shown.reply, shown.HasField("reply_time")) == ("Thank you.", True)


async def test_of_two_different_answers_at_once_one_stays(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    review_id = (await review(user, customer, booking_id, 4)).review.review_id
    await review(user, provider, booking_id, 5)
    answers = await asyncio.gather(
        *(reply(user, provider, review_id, f"Answer {number}.") for number in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, AlreadyExists) for each in answers) == 3


async def test_sub_ratings_beyond_five_are_refused(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    with pytest.raises(InvalidInput):
        await review(user, customer, booking_id, 5, sub_ratings=reviews_pb.SubRatings(quality=6))


async def test_ratings_from_before_there_were_revisions_go_on_from_their_count(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    old = RatingDocument(id=provider.account_id, total=12, count=3)
    await user.runtime.database.collection(RatingDocument).insert(old)
    booking_id = await completed(user, customer, provider, clock)
    await review(user, customer, booking_id, 4)
    await review(user, provider, booking_id, 4)
    [change] = [each for each in await user.published(RatingChanged) if each.account_id == provider.account_id]
    assert (change.rating, change.rating_count, change.revision) == (4.0, 4, 4)


async def _refused(call: Awaitable[object], kind: type[MeshError], reason: str) -> None:
    with pytest.raises(kind) as refusal:
        await call
    assert refusal.value.reason == reason
