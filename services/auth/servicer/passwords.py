"""PasswordService: one short method per RPC."""

from marketplace.auth.v1 import password_service_pb2 as pb
from marketplace.auth.v1.password_service_pb2_grpc import PasswordServiceServicer

from mesh.call import Context
from services.auth.servicer.callers import caller, origin
from services.auth.workflows.passwords import PasswordWorkflows


class PasswordServicer(PasswordServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: PasswordWorkflows) -> None:
        self._workflows = workflows

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        await self._workflows.change(caller(), request.password)
        return pb.ChangePasswordResponse()

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Context
    ) -> pb.RequestPasswordResetResponse:
        await self._workflows.request_reset(request.email, origin())
        return pb.RequestPasswordResetResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Context) -> pb.ResetPasswordResponse:
        await self._workflows.reset(request.token, request.password, origin())
        return pb.ResetPasswordResponse()
