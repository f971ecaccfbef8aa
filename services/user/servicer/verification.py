"""VerificationService: one short method per RPC."""

from marketplace.user.v1 import verification_service_pb2 as pb
from marketplace.user.v1.verification_service_pb2_grpc import VerificationServiceServicer

from mesh.call import Context, current_account, idempotent_id
from mesh.clock import Clock
from mesh.paging import page_limit
from services.user.wire.documents import document_from_wire, document_to_wire, place_of
from services.user.wire.pages import after_from_wire, cut
from services.user.workflows.verification import VerificationWorkflows


class VerificationServicer(VerificationServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: VerificationWorkflows, clock: Clock) -> None:
        self._workflows = workflows
        self._clock = clock

    async def SubmitDocument(self, request: pb.SubmitDocumentRequest, context: Context) -> pb.SubmitDocumentResponse:
        account_id = current_account().account_id
        document = document_from_wire(request, idempotent_id("doc"), account_id, self._clock.now())
        return pb.SubmitDocumentResponse(document=document_to_wire(await self._workflows.submit(document)))

    async def ListMyDocuments(self, request: pb.ListMyDocumentsRequest, context: Context) -> pb.ListMyDocumentsResponse:
        limit, after = page_limit(request.page), after_from_wire(request.page.page_token)
        found = await self._workflows.page(current_account().account_id, after, limit + 1)
        shown, page = cut(found, limit, place_of)
        return pb.ListMyDocumentsResponse(documents=[document_to_wire(each) for each in shown], page=page)

    async def ListSubmittedDocuments(
        self, request: pb.ListSubmittedDocumentsRequest, context: Context
    ) -> pb.ListSubmittedDocumentsResponse:
        limit, after = page_limit(request.page), after_from_wire(request.page.page_token)
        shown, page = cut(await self._workflows.waiting(after, limit + 1), limit, place_of)
        return pb.ListSubmittedDocumentsResponse(documents=[document_to_wire(each) for each in shown], page=page)

    async def DecideDocument(self, request: pb.DecideDocumentRequest, context: Context) -> pb.DecideDocumentResponse:
        decided = await self._workflows.decide(
            request.document_id, is_approved=request.is_approved, reason=request.reason, by=current_account().account_id
        )
        return pb.DecideDocumentResponse(document=document_to_wire(decided))
