"""AuthService: one short method per RPC."""

from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1.auth_service_pb2_grpc import AuthServiceServicer

from mesh.call import Context
from mesh.identity import KeySource
from services.auth.servicer.callers import caller, origin
from services.auth.wire.accounts import registration_from_wire
from services.auth.wire.sessions import log_in_to_wire, tokens_to_wire
from services.auth.workflows.accounts import AccountWorkflows
from services.auth.workflows.logging_in import LogInWorkflows

_MEMBERS = frozenset(pb.JsonWebKey.DESCRIPTOR.fields_by_name)
_CLAIMS = ("iss", "aud", "sub", "sid", "roles", "iat", "exp", "jti", "auth_time")


class AuthServicer(AuthServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, accounts: AccountWorkflows, logging_in: LogInWorkflows, public_keys: KeySource, issuer: str) -> None:
        self._accounts = accounts
        self._logging_in = logging_in
        self._public_keys = public_keys
        self._issuer = issuer

    async def RegisterAccount(self, request: pb.RegisterAccountRequest, context: Context) -> pb.RegisterAccountResponse:
        account_id = await self._accounts.register(registration_from_wire(request), origin())
        return pb.RegisterAccountResponse(account_id=account_id)

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> pb.LogInResponse:
        result = await self._logging_in.log_in(request.email, request.password, request.device_name, origin())
        return log_in_to_wire(result)

    async def CompleteLogIn(self, request: pb.CompleteLogInRequest, context: Context) -> pb.CompleteLogInResponse:
        session = await self._logging_in.complete(request.challenge_token, request.code, request.device_name, origin())
        return pb.CompleteLogInResponse(account_id=session.account_id, tokens=tokens_to_wire(session))

    async def RefreshSession(self, request: pb.RefreshSessionRequest, context: Context) -> pb.RefreshSessionResponse:
        session = await self._logging_in.refresh(request.refresh_token, origin())
        return pb.RefreshSessionResponse(tokens=tokens_to_wire(session))

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> pb.LogOutResponse:
        await self._logging_in.log_out(caller())
        return pb.LogOutResponse()

    async def GetIssuerMetadata(self, request: pb.GetIssuerMetadataRequest, context: Context) -> pb.GetIssuerMetadataResponse:
        return pb.GetIssuerMetadataResponse(
            issuer=self._issuer,
            jwks_uri=f"{self._issuer.rstrip('/')}/.well-known/jwks.json",
            id_token_signing_alg_values_supported=["EdDSA"],
            claims_supported=_CLAIMS,
            subject_types_supported=["public"],
        )

    async def GetJsonWebKeySet(self, request: pb.GetJsonWebKeySetRequest, context: Context) -> pb.GetJsonWebKeySetResponse:
        keys = await self._public_keys()
        return pb.GetJsonWebKeySetResponse(
            keys=[pb.JsonWebKey(**{name: str(value) for name, value in key.items() if name in _MEMBERS}) for key in keys]
        )
