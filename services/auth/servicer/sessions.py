"""SessionService: one short method per RPC."""

from marketplace.auth.v1 import session_service_pb2 as pb
from marketplace.auth.v1.session_service_pb2_grpc import SessionServiceServicer

from mesh.call import Context
from services.auth.servicer.callers import caller
from services.auth.wire.sessions import proof_to_wire, session_to_wire
from services.auth.workflows.sessions import SessionWorkflows


class SessionServicer(SessionServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: SessionWorkflows) -> None:
        self._workflows = workflows

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        who = caller()
        found = await self._workflows.list_own(who.account_id)
        return pb.ListSessionsResponse(sessions=[session_to_wire(each, who.session_id) for each in found])

    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: Context) -> pb.RevokeSessionResponse:
        await self._workflows.revoke(caller(), request.session_id)
        return pb.RevokeSessionResponse()

    async def RevokeOtherSessions(
        self, request: pb.RevokeOtherSessionsRequest, context: Context
    ) -> pb.RevokeOtherSessionsResponse:
        return pb.RevokeOtherSessionsResponse(revoked_count=await self._workflows.revoke_others(caller()))

    async def ReAuthenticate(self, request: pb.ReAuthenticateRequest, context: Context) -> pb.ReAuthenticateResponse:
        return proof_to_wire(*await self._workflows.re_authenticate(caller(), request.password, request.code))
