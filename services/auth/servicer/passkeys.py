"""PasskeyService: one short method per RPC."""

from marketplace.auth.v1 import passkey_service_pb2 as pb
from marketplace.auth.v1.passkey_service_pb2_grpc import PasskeyServiceServicer

from mesh.call import Context, current_account
from services.auth.servicer.callers import caller, origin
from services.auth.wire.passkeys import passkey_to_wire
from services.auth.wire.sessions import tokens_to_wire
from services.auth.workflows.passkeys import PasskeyWorkflows


class PasskeyServicer(PasskeyServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: PasskeyWorkflows) -> None:
        self._workflows = workflows

    async def BeginPasskeyRegistration(
        self, request: pb.BeginPasskeyRegistrationRequest, context: Context
    ) -> pb.BeginPasskeyRegistrationResponse:
        challenge = await self._workflows.begin_registration(caller())
        return pb.BeginPasskeyRegistrationResponse(challenge_token=challenge.challenge_id, options_json=challenge.options_json)

    async def AddPasskey(self, request: pb.AddPasskeyRequest, context: Context) -> pb.AddPasskeyResponse:
        passkey = await self._workflows.complete_registration(
            caller(), request.challenge_token, request.credential_json, request.name
        )
        return pb.AddPasskeyResponse(passkey=passkey_to_wire(passkey))

    async def ListPasskeys(self, request: pb.ListPasskeysRequest, context: Context) -> pb.ListPasskeysResponse:
        found = await self._workflows.list_own(current_account().account_id)
        return pb.ListPasskeysResponse(passkeys=[passkey_to_wire(each) for each in found])

    async def RemovePasskey(self, request: pb.RemovePasskeyRequest, context: Context) -> pb.RemovePasskeyResponse:
        await self._workflows.remove(caller(), request.passkey_id)
        return pb.RemovePasskeyResponse()

    async def BeginPasskeyLogIn(self, request: pb.BeginPasskeyLogInRequest, context: Context) -> pb.BeginPasskeyLogInResponse:
        challenge = await self._workflows.begin_log_in()
        return pb.BeginPasskeyLogInResponse(challenge_token=challenge.challenge_id, options_json=challenge.options_json)

    async def CompletePasskeyLogIn(
        self, request: pb.CompletePasskeyLogInRequest, context: Context
    ) -> pb.CompletePasskeyLogInResponse:
        session = await self._workflows.complete_log_in(
            request.challenge_token, request.credential_json, request.device_name, origin()
        )
        return pb.CompletePasskeyLogInResponse(account_id=session.account_id, tokens=tokens_to_wire(session))

    async def ReAuthenticateWithPasskey(
        self, request: pb.ReAuthenticateWithPasskeyRequest, context: Context
    ) -> pb.ReAuthenticateWithPasskeyResponse:
        token, expire_time = await self._workflows.re_authenticate(caller(), request.challenge_token, request.credential_json)
        answer = pb.ReAuthenticateWithPasskeyResponse(access_token=token)
        answer.access_token_expire_time.FromDatetime(expire_time)
        return answer
