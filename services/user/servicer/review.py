"""ReviewService: one short method per RPC."""

from marketplace.common.v1.page_pb2 import PageResponse
from marketplace.user.v1 import review_service_pb2 as pb
from marketplace.user.v1.review_service_pb2_grpc import ReviewServiceServicer

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.user.wire.reviews import cursor_after, cursor_from_wire, review_to_wire
from services.user.workflows.reviews import ReviewWorkflows


class ReviewServicer(ReviewServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: ReviewWorkflows) -> None:
        self._workflows = workflows

    async def SubmitReview(self, request: pb.SubmitReviewRequest, context: Context) -> pb.SubmitReviewResponse:
        author_id = current_account().account_id
        review = await self._workflows.submit(request.booking_id, author_id, request.rating, request.comment)
        return pb.SubmitReviewResponse(review=review_to_wire(review))

    async def ListProviderReviews(
        self, request: pb.ListProviderReviewsRequest, context: Context
    ) -> pb.ListProviderReviewsResponse:
        limit = page_limit(request.page)
        found = await self._workflows.published(request.provider_id, cursor_from_wire(request.page.page_token), limit + 1)
        shown = found[:limit]
        next_page_token = cursor_after(shown[-1]) if len(found) > limit else ""
        return pb.ListProviderReviewsResponse(
            reviews=[review_to_wire(each) for each in shown], page=PageResponse(next_page_token=next_page_token)
        )
