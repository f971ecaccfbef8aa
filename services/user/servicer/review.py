"""ReviewService: one short method per RPC."""

from marketplace.user.v1 import review_service_pb2 as pb
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceServicer

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.user.wire.moderations import reason_from_wire
from services.user.wire.pages import after_from_wire, cut
from services.user.wire.reviews import place_of, review_to_wire, sub_ratings_from_wire, summary_to_wire
from services.user.workflows.moderation import ModerationWorkflows
from services.user.workflows.reviews import ReviewWorkflows


class ReviewServicer(ReviewServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: ReviewWorkflows, moderation: ModerationWorkflows) -> None:
        self._workflows = workflows
        self._moderation = moderation

    async def SubmitReview(self, request: pb.SubmitReviewRequest, context: Context) -> pb.SubmitReviewResponse:
        author_id, parts = current_account().account_id, sub_ratings_from_wire(request.sub_ratings)
        review = await self._workflows.submit(request.booking_id, author_id, request.rating, request.comment, parts)
        return pb.SubmitReviewResponse(review=review_to_wire(review))

    async def ReplyToReview(self, request: pb.ReplyToReviewRequest, context: Context) -> pb.ReplyToReviewResponse:
        review = await self._workflows.reply(request.review_id, current_account().account_id, request.text)
        return pb.ReplyToReviewResponse(review=review_to_wire(review))

    async def ReportReview(self, request: pb.ReportReviewRequest, context: Context) -> pb.ReportReviewResponse:
        reporter_id, reason = current_account().account_id, reason_from_wire(request.ground)
        await self._moderation.report(request.review_id, reporter_id, reason, request.note)
        return pb.ReportReviewResponse()

    async def ListProviderReviews(
        self, request: pb.ListProviderReviewsRequest, context: Context
    ) -> pb.ListProviderReviewsResponse:
        limit, after = page_limit(request.page), after_from_wire(request.page.page_token)
        found, rating = await self._workflows.published(request.provider_id, after, limit + 1)
        shown, page = cut(found, limit, place_of)
        reviews = [review_to_wire(each) for each in shown]
        return pb.ListProviderReviewsResponse(reviews=reviews, page=page, summary=summary_to_wire(rating))
