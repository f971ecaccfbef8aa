"""AuthService: one short method per RPC."""

from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1.auth_service_pb2_grpc import AuthServiceServicer

from mesh.call import Context, current_account
from mesh.identity import KeySource
from services.auth.wire import registration_from_wire
from services.auth.workflows import AuthWorkflows, OpenSession


class AuthServicer(AuthServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: AuthWorkflows, public_keys: KeySource) -> None:
        self._workflows = workflows
        self._public_keys = public_keys

    async def RegisterAccount(self, request: pb.RegisterAccountRequest, context: Context) -> pb.RegisterAccountResponse:
        return pb.RegisterAccountResponse(account_id=await self._workflows.register(registration_from_wire(request)))

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> pb.LogInResponse:
        session = await self._workflows.log_in(request.email, request.password)
        return pb.LogInResponse(account_id=session.account_id, tokens=_tokens(session))

    async def RefreshSession(self, request: pb.RefreshSessionRequest, context: Context) -> pb.RefreshSessionResponse:
        return pb.RefreshSessionResponse(tokens=_tokens(await self._workflows.refresh(request.refresh_token)))

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> pb.LogOutResponse:
        await self._workflows.log_out(current_account().session_id)
        return pb.LogOutResponse()

    async def GetJsonWebKeySet(self, request: pb.GetJsonWebKeySetRequest, context: Context) -> pb.GetJsonWebKeySetResponse:
        keys = await self._public_keys()
        return pb.GetJsonWebKeySetResponse(
            keys=[pb.JsonWebKey(**{name: str(value) for name, value in key.items() if name in _MEMBERS}) for key in keys]
        )


_MEMBERS = frozenset(pb.JsonWebKey.DESCRIPTOR.fields_by_name)


def _tokens(session: OpenSession) -> pb.Tokens:
    tokens = pb.Tokens(access_token=session.access_token, refresh_token=session.refresh_token)
    tokens.access_token_expire_time.FromDatetime(session.access_token_expire_time)
    tokens.refresh_token_expire_time.FromDatetime(session.refresh_token_expire_time)
    return tokens
