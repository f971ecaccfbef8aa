"""Verification as providers and administrators see it."""

from datetime import timedelta
from typing import Any

import pytest
from marketplace.user.v1 import document_pb2 as documents
from marketplace.user.v1 import person_service_pb2 as people_pb
from marketplace.user.v1 import verification_service_pb2 as pb
from marketplace.user.v1.events_pb2 import DocumentExpiring, DocumentStateChanged, ProfileChanged
from marketplace.user.v1.person_service_pb2_grpc import PersonServiceStub
from marketplace.user.v1.verification_service_pb2_grpc import VerificationServiceStub

from mesh.call import Account
from mesh.errors import Forbidden, InvalidInput, LimitReached, NotAllowedNow, NotFound
from mesh.ids import new_id
from tests.services.user.support import SetClock, person
from tests.support.service import Backing, ServiceUnderTest

IDENTITY = documents.DOCUMENT_KIND_IDENTITY


async def submit(
    user: ServiceUnderTest, who: Account, clock: SetClock, days: int = 100, kind: "documents.DocumentKind.ValueType" = IDENTITY
) -> str:
    request = pb.SubmitDocumentRequest(kind=kind, reference="documents/1")
    request.expire_time.FromDatetime(clock.now() + timedelta(days=days))
    stub: Any = user.stub(VerificationServiceStub, who)
    return str((await stub.SubmitDocument(request, key=new_id("key"))).document.document_id)


async def decide(user: ServiceUnderTest, admin: Account, document_id: str, *, is_approved: bool = True) -> documents.Document:
    request = pb.DecideDocumentRequest(document_id=document_id, is_approved=is_approved, reason="Because.")
    return (await user.stub(VerificationServiceStub, admin).DecideDocument(request)).document


async def waiting(user: ServiceUnderTest, admin: Account) -> list[str]:
    answer = await user.stub(VerificationServiceStub, admin).ListSubmittedDocuments(pb.ListSubmittedDocumentsRequest())
    return [each.document_id for each in answer.documents]


async def is_verified(user: ServiceUnderTest, backing: Backing, whom: Account) -> bool:
    stub = user.stub(PersonServiceStub, backing.account("customer"))
    return (await stub.GetPerson(people_pb.GetPersonRequest(account_id=whom.account_id))).person.is_verified


async def watch(user: ServiceUnderTest) -> None:
    await next(work for name, _, work, _ in user.runtime._periodic if name == "watch_documents")()


async def test_everybody_sees_that_a_provider_is_verified_while_the_proof_holds(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    provider, admin = await person(user, backing, "provider"), backing.account("admin")
    document_id = await submit(user, provider, clock)
    assert not await is_verified(user, backing, provider)
    decided = await decide(user, admin, document_id)
    assert (decided.state, decided.decision_reason) == (documents.DOCUMENT_STATE_APPROVED, "Because.")
    assert await is_verified(user, backing, provider)
    for days, expiring in ((69, 0), (1, 1), (22, 1), (1, 2), (6, 2), (1, 2)):
        clock.moment += timedelta(days=days)
        for _ in range(2):
            await watch(user)
        assert len(await user.published(DocumentExpiring)) == expiring
    assert not await is_verified(user, backing, provider)
    assert [each.state for each in await user.published(DocumentStateChanged)] == [
        documents.DOCUMENT_STATE_SUBMITTED,
        documents.DOCUMENT_STATE_APPROVED,
        documents.DOCUMENT_STATE_EXPIRED,
    ]
    assert [each.is_verified for each in await user.published(ProfileChanged)] == [False, True, False]


async def test_a_second_proof_keeps_a_provider_verified(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    provider, admin = await person(user, backing, "provider"), backing.account("admin")
    for days in (10, 500):
        await decide(user, admin, await submit(user, provider, clock, days))
    clock.moment += timedelta(days=10)
    await watch(user)
    assert await is_verified(user, backing, provider)


async def test_administrators_decide_in_the_order_of_submission(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    admin, submitted = backing.account("admin"), []
    for _ in range(3):
        submitted.append(await submit(user, await person(user, backing, "provider"), clock))
        clock.moment += timedelta(seconds=1)
    assert await waiting(user, admin) == submitted
    await decide(user, admin, submitted[1], is_approved=False)
    assert await waiting(user, admin) == [submitted[0], submitted[2]]
    with pytest.raises(NotAllowedNow) as refusal:
        await decide(user, admin, submitted[1])
    assert refusal.value.reason == "DOCUMENT_DECIDED"


async def test_a_provider_sees_their_own_documents_with_the_reason(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    provider, other = await person(user, backing, "provider"), await person(user, backing, "provider")
    document_id = await submit(user, provider, clock, kind=documents.DOCUMENT_KIND_INSURANCE)
    await decide(user, backing.account("admin"), document_id, is_approved=False)
    request = pb.ListMyDocumentsRequest()
    [found] = (await user.stub(VerificationServiceStub, provider).ListMyDocuments(request)).documents
    assert (found.document_id, found.reference, found.decision_reason) == (document_id, "documents/1", "Because.")
    assert list((await user.stub(VerificationServiceStub, other).ListMyDocuments(request)).documents) == []


async def test_what_is_wrong_is_not_taken(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    provider = await person(user, backing, "provider")
    with pytest.raises(InvalidInput) as expired:
        await submit(user, provider, clock, days=0)
    assert expired.value.reason == "EXPIRY_IN_PAST"
    with pytest.raises(NotFound) as nobody:
        await submit(user, backing.account("provider"), clock)
    assert nobody.value.reason == "PROFILE_NOT_FOUND"
    for _ in range(10):
        await submit(user, provider, clock)
    with pytest.raises(LimitReached):
        await submit(user, provider, clock)
    stub: Any = user.stub(VerificationServiceStub, provider)
    for wrong in ({"kind": IDENTITY, "reference": "a file"}, {"reference": "documents/1"}):
        with pytest.raises(InvalidInput):
            await stub.SubmitDocument(pb.SubmitDocumentRequest(**wrong), key=new_id("key"))


async def test_only_administrators_decide_and_only_about_what_there_is(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    provider = await person(user, backing, "provider")
    document_id = await submit(user, provider, clock)
    for call in (decide(user, provider, document_id), waiting(user, provider)):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound) as refusal:
        await decide(user, backing.account("admin"), new_id("doc"))
    assert refusal.value.reason == "DOCUMENT_NOT_FOUND"


@pytest.mark.parametrize("seconds, is_taken", [(-(2**63), False), (2**63 - 1, True)])
async def test_a_moment_that_no_calendar_has_is_the_nearest(
    user: ServiceUnderTest, backing: Backing, seconds: int, is_taken: bool
) -> None:
    stub: Any = user.stub(VerificationServiceStub, await person(user, backing, "provider"))
    request = pb.SubmitDocumentRequest(kind=IDENTITY, reference="documents/1")
    request.expire_time.seconds, request.expire_time.nanos = seconds, 2**31 - 1
    if is_taken:
        assert (await stub.SubmitDocument(request, key="key")).document.expire_time.ToDatetime().year == 2199
    else:
        with pytest.raises(InvalidInput):
            await stub.SubmitDocument(request, key="key")
