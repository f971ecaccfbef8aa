"""Two-step log-in: codes that work once, recovery codes, and how often one may be wrong."""

import asyncio
from datetime import timedelta

import pyotp
import pytest
from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1 import password_service_pb2 as password_pb
from marketplace.auth.v1 import security_mail_service_pb2 as mail_pb
from marketplace.auth.v1 import session_service_pb2 as session_pb
from marketplace.auth.v1 import totp_service_pb2 as totp_pb
from marketplace.auth.v1.password_service_pb2_grpc import PasswordServiceStub
from marketplace.auth.v1.session_service_pb2_grpc import SessionServiceStub
from marketplace.auth.v1.totp_service_pb2_grpc import TotpServiceStub

from mesh.errors import LimitReached, MeshError, NotAllowedNow, Unauthenticated
from services.auth.store.documents import AccountDocument
from tests.services.auth.support import PASSWORD, AuthUnderTest

HALF_MINUTE = timedelta(seconds=30)


async def complete(auth: AuthUnderTest, code: str) -> str:
    """Logs in in two steps. Gives the account's id."""
    challenge = (await auth.attempt()).challenge
    answer = await auth.public.CompleteLogIn(pb.CompleteLogInRequest(challenge_token=challenge.challenge_token, code=code))
    assert answer.tokens.refresh_token
    return str(answer.account_id)


