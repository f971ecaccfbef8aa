"""Moderation: what is hidden is seen by administrators alone and does not count, and every decision leaves its trace."""

import asyncio
from collections.abc import Sequence

import pytest
from marketplace.common.v1.page_pb2 import PageRequest
from marketplace.user.v1 import review_moderation_service_pb2 as pb
from marketplace.user.v1 import review_service_pb2 as reviews_pb
from marketplace.user.v1.events_pb2 import RatingChanged
from marketplace.user.v1.review_moderation_service_pb2_grpc import ReviewModerationServiceStub
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceStub

from mesh.call import Account
from mesh.errors import Forbidden, NotAllowedNow, NotFound
from mesh.ids import new_id
from tests.services.user.support import SetClock, completed, person, published_review, reply, review
from tests.support.service import Backing, ServiceUnderTest

HIDE, RESTORE = pb.MODERATION_ACTION_HIDE, pb.MODERATION_ACTION_RESTORE


async def decide(
    user: ServiceUnderTest, admin: Account, review_id: str, action: "pb.ModerationAction.ValueType", reason: str = "Because."
) -> pb.ModeratedReview:
    request = pb.ModerateReviewRequest(review_id=review_id, action=action, reason=reason)
    return (await user.stub(ReviewModerationServiceStub, admin).ModerateReview(request)).review


async def listed(user: ServiceUnderTest, reader: Account, provider: Account) -> reviews_pb.ListProviderReviewsResponse:
    request = reviews_pb.ListProviderReviewsRequest(provider_id=provider.account_id)
    return await user.stub(ReviewServiceStub, reader).ListProviderReviews(request)


async def report(
    user: ServiceUnderTest,
    who: Account,
    review_id: str,
    ground: "reviews_pb.ReportReason.ValueType" = reviews_pb.REPORT_REASON_SPAM,
) -> None:
    request = reviews_pb.ReportReviewRequest(review_id=review_id, ground=ground, note="See for yourself.")
    await user.stub(ReviewServiceStub, who).ReportReview(request)


async def reports(user: ServiceUnderTest, admin: Account) -> Sequence[pb.ReviewReport]:
    stub = user.stub(ReviewModerationServiceStub, admin)
    return (await stub.ListReviewReports(pb.ListReviewReportsRequest())).reports


