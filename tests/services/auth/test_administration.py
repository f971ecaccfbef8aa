"""What administrators do to accounts, erasing one's own, and the trail that all of it leaves."""

from typing import Any

import pytest
from marketplace.auth.v1 import account_admin_service_pb2 as pb
from marketplace.auth.v1 import account_service_pb2 as account_pb
from marketplace.auth.v1 import audit_service_pb2 as audit_pb
from marketplace.auth.v1 import auth_service_pb2 as auth_pb
from marketplace.auth.v1.account_admin_service_pb2_grpc import AccountAdminServiceStub
from marketplace.auth.v1.account_service_pb2_grpc import AccountServiceStub
from marketplace.auth.v1.audit_service_pb2_grpc import AuditServiceStub
from marketplace.auth.v1.events_pb2 import AccountErased, RolesChanged
from marketplace.auth.v1.security_mail_service_pb2 import SECURITY_MAIL_KIND_ACCOUNT_LOCKED
from marketplace.common.v1.page_pb2 import PageRequest

from mesh.errors import Forbidden, InvalidInput, MeshError, NotAllowedNow, NotFound, Unauthenticated
from services.auth.store.documents import AccountDocument, AuditDocument, MailDocument, SessionDocument
from tests.services.auth.support import AWAY, HOME, AuthUnderTest, Person


async def admins(auth: AuthUnderTest) -> Any:
    return await (await auth.admin()).stub(AccountAdminServiceStub)


async def trail(person: Person) -> list[tuple[str, str]]:
    answer = await (await person.stub(AuditServiceStub)).ListMyAuditEntries(audit_pb.ListMyAuditEntriesRequest())
    return [(entry.action, entry.outcome) for entry in answer.entries]


async def test_a_locked_account_is_shut_at_once_and_opens_again(auth: AuthUnderTest) -> None:
    ana, stub = await auth.person(), await admins(auth)
    request = pb.LockAccountRequest(account_id=ana.account_id, reason="reported twice")
    for _ in range(2):
        account = (await stub.LockAccount(request)).account
        assert (account.is_locked, account.lock_reason) == (True, "reported twice")
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await ana.refresh()
    with pytest.raises(Forbidden, match="ACCOUNT_LOCKED"):
        await auth.attempt()
    with pytest.raises(Unauthenticated, match="CREDENTIALS_WRONG"):
        await auth.attempt(password="wrong")
    assert len(await auth.mails(ana, SECURITY_MAIL_KIND_ACCOUNT_LOCKED)) == 1
    for _ in range(2):
        await stub.UnlockAccount(pb.UnlockAccountRequest(account_id=ana.account_id, reason="it was a mistake"))
    await auth.log_in()
    types = await auth.service.published_types()
    assert (types.count("AccountLocked"), types.count("AccountUnlocked")) == (1, 1)


