"""AccountService: one short method per RPC."""

from marketplace.auth.v1 import account_service_pb2 as pb
from marketplace.auth.v1.account_service_pb2_grpc import AccountServiceServicer

from mesh.call import Context
from services.auth.servicer.callers import caller
from services.auth.wire.accounts import own_to_wire
from services.auth.workflows.accounts import AccountWorkflows


class AccountServicer(AccountServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: AccountWorkflows) -> None:
        self._workflows = workflows

    async def GetMyAccount(self, request: pb.GetMyAccountRequest, context: Context) -> pb.GetMyAccountResponse:
        return own_to_wire(await self._workflows.get_own(caller().account_id))

    async def EraseMyAccount(self, request: pb.EraseMyAccountRequest, context: Context) -> pb.EraseMyAccountResponse:
        await self._workflows.erase(caller())
        return pb.EraseMyAccountResponse()
