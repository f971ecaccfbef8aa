"""Sessions as their owner sees them, and proving once more who one is."""

from datetime import timedelta

import pytest
from marketplace.auth.v1 import password_service_pb2 as password_pb
from marketplace.auth.v1 import session_service_pb2 as pb
from marketplace.auth.v1.password_service_pb2_grpc import PasswordServiceStub
from marketplace.auth.v1.session_service_pb2_grpc import SessionServiceStub

from mesh.errors import MeshError, NotFound, Unauthenticated
from services.auth.model.sessions import MOST_SESSIONS
from services.auth.store.documents import SessionDocument
from tests.services.auth.support import AWAY, HOME, OTHER_PASSWORD, PASSWORD, AuthUnderTest, Person

LIST = pb.ListSessionsRequest()
STALE = timedelta(minutes=-6)


async def sessions(person: Person) -> list[pb.Session]:
    return list((await (await person.stub(SessionServiceStub)).ListSessions(LIST)).sessions)


async def reason_of_change(person: Person) -> str:
    """What a method that needs a recent proof says; "" when it lets it happen."""
    try:
        request = password_pb.ChangePasswordRequest(password=OTHER_PASSWORD)
        await (await person.stub(PasswordServiceStub)).ChangePassword(request)
    except MeshError as refusal:
        return refusal.reason
    return ""


async def test_sessions_are_listed_with_device_place_and_times(auth: AuthUnderTest) -> None:
    laptop = await auth.person()
    phone = await auth.log_in(address=AWAY, device_name="My phone")
    first, second = await sessions(phone)
    assert (first.device_name, first.address, first.is_current) == ("My phone", AWAY, True)
    assert (second.address, second.is_current) == (HOME, False)
    assert "grpc" in second.device_name, "without a name it is what the program calls itself"
    assert first.open_time == first.last_use_time
    await laptop.refresh()
    assert [each.address for each in await sessions(phone)] == [HOME, AWAY], "the last used one first"
    assert (await sessions(laptop))[0].is_current


async def test_a_session_that_is_revoked_is_dead_at_once_and_twice_is_once(auth: AuthUnderTest) -> None:
    laptop = await auth.person()
    phone = await auth.log_in()
    stub = await laptop.stub(SessionServiceStub)
    [phones] = [each.session_id for each in await sessions(laptop) if not each.is_current]
    for _ in range(2):
        await stub.RevokeSession(pb.RevokeSessionRequest(session_id=phones))
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await phone.refresh()
    assert await reason_of_change(phone) == "SESSION_ENDED", "its access token lives on and changes nothing here"
    phones_stub = await phone.stub(SessionServiceStub)
    [others] = [each.session_id for each in await sessions(laptop)]
    for revoking in (
        phones_stub.RevokeOtherSessions(pb.RevokeOtherSessionsRequest()),
        phones_stub.RevokeSession(pb.RevokeSessionRequest(session_id=others)),
    ):
        with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
            await revoking
    await phones_stub.RevokeSession(pb.RevokeSessionRequest(session_id=phones))
    await laptop.refresh()
    assert len(await sessions(laptop)) == 1


async def test_sessions_of_others_are_as_if_there_were_none(auth: AuthUnderTest) -> None:
    ana, rui = await auth.person(), await auth.person("rui@example.com")
    [theirs] = await sessions(rui)
    for session_id in (theirs.session_id, "ses_none"):
        with pytest.raises(NotFound, match="SESSION_NOT_FOUND"):
            await (await ana.stub(SessionServiceStub)).RevokeSession(pb.RevokeSessionRequest(session_id=session_id))
    await rui.refresh()


async def test_an_administrator_ends_anybodys_session(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    [theirs] = await sessions(ana)
    admin = await (await auth.admin()).stub(SessionServiceStub)
    await admin.RevokeSession(pb.RevokeSessionRequest(session_id=theirs.session_id))
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await ana.refresh()


async def test_all_other_sessions_end_together(auth: AuthUnderTest) -> None:
    current, stranger = await auth.person(), await auth.person("rui@example.com")
    others = [await auth.log_in() for _ in range(3)]
    stub = await current.stub(SessionServiceStub)
    assert (await stub.RevokeOtherSessions(pb.RevokeOtherSessionsRequest())).revoked_count == 3
    assert (await stub.RevokeOtherSessions(pb.RevokeOtherSessionsRequest())).revoked_count == 0
    for other in others:
        with pytest.raises(Unauthenticated):
            await other.refresh()
    await current.refresh()
    await stranger.refresh()


async def test_the_oldest_session_ends_when_there_would_be_too_many(auth: AuthUnderTest) -> None:
    oldest = await auth.person()
    second = await auth.log_in()
    documents = auth.service.runtime.database.collection(SessionDocument)
    [found, _] = await documents.find({}, sort=[("expire_time", -1)], limit=2)
    more = {"account_id": oldest.account_id, "roles": ["customer"], "expire_time": found.expire_time, "generation": 1}
    await documents.insert_many([SessionDocument(id=f"ses_{number}", **more) for number in range(MOST_SESSIONS - 2)])
    newest = await auth.log_in()
    assert len(await sessions(newest)) == MOST_SESSIONS
    with pytest.raises(Unauthenticated):
        await oldest.refresh()
    await second.refresh()


async def test_what_is_sensitive_needs_a_recent_proof_which_a_refresh_is_not(auth: AuthUnderTest) -> None:
    auth.clock.ahead = STALE
    person = await auth.person()
    assert await reason_of_change(person) == "STEP_UP_REQUIRED"
    auth.clock.ahead = timedelta()
    await person.refresh()
    assert await reason_of_change(person) == "STEP_UP_REQUIRED"


async def test_proving_once_more_lets_it_happen_and_counts_for_the_session(auth: AuthUnderTest) -> None:
    auth.clock.ahead = STALE
    person = await auth.person()
    auth.clock.ahead = timedelta()
    stub = await person.stub(SessionServiceStub)
    with pytest.raises(Unauthenticated, match="CREDENTIALS_WRONG"):
        await stub.ReAuthenticate(pb.ReAuthenticateRequest(password="wrong"))
    proved = await stub.ReAuthenticate(pb.ReAuthenticateRequest(password=PASSWORD))
    person.tokens.access_token = proved.access_token
    await person.refresh()
    assert await reason_of_change(person) == ""


async def test_proving_once_more_is_held_to_the_same_count_as_logging_in(auth: AuthUnderTest) -> None:
    stub = await (await auth.person()).stub(SessionServiceStub)
    found = []
    for password in [*["wrong"] * 5, PASSWORD]:
        with pytest.raises(MeshError) as refusal:
            await stub.ReAuthenticate(pb.ReAuthenticateRequest(password=password))
        found.append(refusal.value.reason)
    assert found == [*["CREDENTIALS_WRONG"] * 5, "TOO_MANY_ATTEMPTS"]


async def test_a_session_that_has_ended_proves_nothing(auth: AuthUnderTest) -> None:
    laptop = await auth.person()
    phone = await auth.log_in()
    await (await laptop.stub(SessionServiceStub)).RevokeOtherSessions(pb.RevokeOtherSessionsRequest())
    with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
        await (await phone.stub(SessionServiceStub)).ReAuthenticate(pb.ReAuthenticateRequest(password=PASSWORD))
