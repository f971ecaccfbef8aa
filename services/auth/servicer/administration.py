"""AccountAdminService: one short method per RPC."""

from marketplace.auth.v1 import account_admin_service_pb2 as pb
from marketplace.auth.v1.account_admin_service_pb2_grpc import AccountAdminServiceServicer

from mesh.call import Context
from services.auth.servicer.callers import caller
from services.auth.wire.accounts import managed_to_wire, roles_from_wire
from services.auth.workflows.administration import AdminWorkflows


class AccountAdminServicer(AccountAdminServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: AdminWorkflows) -> None:
        self._workflows = workflows

    async def FindAccount(self, request: pb.FindAccountRequest, context: Context) -> pb.FindAccountResponse:
        account = await self._workflows.find(caller(), request.account_id, request.email)
        return pb.FindAccountResponse(account=managed_to_wire(account))

    async def LockAccount(self, request: pb.LockAccountRequest, context: Context) -> pb.LockAccountResponse:
        account = await self._workflows.lock(caller(), request.account_id, request.reason)
        return pb.LockAccountResponse(account=managed_to_wire(account))

    async def UnlockAccount(self, request: pb.UnlockAccountRequest, context: Context) -> pb.UnlockAccountResponse:
        account = await self._workflows.unlock(caller(), request.account_id, request.reason)
        return pb.UnlockAccountResponse(account=managed_to_wire(account))

    async def SetRoles(self, request: pb.SetRolesRequest, context: Context) -> pb.SetRolesResponse:
        roles = roles_from_wire(request.roles)
        account = await self._workflows.set_roles(caller(), request.account_id, roles, request.reason)
        return pb.SetRolesResponse(account=managed_to_wire(account))
