"""Passkeys: registered by their owners, taken as proof once a challenge, refused when anything about them is wrong."""

import json
from typing import Any

import pytest
from marketplace.auth.v1 import account_admin_service_pb2 as admin_pb
from marketplace.auth.v1 import account_service_pb2 as account_pb
from marketplace.auth.v1 import passkey_service_pb2 as pb
from marketplace.auth.v1.account_admin_service_pb2_grpc import AccountAdminServiceStub
from marketplace.auth.v1.account_service_pb2_grpc import AccountServiceStub
from marketplace.auth.v1.email_service_pb2 import VerifyEmailRequest
from marketplace.auth.v1.email_service_pb2_grpc import EmailServiceStub
from marketplace.auth.v1.passkey_service_pb2_grpc import PasskeyServiceStub
from marketplace.auth.v1.password_service_pb2 import RequestPasswordResetRequest, ResetPasswordRequest
from marketplace.auth.v1.password_service_pb2_grpc import PasswordServiceStub
from marketplace.auth.v1.security_mail_service_pb2 import (
    SECURITY_MAIL_KIND_PASSKEY_ADDED,
    SECURITY_MAIL_KIND_RESET_PASSWORD,
    SECURITY_MAIL_KIND_VERIFY_EMAIL,
)

from mesh.errors import Forbidden, InvalidInput, NotAllowedNow, NotFound, Unauthenticated
from services.auth.model.passkeys import MOST_PASSKEYS
from services.auth.store.passkeys import PasskeyDocument
from tests.services.auth.authenticator import SoftAuthenticator, raw
from tests.services.auth.support import OTHER_PASSWORD, AuthUnderTest, Person

BEGIN = pb.BeginPasskeyRegistrationRequest()


async def register(person: Person, device: SoftAuthenticator, name: str = "") -> pb.Passkey:
    stub = await person.stub(PasskeyServiceStub)
    begun = await stub.BeginPasskeyRegistration(BEGIN)
    request = pb.AddPasskeyRequest(
        challenge_token=begun.challenge_token, credential_json=device.create(begun.options_json), name=name
    )
    answer: pb.AddPasskeyResponse = await stub.AddPasskey(request)
    return answer.passkey


async def begin(auth: AuthUnderTest) -> pb.BeginPasskeyLogInResponse:
    answer: pb.BeginPasskeyLogInResponse = await auth.service.stub(PasskeyServiceStub).BeginPasskeyLogIn(
        pb.BeginPasskeyLogInRequest()
    )
    return answer


async def log_in(auth: AuthUnderTest, device: SoftAuthenticator, **changes: Any) -> pb.CompletePasskeyLogInResponse:
    begun = await begin(auth)
    answered = {"challenge_token": begun.challenge_token, "credential_json": device.get(begun.options_json)} | changes
    answer: pb.CompletePasskeyLogInResponse = await auth.service.stub(PasskeyServiceStub).CompletePasskeyLogIn(
        pb.CompletePasskeyLogInRequest(**answered)
    )
    return answer


async def test_a_passkey_logs_its_owner_in_without_a_code(auth: AuthUnderTest) -> None:
    ana, device = await auth.person(), SoftAuthenticator()
    passkey = await register(ana, device, "My phone")
    assert passkey.name == "My phone"
    assert raw(device.user_handle) == ana.account_id.encode()
    await auth.with_totp(ana)
    await log_in(auth, device)
    answer = await log_in(auth, device)
    assert answer.account_id == ana.account_id
    account = await auth.service.runtime.verifier.verify(answer.tokens.access_token)
    assert account.roles == {"customer"}
    assert len(await auth.mails(ana, SECURITY_MAIL_KIND_PASSKEY_ADDED)) == 1