async def test_a_session_that_a_lock_did_not_see_cannot_be_refreshed(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    accounts = auth.service.runtime.database.collection(AccountDocument)
    await accounts.update_one({"_id": ana.account_id}, {"$set": {"is_locked": True}})
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await ana.refresh()


async def test_roles_count_from_the_next_refresh_on(auth: AuthUnderTest) -> None:
    ana, stub = await auth.person(), await admins(auth)
    roles = [auth_pb.ACCOUNT_ROLE_CUSTOMER, auth_pb.ACCOUNT_ROLE_PROVIDER]
    request = pb.SetRolesRequest(account_id=ana.account_id, roles=roles, reason="she offers lessons")
    for _ in range(2):
        assert list((await stub.SetRoles(request)).account.roles) == roles
    assert (await ana.account()).roles == {"customer"}
    await ana.refresh()
    assert (await ana.account()).roles == {"customer", "provider"}
    [event] = await auth.service.published(RolesChanged)
    assert (event.account_id, list(event.roles)) == (ana.account_id, roles)


async def test_accounts_are_found_by_address_and_by_id(auth: AuthUnderTest) -> None:
    ana, stub = await auth.person(), await admins(auth)
    for request in (pb.FindAccountRequest(email="ANA@example.com"), pb.FindAccountRequest(account_id=ana.account_id)):
        account = (await stub.FindAccount(request)).account
        assert (account.account_id, account.email, account.display_name) == (ana.account_id, "ana@example.com", "Ana")
    for request in (pb.FindAccountRequest(email="nobody@example.com"), pb.FindAccountRequest(account_id="acc_none")):
        with pytest.raises(NotFound, match="ACCOUNT_NOT_FOUND"):
            await stub.FindAccount(request)
    with pytest.raises(InvalidInput, match="REQUEST_INVALID"):
        await stub.FindAccount(pb.FindAccountRequest())


async def test_administrators_do_nothing_of_this_to_themselves(auth: AuthUnderTest) -> None:
    admin = await auth.admin()
    stub = await admin.stub(AccountAdminServiceStub)
    roles = [auth_pb.ACCOUNT_ROLE_CUSTOMER]
    with pytest.raises(NotAllowedNow, match="OWN_ACCOUNT"):
        await stub.LockAccount(pb.LockAccountRequest(account_id=admin.account_id, reason="x"))
    with pytest.raises(NotAllowedNow, match="OWN_ACCOUNT"):
        await stub.SetRoles(pb.SetRolesRequest(account_id=admin.account_id, roles=roles, reason="x"))
    with pytest.raises(NotAllowedNow, match="LAST_ADMIN"):
        await (await admin.stub(AccountServiceStub)).EraseMyAccount(account_pb.EraseMyAccountRequest())


async def test_nobody_else_administers(auth: AuthUnderTest) -> None:
    ana, rui = await auth.person(), await auth.person("rui@example.com")
    stub = await rui.stub(AccountAdminServiceStub)
    calls = (
        stub.FindAccount(pb.FindAccountRequest(account_id=ana.account_id)),
        stub.LockAccount(pb.LockAccountRequest(account_id=ana.account_id, reason="x")),
        stub.UnlockAccount(pb.UnlockAccountRequest(account_id=ana.account_id, reason="x")),
        stub.SetRoles(pb.SetRolesRequest(account_id=ana.account_id, roles=[auth_pb.ACCOUNT_ROLE_ADMIN], reason="x")),
        (await rui.stub(AuditServiceStub)).ListAuditEntries(audit_pb.ListAuditEntriesRequest(account_id=ana.account_id)),
    )
    for call in calls:
        with pytest.raises(Forbidden, match="ROLE_REQUIRED"):
            await call


async def test_an_erased_account_leaves_nothing_personal_behind_and_its_address_free(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await (await ana.stub(AccountServiceStub)).EraseMyAccount(account_pb.EraseMyAccountRequest())
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await ana.refresh()
    with pytest.raises(Unauthenticated, match="CREDENTIALS_WRONG"):
        await auth.attempt()
    database = auth.service.runtime.database
    assert await database.collection(AccountDocument).get(ana.account_id) is None
    for documents in (SessionDocument, MailDocument):
        assert await database.collection(documents).count({"account_id": ana.account_id}) == 0
    for entry in await database.collection(AuditDocument).find({"account_id": ana.account_id}):
        assert (entry.address, entry.user_agent) == (None, None)
    assert [event.account_id for event in await auth.service.published(AccountErased)] == [ana.account_id]
    with pytest.raises(NotFound, match="ACCOUNT_NOT_FOUND"):
        await (await ana.stub(AccountServiceStub)).GetMyAccount(account_pb.GetMyAccountRequest())
    with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
        await (await ana.stub(AccountServiceStub)).EraseMyAccount(account_pb.EraseMyAccountRequest())
    assert (await auth.person()).account_id != ana.account_id


async def test_the_trail_tells_what_was_done_from_where_and_with_what_outcome(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    with pytest.raises(MeshError):
        await auth.attempt(password="wrong", address=AWAY)
    assert await trail(ana) == [("log_in", "CREDENTIALS_WRONG"), ("log_in", "succeeded"), ("register", "succeeded")]
    answer = await (await ana.stub(AuditServiceStub)).ListMyAuditEntries(audit_pb.ListMyAuditEntriesRequest())
    failed, succeeded, _ = answer.entries
    assert (failed.address, failed.actor_id) == (AWAY, "")
    assert (succeeded.address, succeeded.actor_id) == (HOME, ana.account_id)
    assert "grpc" in failed.user_agent


async def test_administrators_read_any_trail_and_stand_in_it(auth: AuthUnderTest) -> None:
    ana, admin = await auth.person(), await auth.admin()
    await (await admin.stub(AccountAdminServiceStub)).LockAccount(pb.LockAccountRequest(account_id=ana.account_id, reason="spam"))
    request = audit_pb.ListAuditEntriesRequest(account_id=ana.account_id)
    entries = (await (await admin.stub(AuditServiceStub)).ListAuditEntries(request)).entries
    assert (entries[0].action, entries[0].actor_id, entries[0].note) == ("lock_account", admin.account_id, "spam")


async def test_the_trail_comes_in_pages_without_gaps(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    for _ in range(4):
        await auth.log_in()
    stub = await ana.stub(AuditServiceStub)
    seen: list[str] = []
    token = ""
    while True:
        page = PageRequest(page_size=2, page_token=token)
        answer = await stub.ListMyAuditEntries(audit_pb.ListMyAuditEntriesRequest(page=page))
        seen += [entry.entry_id for entry in answer.entries]
        token = answer.page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 6
    with pytest.raises(InvalidInput, match="PAGE_TOKEN_INVALID"):
        await stub.ListMyAuditEntries(audit_pb.ListMyAuditEntriesRequest(page=PageRequest(page_token="made up")))
