"""Links that are sent to addresses: what they prove, how often they work, and that nobody else learns of them."""

from datetime import timedelta

import pytest
from marketplace.auth.v1 import account_service_pb2 as account_pb
from marketplace.auth.v1 import email_service_pb2 as email_pb
from marketplace.auth.v1 import password_service_pb2 as password_pb
from marketplace.auth.v1 import security_mail_service_pb2 as mail_pb
from marketplace.auth.v1.account_service_pb2_grpc import AccountServiceStub
from marketplace.auth.v1.email_service_pb2_grpc import EmailServiceStub
from marketplace.auth.v1.events_pb2 import EmailChanged
from marketplace.auth.v1.password_service_pb2_grpc import PasswordServiceStub
from marketplace.auth.v1.security_mail_service_pb2_grpc import SecurityMailServiceStub

from mesh.errors import AlreadyExists, Forbidden, InvalidInput, LimitReached, NotAllowedNow, Unauthenticated
from mesh.events.outbox import OutboxRow
from services.auth.model.mails import MailState
from services.auth.store.documents import MailDocument
from tests.services.auth.support import OTHER_PASSWORD, PASSWORD, AuthUnderTest, Person

VERIFY = mail_pb.SECURITY_MAIL_KIND_VERIFY_EMAIL
CONFIRM = mail_pb.SECURITY_MAIL_KIND_CONFIRM_NEW_EMAIL
RESET = mail_pb.SECURITY_MAIL_KIND_RESET_PASSWORD


async def is_verified(person: Person) -> bool:
    answer = await (await person.stub(AccountServiceStub)).GetMyAccount(account_pb.GetMyAccountRequest())
    return bool(answer.is_email_verified)


async def verify(auth: AuthUnderTest, token: str) -> None:
    await auth.service.stub(EmailServiceStub).VerifyEmail(email_pb.VerifyEmailRequest(token=token))


async def request_reset(auth: AuthUnderTest, email: str, address: str = "") -> None:
    request = password_pb.RequestPasswordResetRequest(email=email)
    await auth.service.stub(PasswordServiceStub).RequestPasswordReset(request, metadata=[("x-client-address", address)])
    await auth.recipients_are_found()


async def reset(auth: AuthUnderTest, token: str, password: str = OTHER_PASSWORD) -> None:
    await auth.service.stub(PasswordServiceStub).ResetPassword(password_pb.ResetPasswordRequest(token=token, password=password))


async def change_email(auth: AuthUnderTest, person: Person, email: str) -> None:
    await (await person.stub(EmailServiceStub)).ChangeEmail(email_pb.ChangeEmailRequest(email=email))
    await auth.recipients_are_found()


async def test_the_link_of_a_registration_verifies_the_address_once(auth: AuthUnderTest) -> None:
    ana = await auth.person("Ana@example.com", locale="en")
    assert not await is_verified(ana)
    [mail] = await auth.mails(ana, VERIFY)
    assert (mail.email, mail.display_name, mail.locale) == ("Ana@example.com", "Ana", "en")
    await verify(auth, mail.token)
    assert await is_verified(ana)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await verify(auth, mail.token)


