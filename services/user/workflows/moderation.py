"""What people say against reviews, and what administrators decide."""

from mesh.clock import Clock
from mesh.ids import derived_id
from services.user.model.moderation import CLOSES_REPORTS, Action, Moderation, Report
from services.user.model.review import Review, review_not_found
from services.user.ports import After, Moderations, Ratings, Reviews, Transaction


class ModerationWorkflows:
    """Reports and decisions. Everything raises NotFound (REVIEW_NOT_FOUND) for a review that is not there to be seen."""

    def __init__(
        self, transaction: Transaction, reviews: Reviews, ratings: Ratings, moderations: Moderations, clock: Clock
    ) -> None:
        self._transaction = transaction
        self._reviews = reviews
        self._ratings = ratings
        self._moderations = moderations
        self._clock = clock

    async def report(self, review_id: str, reporter_id: str, reason: str, note: str) -> None:
        """Keeps somebody's first report of a review."""
        report_id = derived_id("rpt", review_id, reporter_id)

        async def take() -> None:
            (await self._find(review_id)).require_seen()
            await self._moderations.report(Report(report_id, review_id, reporter_id, reason, note, self._clock.now()))

        await self._transaction(take)

    async def moderate(self, review_id: str, action: Action, reason: str, moderator_id: str) -> Review:
        """The review after the decision; its subject's rating follows. Raises NotAllowedNow (REVIEW_NOT_ANSWERED)."""

        async def decide() -> Review:
            review = await self._find(review_id)
            moderated = review.moderated(action)
            if moderated is review and action is not Action.DISMISS_REPORTS:
                return review
            if moderated is not review:
                await self._reviews.save(moderated)
            if moderated.is_hidden is not review.is_hidden:
                await self._count(moderated)
            if action in CLOSES_REPORTS:
                await self._moderations.close_reports(review_id)
            now = self._clock.now()
            trace_id = derived_id("mod", review_id, action, moderator_id, now.isoformat())
            await self._moderations.add(Moderation(trace_id, review_id, action, reason, moderator_id, now))
            return moderated

        return await self._transaction(decide)

    async def open_reports(self, after: After, limit: int) -> list[tuple[Report, Review]]:
        """Oldest first, each with the review that it is about."""
        reports = await self._moderations.open_reports(after, limit)
        reviews = {each.review_id: each for each in await self._reviews.find_all([each.review_id for each in reports])}
        return [(each, reviews[each.review_id]) for each in reports]

    async def trace(self, review_id: str) -> list[Moderation]:
        """The decisions about a review, oldest first."""
        await self._find(review_id)
        return await self._moderations.of_review(review_id)

    async def _count(self, review: Review) -> None:
        rating = await self._ratings.find(review.subject_id)
        await self._ratings.save(rating.without_one(review) if review.is_hidden else rating.with_one(review))

    async def _find(self, review_id: str) -> Review:
        review = await self._reviews.find(review_id)
        if review is None:
            raise review_not_found()
        return review