async def test_passkeys_are_listed_and_removed_by_their_owner_alone(auth: AuthUnderTest) -> None:
    ana, rui = await auth.person(), await auth.person("rui@example.com")
    device = SoftAuthenticator()
    passkey = await register(ana, device)
    await log_in(auth, device)
    anas, ruis = await ana.stub(PasskeyServiceStub), await rui.stub(PasskeyServiceStub)
    [listed] = (await anas.ListPasskeys(pb.ListPasskeysRequest())).passkeys
    assert listed.passkey_id == passkey.passkey_id
    assert listed.HasField("last_use_time")
    assert list((await ruis.ListPasskeys(pb.ListPasskeysRequest())).passkeys) == []
    request = pb.RemovePasskeyRequest(passkey_id=passkey.passkey_id)
    with pytest.raises(NotFound, match="PASSKEY_NOT_FOUND"):
        await ruis.RemovePasskey(request)
    await anas.RemovePasskey(request)
    with pytest.raises(NotFound, match="PASSKEY_NOT_FOUND"):
        await anas.RemovePasskey(request)
    with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
        await log_in(auth, device)


async def test_an_answer_counts_once(auth: AuthUnderTest) -> None:
    device = SoftAuthenticator()
    await register(await auth.person(), device)
    begun = await begin(auth)
    answered = {"challenge_token": begun.challenge_token, "credential_json": device.get(begun.options_json)}
    await log_in(auth, device, **answered)
    with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
        await log_in(auth, device, **answered)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://elsewhere.example"},
        {"host": "elsewhere.example"},
        {"flags": 0x01},
        {"key": SoftAuthenticator().key},
        {"credential_id": b"another"},
        {"counter": -1},
        {"user_handle": "YWNjX290aGVy"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_what_is_wrong_in_any_part_proves_nothing(auth: AuthUnderTest, wrong: dict[str, Any]) -> None:
    device = SoftAuthenticator(counter=5)
    await register(await auth.person(), device)
    good = dict(vars(device))
    for name, value in wrong.items():
        setattr(device, name, value)
    with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
        await log_in(auth, device)
    vars(device).update(good)
    await log_in(auth, device)


async def test_a_challenge_of_another_end_or_of_nobody_is_not_answered(auth: AuthUnderTest) -> None:
    ana, device = await auth.person(), SoftAuthenticator()
    await register(ana, device)
    stub = await ana.stub(PasskeyServiceStub)
    registering = await stub.BeginPasskeyRegistration(BEGIN)
    logging_in = await begin(auth)
    with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
        await log_in(
            auth, device, challenge_token=registering.challenge_token, credential_json=device.get(registering.options_json)
        )
    other = SoftAuthenticator()
    for challenge_token in (logging_in.challenge_token, "chl_none"):
        options = (await stub.BeginPasskeyRegistration(BEGIN)).options_json
        request = pb.AddPasskeyRequest(challenge_token=challenge_token, credential_json=other.create(options))
        with pytest.raises(InvalidInput, match="PASSKEY_INVALID"):
            await stub.AddPasskey(request)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{}",
        "[]",
        "null",
        '{"id": 1}',
        '{"id": {"$gt": ""}}',
        "[" * 5000,
        json.dumps({"id": "a", "rawId": "é", "response": 1}),
    ],
    ids=range(8),
)
async def test_malformed_answers_are_refused_as_what_they_are(auth: AuthUnderTest, text: str) -> None:
    ana, device = await auth.person(), SoftAuthenticator()
    await register(ana, device)
    with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
        await log_in(auth, device, credential_json=text)
    stub = await ana.stub(PasskeyServiceStub)
    challenge_token = (await stub.BeginPasskeyRegistration(BEGIN)).challenge_token
    with pytest.raises(InvalidInput, match="PASSKEY_INVALID"):
        await stub.AddPasskey(pb.AddPasskeyRequest(challenge_token=challenge_token, credential_json=text))


