"""BlockService: one short method per RPC."""

from marketplace.user.v1 import block_service_pb2 as pb
from marketplace.user.v1.block_service_pb2_grpc import BlockServiceServicer

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.user.wire.pages import after_from_wire, cut
from services.user.wire.relations import block_to_wire, place_of_block
from services.user.workflows.relations import BlockWorkflows


class BlockServicer(BlockServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: BlockWorkflows) -> None:
        self._workflows = workflows

    async def BlockPerson(self, request: pb.BlockPersonRequest, context: Context) -> pb.BlockPersonResponse:
        await self._workflows.block(current_account().account_id, request.account_id)
        return pb.BlockPersonResponse()

    async def UnblockPerson(self, request: pb.UnblockPersonRequest, context: Context) -> pb.UnblockPersonResponse:
        await self._workflows.unblock(current_account().account_id, request.account_id)
        return pb.UnblockPersonResponse()

    async def ListBlocks(self, request: pb.ListBlocksRequest, context: Context) -> pb.ListBlocksResponse:
        limit, after = page_limit(request.page), after_from_wire(request.page.page_token)
        found = await self._workflows.page(current_account().account_id, after, limit + 1)
        shown, page = cut(found, limit, place_of_block)
        return pb.ListBlocksResponse(blocks=[block_to_wire(each) for each in shown], page=page)
