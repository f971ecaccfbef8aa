"""TotpService: one short method per RPC."""

from marketplace.auth.v1 import totp_service_pb2 as pb
from marketplace.auth.v1.totp_service_pb2_grpc import TotpServiceServicer

from mesh.call import Context
from services.auth.servicer.callers import caller
from services.auth.workflows.totp import TotpWorkflows


class TotpServicer(TotpServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: TotpWorkflows) -> None:
        self._workflows = workflows

    async def EnrolTotp(self, request: pb.EnrolTotpRequest, context: Context) -> pb.EnrolTotpResponse:
        enrolment = await self._workflows.enrol(caller())
        return pb.EnrolTotpResponse(secret=enrolment.secret, provisioning_uri=enrolment.provisioning_uri)

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, context: Context) -> pb.ConfirmTotpResponse:
        return pb.ConfirmTotpResponse(recovery_codes=await self._workflows.confirm(caller(), request.code))

    async def DisableTotp(self, request: pb.DisableTotpRequest, context: Context) -> pb.DisableTotpResponse:
        await self._workflows.disable(caller())
        return pb.DisableTotpResponse()

    async def ReplaceRecoveryCodes(
        self, request: pb.ReplaceRecoveryCodesRequest, context: Context
    ) -> pb.ReplaceRecoveryCodesResponse:
        return pb.ReplaceRecoveryCodesResponse(recovery_codes=await self._workflows.replace_recovery_codes(caller()))