async def test_a_credential_is_registered_once_and_browsers_are_told_which_are_there(auth: AuthUnderTest) -> None:
    ana, rui = await auth.person(), await auth.person("rui@example.com")
    device = SoftAuthenticator()
    await register(ana, device)
    options = json.loads((await (await ana.stub(PasskeyServiceStub)).BeginPasskeyRegistration(BEGIN)).options_json)
    assert [raw(each["id"]) for each in options["excludeCredentials"]] == [device.credential_id]
    with pytest.raises(InvalidInput, match="PASSKEY_INVALID"):
        await register(rui, device)


async def test_an_account_has_at_most_twenty(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    now = auth.clock.now()
    more = {"account_id": ana.account_id, "public_key": b"x", "sign_count": 0, "create_time": now}
    documents = [PasskeyDocument(id=f"pky_{number}", credential_id=str(number), **more) for number in range(MOST_PASSKEYS)]
    await auth.service.runtime.database.collection(PasskeyDocument).insert_many(documents)
    with pytest.raises(NotAllowedNow, match="PASSKEY_LIMIT"):
        await register(ana, SoftAuthenticator())


async def test_a_passkey_proves_once_more_who_its_owner_is_and_nobody_else(auth: AuthUnderTest) -> None:
    ana, rui = await auth.person(), await auth.person("rui@example.com")
    device = SoftAuthenticator()
    await register(ana, device)
    for person in (ana, rui):
        stub, begun = await person.stub(PasskeyServiceStub), await begin(auth)
        request = pb.ReAuthenticateWithPasskeyRequest(
            challenge_token=begun.challenge_token, credential_json=device.get(begun.options_json)
        )
        if person is ana:
            proof = await stub.ReAuthenticateWithPasskey(request)
            account = await auth.service.runtime.verifier.verify(proof.access_token)
            assert account.session_id == (await ana.account()).session_id
        else:
            with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
                await stub.ReAuthenticateWithPasskey(request)


@pytest.mark.parametrize("is_verified_before", [True, False])
async def test_a_reset_shuts_out_who_registered_with_somebody_elses_address(
    auth: AuthUnderTest, is_verified_before: bool
) -> None:
    ana, device = await auth.person(), SoftAuthenticator()
    if is_verified_before:
        [mail] = await auth.mails(ana, SECURITY_MAIL_KIND_VERIFY_EMAIL)
        await auth.service.stub(EmailServiceStub).VerifyEmail(VerifyEmailRequest(token=mail.token))
    await register(ana, device)
    await auth.with_totp(ana)
    passwords = auth.service.stub(PasswordServiceStub)
    await passwords.RequestPasswordReset(RequestPasswordResetRequest(email="ana@example.com"))
    await auth.recipients_are_found()
    [mail] = await auth.mails(ana, SECURITY_MAIL_KIND_RESET_PASSWORD)
    await passwords.ResetPassword(ResetPasswordRequest(token=mail.token, password=OTHER_PASSWORD))
    assert (await auth.attempt(password=OTHER_PASSWORD)).HasField("challenge") == is_verified_before
    if is_verified_before:
        await log_in(auth, device)
    else:
        with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
            await log_in(auth, device)


async def test_a_locked_or_erased_account_is_shut_to_its_passkeys_too(auth: AuthUnderTest) -> None:
    ana, rui = await auth.person(), await auth.person("rui@example.com")
    anas, ruis = SoftAuthenticator(), SoftAuthenticator()
    await register(ana, anas)
    await register(rui, ruis)
    admin = await (await auth.admin()).stub(AccountAdminServiceStub)
    await admin.LockAccount(admin_pb.LockAccountRequest(account_id=ana.account_id, reason="x"))
    with pytest.raises(Forbidden, match="ACCOUNT_LOCKED"):
        await log_in(auth, anas)
    await (await rui.stub(AccountServiceStub)).EraseMyAccount(account_pb.EraseMyAccountRequest())
    with pytest.raises(Unauthenticated, match="PASSKEY_REFUSED"):
        await log_in(auth, ruis)
