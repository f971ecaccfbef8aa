"""Reviews, double blind: published when both are in, or 14 days after the work was done."""

from dataclasses import replace

from mesh.clock import Clock
from mesh.ids import derived_id
from services.user.model.engagement import REVIEW_WINDOW, Engagement, booking_not_found
from services.user.model.rating import Rating
from services.user.model.review import Review, SubRatings, review_not_found
from services.user.ports import After, Engagements, Ratings, Reviews, Transaction

_PUBLISHED_AT_ONCE = 100


class ReviewWorkflows:
    """What is done with reviews."""

    def __init__(
        self, transaction: Transaction, engagements: Engagements, reviews: Reviews, ratings: Ratings, clock: Clock
    ) -> None:
        self._transaction = transaction
        self._engagements = engagements
        self._reviews = reviews
        self._ratings = ratings
        self._clock = clock

    async def submit(self, booking_id: str, author_id: str, stars: int, comment: str, parts: SubRatings) -> Review:
        """The review as it stands now. Raises NotFound (BOOKING_NOT_FOUND), NotAllowedNow."""

        async def take() -> Review:
            engagement = await self._engagements.find(booking_id)
            if engagement is None:
                raise booking_not_found()
            subject_id = engagement.other_than(author_id)
            review_id = derived_id("rev", booking_id, author_id)
            review = Review(review_id, booking_id, author_id, subject_id, stars, comment, parts)
            reviews = {each.author_id: each for each in await self._reviews.of_booking(booking_id)}
            if author_id in reviews and reviews[author_id].is_same_as(review):
                return reviews[author_id]  # a second attempt at what was taken already, published since or not
            engagement.require_open(self._clock.now())
            reviews[author_id] = review
            await self._reviews.save(review)
            if len(reviews) == 2:
                return (await self._publish(engagement, reviews))[author_id]
            await self._engagements.save(engagement)  # so that two first reviews at once stand in each other's way
            return review

        return await self._transaction(take)

    async def publish_due(self) -> None:
        """Publishes what waits since 14 days."""
        for booking_id in await self._engagements.due(self._clock.now() - REVIEW_WINDOW, _PUBLISHED_AT_ONCE):
            await self._transaction(lambda booking_id=booking_id: self._publish_if_due(booking_id))  # type: ignore[misc]

    async def _publish_if_due(self, booking_id: str) -> None:
        engagement = await self._engagements.find(booking_id)
        if engagement is not None and not engagement.is_published:
            reviews = await self._reviews.of_booking(booking_id)
            await self._publish(engagement, {each.author_id: each for each in reviews})

    async def _publish(self, engagement: Engagement, reviews: dict[str, Review]) -> dict[str, Review]:
        now = self._clock.now()
        published = {author_id: replace(review, publish_time=now) for author_id, review in reviews.items()}
        for review in published.values():
            await self._reviews.publish(review)
            rating = await self._ratings.find(review.subject_id)
            await self._ratings.save(rating.with_one(review))
        await self._engagements.save(replace(engagement, is_published=True))
        return published

    async def published(self, subject_id: str, after: After, limit: int) -> tuple[list[Review], Rating]:
        """The published reviews of an account, newest first, and what all of them add up to."""
        return await self._reviews.published(subject_id, after, limit), await self._ratings.find(subject_id)

    async def reply(self, review_id: str, subject_id: str, text: str) -> Review:
        """The review with its reply. Raises NotFound (REVIEW_NOT_FOUND), AlreadyExists (REVIEW_ANSWERED)."""

        async def take() -> Review:
            review = await self._reviews.find(review_id)
            if review is None:
                raise review_not_found()
            answered = review.answered(subject_id, text, self._clock.now())
            if answered is not review:
                await self._reviews.save(answered)
            return answered

        return await self._transaction(take)