async def test_the_link_can_be_asked_for_again_and_not_too_often(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    stub = await ana.stub(EmailServiceStub)
    for _ in range(3):
        await stub.SendVerification(email_pb.SendVerificationRequest())
    with pytest.raises(LimitReached, match="TOO_MANY_ATTEMPTS"):
        await stub.SendVerification(email_pb.SendVerificationRequest())
    mails = await auth.mails(ana, VERIFY)
    assert len({mail.token for mail in mails}) == 4
    await verify(auth, mails[2].token)
    await stub.SendVerification(email_pb.SendVerificationRequest())
    assert len(await auth.mails(ana, VERIFY)) == 3, "none is sent for an address that is verified"


@pytest.mark.parametrize("token", ["x", "mail_x.AAAA", "..", "é.x"])
async def test_forged_links_do_nothing(auth: AuthUnderTest, token: str) -> None:
    for follow in (verify, reset):
        with pytest.raises(InvalidInput, match="LINK_INVALID"):
            await follow(auth, token)


async def test_a_link_works_for_what_it_was_sent_for_alone(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await request_reset(auth, "ana@example.com")
    [verifying], [resetting] = await auth.mails(ana, VERIFY), await auth.mails(ana, RESET)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await reset(auth, verifying.token)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await verify(auth, resetting.token)


async def test_links_stop_working_in_time(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await request_reset(auth, "ana@example.com")
    [verifying], [resetting] = await auth.mails(ana, VERIFY), await auth.mails(ana, RESET)
    auth.clock.ahead = timedelta(hours=1)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await reset(auth, resetting.token)
    auth.clock.ahead = timedelta(hours=24)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await verify(auth, verifying.token)


async def test_a_reset_sets_the_password_ends_every_session_and_proves_the_address(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await request_reset(auth, "ANA@example.com")
    [mail] = await auth.mails(ana, RESET)
    with pytest.raises(InvalidInput, match="PASSWORD_TOO_COMMON"):
        await reset(auth, mail.token, "password12345")
    await reset(auth, mail.token)
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await ana.refresh()
    with pytest.raises(Unauthenticated, match="CREDENTIALS_WRONG"):
        await auth.attempt(password=PASSWORD)
    assert await is_verified(await auth.log_in(password=OTHER_PASSWORD))
    assert len(await auth.mails(ana, mail_pb.SECURITY_MAIL_KIND_PASSWORD_CHANGED)) == 1
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await reset(auth, mail.token, PASSWORD)


async def test_one_reset_makes_all_other_links_dead(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    for _ in range(2):
        await request_reset(auth, "ana@example.com")
    first, second = await auth.mails(ana, RESET)
    await reset(auth, second.token)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await reset(auth, first.token, PASSWORD)


async def test_who_asks_for_a_reset_does_not_learn_whether_there_is_an_account(auth: AuthUnderTest) -> None:
    await auth.person()
    mails = auth.service.runtime.database.collection(MailDocument)
    for email in ("ana@example.com", "nobody@example.com"):
        for _ in range(3):
            await request_reset(auth, email)
        with pytest.raises(LimitReached, match="TOO_MANY_ATTEMPTS"):
            await request_reset(auth, email)
    assert await mails.count({"email": "nobody@example.com"}) == 0, "nothing is kept of an address that nobody has"
    assert await mails.count({"state": MailState.READY.value, "kind": "reset_password"}) == 3


async def test_another_address_counts_from_when_its_link_is_followed(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await change_email(auth, ana, "ana.maria@example.com")
    await auth.log_in("ana@example.com")
    [mail] = await auth.mails(ana, CONFIRM)
    assert mail.email == "ana.maria@example.com"
    await verify(auth, mail.token)
    assert await is_verified(await auth.log_in("ana.maria@example.com"))
    with pytest.raises(Unauthenticated, match="CREDENTIALS_WRONG"):
        await auth.attempt("ana@example.com")
    [event] = await auth.service.published(EmailChanged)
    assert (event.account_id, event.email) == (ana.account_id, "ana.maria@example.com")
    [notice] = await auth.mails(ana, mail_pb.SECURITY_MAIL_KIND_EMAIL_CHANGED)
    assert (notice.email, notice.token) == ("ana@example.com", ""), "the old address is told"


async def test_an_address_that_somebody_has_gets_no_link_and_the_answer_is_the_same(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await auth.person("rui@example.com")
    await change_email(auth, ana, "RUI@example.com")
    assert await auth.mails(ana, CONFIRM) == []


async def test_an_address_that_was_taken_meanwhile_is_refused_and_nothing_changes(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await change_email(auth, ana, "rui@example.com")
    [mail] = await auth.mails(ana, CONFIRM)
    await auth.person("rui@example.com")
    with pytest.raises(AlreadyExists, match="EMAIL_TAKEN"):
        await verify(auth, mail.token)
    await auth.log_in("ana@example.com")


async def test_links_to_an_address_that_the_account_has_no_more_are_dead(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await request_reset(auth, "ana@example.com")
    [resetting], [verifying] = await auth.mails(ana, RESET), await auth.mails(ana, VERIFY)
    await change_email(auth, ana, "ana.maria@example.com")
    [mail] = await auth.mails(ana, CONFIRM)
    await verify(auth, mail.token)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await reset(auth, resetting.token)
    with pytest.raises(InvalidInput, match="LINK_INVALID"):
        await verify(auth, verifying.token)


async def test_a_changed_password_ends_the_other_sessions_and_not_the_one_that_changes_it(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    other = await auth.log_in()
    request = password_pb.ChangePasswordRequest(password=OTHER_PASSWORD)
    await (await ana.stub(PasswordServiceStub)).ChangePassword(request)
    await ana.refresh()
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await other.refresh()
    await auth.log_in(password=OTHER_PASSWORD)


async def test_no_secret_travels_in_events_or_lies_in_the_database(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await request_reset(auth, "ana@example.com")
    tokens = [mail.token for kind in (VERIFY, RESET) for mail in await auth.mails(ana, kind)]
    proofs = [token.rpartition(".")[2].encode() for token in tokens]
    assert len(proofs) == 2
    for row in await auth.service.runtime.database.collection(OutboxRow).find({}):
        assert not any(proof in bytes(row.payload or b"") for proof in proofs)
    for mail in await auth.service.runtime.database.collection(MailDocument).find({}):
        assert not any(proof in str(mail.to_mongo()).encode() for proof in proofs)


async def test_notification_alone_may_read_a_mail_and_a_used_one_is_gone(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    [mail] = await auth.mails(ana, VERIFY)
    [found] = await auth.service.runtime.database.collection(MailDocument).find(
        {"kind": "verify_email"}, sort=[("_id", -1)], limit=1
    )
    request = mail_pb.GetSecurityMailRequest(mail_id=found.id)
    for caller in ("gateway", "user"):
        with pytest.raises(Forbidden, match="CALLER_NOT_ALLOWED"):
            await auth.service.stub(SecurityMailServiceStub, caller=caller).GetSecurityMail(request)
    await verify(auth, mail.token)
    with pytest.raises(NotAllowedNow, match="MAIL_NOT_WANTED"):
        await auth.service.stub(SecurityMailServiceStub, caller="notification").GetSecurityMail(request)
