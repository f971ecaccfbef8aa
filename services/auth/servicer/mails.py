"""SecurityMailService: one short method per RPC."""

from marketplace.auth.v1 import security_mail_service_pb2 as pb
from marketplace.auth.v1.security_mail_service_pb2_grpc import SecurityMailServiceServicer

from mesh.call import Context
from services.auth.wire.mails import letter_to_wire
from services.auth.workflows.emails import EmailWorkflows


class SecurityMailServicer(SecurityMailServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: EmailWorkflows) -> None:
        self._workflows = workflows

    async def GetSecurityMail(self, request: pb.GetSecurityMailRequest, context: Context) -> pb.GetSecurityMailResponse:
        return letter_to_wire(await self._workflows.letter(request.mail_id))