async def test_after_a_first_code_a_log_in_takes_two_steps(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    app, recovery = await auth.with_totp(ana)
    assert len(set(recovery)) == 10
    answer = await auth.attempt()
    assert answer.challenge.challenge_token
    assert not answer.HasField("tokens")
    auth.clock.ahead += HALF_MINUTE
    assert await complete(auth, auth.code(app)) == ana.account_id
    assert len(await auth.mails(ana, mail_pb.SECURITY_MAIL_KIND_TWO_STEP_ENABLED)) == 1


async def test_nothing_changes_before_the_first_code(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    stub = await ana.stub(TotpServiceStub)
    with pytest.raises(NotAllowedNow, match="TOTP_NOT_ENROLLED"):
        await stub.ConfirmTotp(totp_pb.ConfirmTotpRequest(code="123456"))
    enrolment = await stub.EnrolTotp(totp_pb.EnrolTotpRequest())
    assert enrolment.secret in enrolment.provisioning_uri
    with pytest.raises(Unauthenticated, match="CODE_WRONG"):
        await stub.ConfirmTotp(totp_pb.ConfirmTotpRequest(code=auth.code(pyotp.TOTP(enrolment.secret), steps=5)))
    assert (await auth.attempt()).HasField("tokens")


async def test_a_code_works_once_and_so_do_those_before_it(auth: AuthUnderTest) -> None:
    app, _ = await auth.with_totp(await auth.person())
    auth.clock.ahead += HALF_MINUTE * 3
    code, earlier = auth.code(app), auth.code(app, steps=-1)
    await complete(auth, code)
    for used in (code, earlier):
        with pytest.raises(Unauthenticated, match="CODE_WRONG"):
            await complete(auth, used)


async def test_the_same_code_at_the_same_time_lets_one_in(auth: AuthUnderTest) -> None:
    app, _ = await auth.with_totp(await auth.person())
    auth.clock.ahead += HALF_MINUTE
    answers = await asyncio.gather(*(complete(auth, auth.code(app)) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, MeshError)} == {"CODE_WRONG"}


async def test_a_recovery_code_works_once_however_it_is_typed(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    _, recovery = await auth.with_totp(ana)
    await complete(auth, recovery[0].replace("-", " ").upper())
    with pytest.raises(Unauthenticated, match="CODE_WRONG"):
        await complete(auth, recovery[0])
    replacing = await (await ana.stub(TotpServiceStub)).ReplaceRecoveryCodes(totp_pb.ReplaceRecoveryCodesRequest())
    with pytest.raises(Unauthenticated, match="CODE_WRONG"):
        await complete(auth, recovery[1])
    await complete(auth, replacing.recovery_codes[0])


async def test_after_five_wrong_codes_the_right_one_has_to_wait_for_fifteen_minutes(auth: AuthUnderTest) -> None:
    app, _ = await auth.with_totp(await auth.person())
    auth.clock.ahead += HALF_MINUTE
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="CODE_WRONG"):
            await complete(auth, "not a code")
    with pytest.raises(LimitReached, match="TOO_MANY_ATTEMPTS") as refusal:
        await complete(auth, auth.code(app))
    assert 890 < (refusal.value.retry_after_seconds or 0) <= 900
    auth.clock.ahead += timedelta(minutes=15)
    await complete(auth, auth.code(app))


@pytest.mark.parametrize("token", ["x", "acc_x.9999999999.AAAA", "..", "é.1.x"])
async def test_forged_challenges_are_refused(auth: AuthUnderTest, token: str) -> None:
    with pytest.raises(Unauthenticated, match="CHALLENGE_INVALID"):
        await auth.public.CompleteLogIn(pb.CompleteLogInRequest(challenge_token=token, code="123456"))


async def test_a_challenge_is_over_after_five_minutes(auth: AuthUnderTest) -> None:
    app, _ = await auth.with_totp(await auth.person())
    challenge = (await auth.attempt()).challenge
    auth.clock.ahead += timedelta(minutes=5, seconds=1)
    request = pb.CompleteLogInRequest(challenge_token=challenge.challenge_token, code=auth.code(app))
    with pytest.raises(Unauthenticated, match="CHALLENGE_INVALID"):
        await auth.public.CompleteLogIn(request)


async def test_switching_it_off_needs_a_recent_proof_and_that_needs_a_code(auth: AuthUnderTest) -> None:
    auth.clock.ahead = timedelta(minutes=-4)
    ana = await auth.person()
    app, _ = await auth.with_totp(ana)
    auth.clock.ahead = timedelta()
    sessions = await ana.stub(SessionServiceStub)
    for code in ("", "000000" if auth.code(app) != "000000" else "111111"):
        with pytest.raises(Unauthenticated, match="CODE_WRONG"):
            await sessions.ReAuthenticate(session_pb.ReAuthenticateRequest(password=PASSWORD, code=code))
    proof = await sessions.ReAuthenticate(session_pb.ReAuthenticateRequest(password=PASSWORD, code=auth.code(app)))
    ana.tokens.access_token = proof.access_token
    stub = await ana.stub(TotpServiceStub)
    for _ in range(2):
        await stub.DisableTotp(totp_pb.DisableTotpRequest())
    assert (await auth.attempt()).HasField("tokens")
    assert len(await auth.mails(ana, mail_pb.SECURITY_MAIL_KIND_TWO_STEP_DISABLED)) == 1
    with pytest.raises(NotAllowedNow, match="TOTP_NOT_ENROLLED"):
        await stub.ReplaceRecoveryCodes(totp_pb.ReplaceRecoveryCodesRequest())


async def test_switching_it_on_ends_the_other_sessions_and_cannot_be_done_twice(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    other = await auth.log_in()
    await auth.with_totp(ana)
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await other.refresh()
    with pytest.raises(NotAllowedNow, match="TOTP_ENABLED"):
        await (await ana.stub(TotpServiceStub)).EnrolTotp(totp_pb.EnrolTotpRequest())
    await ana.refresh()


async def test_a_password_reset_does_not_take_the_second_step_away(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await auth.with_totp(ana)
    request = password_pb.ChangePasswordRequest(password="seven quiet harbours")
    await (await ana.stub(PasswordServiceStub)).ChangePassword(request)
    assert (await auth.attempt(password="seven quiet harbours")).HasField("challenge")


async def test_neither_secret_nor_recovery_codes_lie_readable_in_the_database(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    app, recovery = await auth.with_totp(ana)
    stored = await auth.service.runtime.database.collection(AccountDocument).get(ana.account_id)
    assert stored is not None
    text = str(stored.to_mongo())
    assert app.secret not in text
    assert not any(code in text or code.replace("-", "") in text for code in recovery)
