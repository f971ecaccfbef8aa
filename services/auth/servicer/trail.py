"""AuditService: one short method per RPC."""

from marketplace.auth.v1 import audit_service_pb2 as pb
from marketplace.auth.v1.audit_service_pb2_grpc import AuditServiceServicer
from marketplace.common.v1.page_pb2 import PageRequest, PageResponse

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.auth.wire.trail import cursor_after, cursor_from_wire, entry_to_wire
from services.auth.workflows.trail import TrailWorkflows


class AuditServicer(AuditServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: TrailWorkflows) -> None:
        self._workflows = workflows

    async def ListMyAuditEntries(self, request: pb.ListMyAuditEntriesRequest, context: Context) -> pb.ListMyAuditEntriesResponse:
        entries, page = await self._page(current_account().account_id, request.page)
        return pb.ListMyAuditEntriesResponse(entries=entries, page=page)

    async def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, context: Context) -> pb.ListAuditEntriesResponse:
        entries, page = await self._page(request.account_id, request.page)
        return pb.ListAuditEntriesResponse(entries=entries, page=page)

    async def _page(self, account_id: str, page: PageRequest) -> tuple[list[pb.AuditEntry], PageResponse]:
        limit = page_limit(page)
        found = await self._workflows.page(account_id, cursor_from_wire(page.page_token), limit + 1)
        shown = found[:limit]
        token = cursor_after(shown[-1]) if len(found) > limit else ""
        return [entry_to_wire(each) for each in shown], PageResponse(next_page_token=token)
