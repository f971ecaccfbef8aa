"""auth as its callers see it: registration, sessions, refresh tokens that work once, keys that verify what it signs."""

import asyncio
from typing import Any

import jwt
import pytest
from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from marketplace.auth.v1.events_pb2 import AccountRegistered

from mesh.errors import AlreadyExists, InvalidInput, Unauthenticated
from tests.services.auth.support import PASSWORD, SECRET, AuthUnderTest, registration


@pytest.fixture
def stub(auth: AuthUnderTest) -> Any:
    return auth.public


async def log_in(stub: Any, email: str = "ana@example.com", password: str = PASSWORD) -> pb.LogInResponse:
    answer: pb.LogInResponse = await stub.LogIn(pb.LogInRequest(email=email, password=password))
    return answer


async def refresh(stub: Any, token: str) -> str:
    answer = await stub.RefreshSession(pb.RefreshSessionRequest(refresh_token=token))
    return str(answer.tokens.refresh_token)


async def test_registration_is_published_and_opens_sessions_whatever_the_case_of_the_address(
    auth: AuthUnderTest, stub: Any
) -> None:
    registered = await stub.RegisterAccount(registration())
    session = await log_in(stub, "ANA@example.COM")
    assert session.account_id == registered.account_id
    [event] = [each for each in await auth.service.published(AccountRegistered) if each.account_id == registered.account_id]
    assert (event.email, event.locale, event.time_zone) == ("Ana@Example.com", "pt-BR", "America/Sao_Paulo")


async def test_address_is_taken_once(stub: Any) -> None:
    answers = await asyncio.gather(
        *(stub.RegisterAccount(registration(email=email)) for email in ("ana@example.com", "ANA@example.com") * 2),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, pb.RegisterAccountResponse) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, AlreadyExists)} == {"EMAIL_TAKEN"}


@pytest.mark.parametrize("password, reason", [("Password123", "PASSWORD_TOO_COMMON"), ("ana@example", "PASSWORD_TOO_PERSONAL")])
async def test_passwords_that_somebody_would_try_are_refused(stub: Any, password: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await stub.RegisterAccount(registration(password=password))
    assert refusal.value.reason == reason


async def test_unknown_zone_and_admin_role_are_refused(stub: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await stub.RegisterAccount(registration(time_zone="Mars/Olympus"))
    assert refusal.value.reason == "TIME_ZONE_UNKNOWN"
    with pytest.raises(InvalidInput) as refusal:
        await stub.RegisterAccount(registration(roles=[pb.ACCOUNT_ROLE_ADMIN]))
    assert refusal.value.reason == "REQUEST_INVALID"


async def test_published_keys_verify_the_access_token(stub: Any, auth: AuthUnderTest) -> None:
    await stub.RegisterAccount(registration())
    session = await log_in(stub)
    keys = (await stub.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())).keys
    key_id = jwt.get_unverified_header(session.tokens.access_token)["kid"]
    [key] = [each for each in keys if each.kid == key_id]
    public = jwt.PyJWK({"kty": key.kty, "crv": key.crv, "x": key.x}, algorithm="EdDSA")
    claims = jwt.decode(session.tokens.access_token, public, algorithms=["EdDSA"], audience="marketplace")
    assert claims["sub"] == session.account_id
    assert claims["exp"] - claims["iat"] == 600
    assert claims["roles"] == ["customer"]
    account = await auth.service.runtime.verifier.verify(session.tokens.access_token)
    assert account.account_id == session.account_id


async def test_used_refresh_token_ends_the_session_for_everybody(stub: Any) -> None:
    await stub.RegisterAccount(registration())
    first = (await log_in(stub)).tokens.refresh_token
    second = await refresh(stub, first)
    third = await refresh(stub, second)
    for token in (first, third):
        with pytest.raises(Unauthenticated) as refusal:
            await refresh(stub, token)
        assert refusal.value.reason == "REFRESH_TOKEN_INVALID"


@pytest.mark.parametrize("token", ["x", "ses_x.1.AAAA", "..", "ses_x.99999999999.A", "ses_x.-1.A", "é.1.x"])
async def test_forged_refresh_tokens_are_refused(stub: Any, token: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await refresh(stub, token)
    assert refusal.value.reason == "REFRESH_TOKEN_INVALID"


async def test_logging_out_ends_the_session_and_twice_is_once(stub: Any, auth: AuthUnderTest) -> None:
    await stub.RegisterAccount(registration())
    session = await log_in(stub)
    account = await auth.service.runtime.verifier.verify(session.tokens.access_token)
    for _ in range(2):
        await auth.service.stub(AuthServiceStub, account).LogOut(pb.LogOutRequest())
    with pytest.raises(Unauthenticated):
        await refresh(stub, session.tokens.refresh_token)


async def test_administrator_is_there_from_the_start(stub: Any, auth: AuthUnderTest) -> None:
    session = await log_in(stub, SECRET["ADMIN_EMAIL"], SECRET["ADMIN_PASSWORD"])
    account = await auth.service.runtime.verifier.verify(session.tokens.access_token)
    assert account.roles == {"admin"}