async def test_the_rating_follows_what_is_hidden_and_restored_and_its_revision_rises(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    admin = backing.account("admin")
    bad, _ = [await published_review(user, customer, provider, clock, stars=stars) for stars in (1, 5)]
    for action, seen, rating in ((HIDE, [5], 5.0), (HIDE, [5], 5.0), (RESTORE, [1, 5], 3.0), (RESTORE, [1, 5], 3.0)):
        assert (await decide(user, admin, bad, action)).is_hidden == (action == HIDE)
        answer = await listed(user, customer, provider)
        assert sorted(each.rating for each in answer.reviews) == seen
        assert (answer.summary.rating, answer.summary.rating_count) == (rating, len(seen))
    changes = [each for each in await user.published(RatingChanged) if each.account_id == provider.account_id]
    assert [(each.rating_count, each.revision) for each in changes] == [(1, 1), (2, 2), (1, 3), (2, 4)]


async def test_every_decision_leaves_who_why_and_when_and_one_that_changes_nothing_leaves_nothing(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    first, second = backing.account("admin"), backing.account("admin")
    review_id = await published_review(user, customer, provider, clock, stars=1)
    for admin, action, reason in ((first, HIDE, "An insult."), (first, HIDE, "Again."), (second, RESTORE, "A quotation.")):
        await decide(user, admin, review_id, action, reason)
        clock.moment = clock.moment.replace(year=clock.moment.year + 1)
    stub = user.stub(ReviewModerationServiceStub, second)
    trace = (await stub.ListModerations(pb.ListModerationsRequest(review_id=review_id))).moderations
    assert [(each.action, each.reason, each.moderator_id) for each in trace] == [
        (HIDE, "An insult.", first.account_id),
        (RESTORE, "A quotation.", second.account_id),
    ]
    assert trace[0].moderation_time.seconds < trace[1].moderation_time.seconds


async def test_of_many_decisions_at_once_the_rating_moves_once(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    review_id = await published_review(user, customer, provider, clock, stars=1)
    await asyncio.gather(*(decide(user, backing.account("admin"), review_id, HIDE) for _ in range(5)))
    changes = [each for each in await user.published(RatingChanged) if each.account_id == provider.account_id]
    assert [each.rating_count for each in changes] == [1, 0]


async def test_a_hidden_review_is_neither_answered_nor_reported(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    review_id = await published_review(user, customer, provider, clock, stars=1)
    await decide(user, backing.account("admin"), review_id, HIDE)
    for call in (reply(user, provider, review_id, "Words."), report(user, provider, review_id)):
        with pytest.raises(NotFound) as refusal:
            await call
        assert refusal.value.reason == "REVIEW_NOT_FOUND"


async def test_a_reply_is_hidden_by_itself_and_still_seen_by_administrators(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    admin = backing.account("admin")
    review_id = await published_review(user, customer, provider, clock, stars=1)
    with pytest.raises(NotAllowedNow) as refusal:
        await decide(user, admin, review_id, pb.MODERATION_ACTION_HIDE_REPLY)
    assert refusal.value.reason == "REVIEW_NOT_ANSWERED"
    await reply(user, provider, review_id, "Words.")
    hidden = await decide(user, admin, review_id, pb.MODERATION_ACTION_HIDE_REPLY)
    assert (hidden.is_hidden, hidden.is_reply_hidden, hidden.review.reply) == (False, True, "Words.")
    [shown] = (await listed(user, customer, provider)).reviews
    assert (shown.reply, shown.HasField("reply_time")) == ("", False)
    assert (await reply(user, provider, review_id, "Words.")).review.reply == ""
    await decide(user, admin, review_id, pb.MODERATION_ACTION_RESTORE_REPLY)
    assert (await listed(user, customer, provider)).reviews[0].reply == "Words."


async def test_reports_wait_oldest_first_until_they_are_decided_about(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    admin = backing.account("admin")
    kept, gone = [await published_review(user, customer, provider, clock, stars=stars, comment="Words.") for stars in (2, 1)]
    for review_id, who in ((kept, provider), (gone, provider), (gone, customer), (gone, customer)):
        await report(user, who, review_id)
        clock.moment = clock.moment.replace(year=clock.moment.year + 1)
    waiting = await reports(user, admin)
    assert [each.review.review.review_id for each in waiting] == [kept, gone, gone]
    assert (waiting[0].reporter_id, waiting[0].note) == (provider.account_id, "See for yourself.")
    assert waiting[0].review.review.comment == "Words."
    await decide(user, admin, gone, HIDE)
    assert [each.review.review.review_id for each in await reports(user, admin)] == [kept]
    await decide(user, admin, kept, pb.MODERATION_ACTION_DISMISS_REPORTS)
    assert list(await reports(user, admin)) == []
    assert [each.review_id for each in (await listed(user, customer, provider)).reviews] == [kept]


async def test_reports_come_in_pages(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    stub = user.stub(ReviewModerationServiceStub, backing.account("admin"))
    review_id = await published_review(user, customer, provider, clock, stars=1)
    reporters = [backing.account("customer") for _ in range(5)]
    for reporter in reporters:
        await report(user, reporter, review_id)
    seen, token = [], ""
    while True:
        page = PageRequest(page_size=2, page_token=token)
        answer = await stub.ListReviewReports(pb.ListReviewReportsRequest(page=page))
        seen += [each.reporter_id for each in answer.reports]
        token = answer.page.next_page_token
        if not token:
            break
    assert sorted(seen) == sorted(each.account_id for each in reporters)


async def test_what_is_not_published_cannot_be_moderated(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    booking_id = await completed(user, customer, provider, clock)
    review_id = (await review(user, customer, booking_id, 4)).review.review_id
    for unknown in (review_id, new_id("rev")):
        with pytest.raises(NotFound) as refusal:
            await decide(user, backing.account("admin"), unknown, HIDE)
        assert refusal.value.reason == "REVIEW_NOT_FOUND"


@pytest.mark.parametrize("role", ["customer", "provider"])
async def test_moderation_is_for_administrators(user: ServiceUnderTest, backing: Backing, role: str) -> None:
    account = backing.account(role)
    with pytest.raises(Forbidden):
        await decide(user, account, new_id("rev"), HIDE)
    with pytest.raises(Forbidden):
        await reports(user, account)
