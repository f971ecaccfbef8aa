"""EmailService: one short method per RPC."""

from marketplace.auth.v1 import email_service_pb2 as pb
from marketplace.auth.v1.email_service_pb2_grpc import EmailServiceServicer

from mesh.call import Context
from services.auth.servicer.callers import caller, origin
from services.auth.workflows.emails import EmailWorkflows


class EmailServicer(EmailServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: EmailWorkflows) -> None:
        self._workflows = workflows

    async def SendVerification(self, request: pb.SendVerificationRequest, context: Context) -> pb.SendVerificationResponse:
        await self._workflows.send_verification(caller())
        return pb.SendVerificationResponse()

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: Context) -> pb.VerifyEmailResponse:
        await self._workflows.verify(request.token, origin())
        return pb.VerifyEmailResponse()

    async def ChangeEmail(self, request: pb.ChangeEmailRequest, context: Context) -> pb.ChangeEmailResponse:
        await self._workflows.request_change(caller(), request.email)
        return pb.ChangeEmailResponse()
