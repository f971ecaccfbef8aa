"""What the contract's policy lets through: callers, roles, ownership, the form of idempotency keys."""

import time
from dataclasses import replace

import pytest

from mesh.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from tests.mesh.probe import METHODS, Probe, Request, read_all

EDGE = sorted(name for name, method in METHODS.items() if method.is_edge and not method.is_server_streaming)
INSIDE = sorted(name for name, method in METHODS.items() if not method.is_edge and not method.is_server_streaming)
WITH_TOKEN = [name for name in EDGE if not METHODS[name].is_public]
CALLERS = ["gateway", "booking", "user", "chat"]


@pytest.mark.parametrize("method", EDGE + INSIDE)
async def test_exactly_the_services_that_the_contract_names_may_call(method: str, probe: Probe) -> None:
    allowed = METHODS[method].callers | ({"gateway"} if METHODS[method].is_edge else set())
    account = probe.customer("customer", "provider", "admin")
    for caller in CALLERS:
        request = Request(account_id=account.account_id)
        call = probe.call(method, request, account, caller=caller, headers=[("idempotency-key", "k")])
        if caller in allowed:
            await call
        else:
            with pytest.raises(Forbidden, match="CALLER_NOT_ALLOWED"):
                await call


@pytest.mark.parametrize("method", WITH_TOKEN)
async def test_exactly_the_roles_that_the_contract_names_may_call(method: str, probe: Probe) -> None:
    wanted = METHODS[method].roles
    for role in ("customer", "provider", "admin", "root"):
        account = probe.customer(role)
        call = probe.call(method, Request(account_id=account.account_id), account, headers=[("idempotency-key", "k")])
        if role in wanted:
            await call
        else:
            with pytest.raises(Forbidden, match="ROLE_REQUIRED") as refused:
                await call
            assert refused.value.metadata == {"roles": ",".join(sorted(wanted))}


@pytest.mark.parametrize("method", WITH_TOKEN)
async def test_nobody_without_a_token_may_call_what_is_not_public(method: str, probe: Probe) -> None:
    with pytest.raises(Unauthenticated, match="TOKEN_MISSING"):
        await probe.call(method, headers=[("idempotency-key", "k")])
    assert not probe.servicer.calls


async def test_what_needs_a_recent_proof_is_refused_without_one_and_says_how_old_it_may_be(probe: Probe) -> None:
    recent = probe.customer()
    await probe.call("WriteSensitively", Request(), recent)
    for auth_time in (None, 0, int(time.time()) - 301):
        token = probe.world.signer.sign(roles=["customer"], auth_time=auth_time)
        with pytest.raises(Unauthenticated, match="STEP_UP_REQUIRED") as refused:
            await probe.call("WriteSensitively", Request(), replace(recent, token=token))
        assert refused.value.metadata == {"max_age_seconds": "300"}
    assert len(probe.servicer.calls) == 1


async def test_what_the_client_is_said_to_be_is_believed_of_the_edge_alone(probe: Probe) -> None:
    headers = [("x-client-address", "203.0.113.9")]
    await probe.call("Read", Request(), probe.customer(), headers=headers)
    assert probe.servicer.call.client_address == "203.0.113.9"
    assert "grpc" in probe.servicer.call.user_agent
    await probe.call("Read", Request(), probe.customer(), headers=headers, caller="booking")
    assert (probe.servicer.call.client_address, probe.servicer.call.user_agent) == ("", "")


async def test_a_stream_is_held_to_the_same_policy(probe: Probe) -> None:
    import grpc

    for caller, headers, code in (
        ("chat", [], grpc.StatusCode.PERMISSION_DENIED),
        ("gateway", [], grpc.StatusCode.UNAUTHENTICATED),
        ("gateway", [("authorization", f"Bearer {probe.customer('provider').token}")], grpc.StatusCode.PERMISSION_DENIED),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await read_all(probe.stub(caller).Watch(Request(), metadata=headers, timeout=5))
        assert refused.value.code() == code
    assert not probe.servicer.calls


async def test_another_account_looks_as_if_there_were_none(probe: Probe) -> None:
    owner, stranger = probe.customer(), probe.customer()
    request = Request(account_id=owner.account_id)
    for method in ("ReadOwn", "ReadOwnAlone"):
        await probe.call(method, request, owner)
        with pytest.raises(NotFound, match="NOT_FOUND"):
            await probe.call(method, request, stranger)
        with pytest.raises(NotFound, match="NOT_FOUND"):
            await probe.call(method, Request(), stranger)


async def test_an_admin_is_an_owner_exactly_where_the_contract_says_so(probe: Probe) -> None:
    request = Request(account_id="acc_somebody")
    await probe.call("ReadOwn", request, probe.customer("admin"))
    with pytest.raises(NotFound, match="NOT_FOUND"):
        await probe.call("ReadOwnAlone", request, probe.customer("customer", "admin"))


async def test_a_service_acts_for_an_account_only_within_that_accounts_rights(probe: Probe) -> None:
    owner, stranger = probe.customer(), probe.customer()
    request = Request(account_id=owner.account_id)
    await probe.call("ReadInside", request, caller="booking")
    await probe.call("ReadInside", request, owner, caller="booking")
    with pytest.raises(NotFound, match="NOT_FOUND"):
        await probe.call("ReadInside", request, stranger, caller="booking")


async def test_a_required_key_is_required_and_an_optional_one_is_not(probe: Probe) -> None:
    with pytest.raises(InvalidInput, match="IDEMPOTENCY_KEY_REQUIRED"):
        await probe.call("WriteWithKey", None, probe.customer())
    await probe.call("WriteMaybeWithKey", caller="booking")


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 129, "ключ".encode().hex() + "$", "a/b"])
async def test_a_malformed_key_is_refused(key: str, probe: Probe) -> None:
    for method, account, caller in (("WriteWithKey", probe.customer(), "gateway"), ("WriteMaybeWithKey", None, "booking")):
        with pytest.raises(InvalidInput, match="IDEMPOTENCY_KEY_INVALID"):
            await probe.call(method, None, account, caller=caller, headers=[("idempotency-key", key)])
    assert not probe.servicer.calls


async def test_a_key_of_128_characters_is_taken(probe: Probe) -> None:
    await probe.call("WriteWithKey", None, probe.customer(), headers=[("idempotency-key", "aZ0_.:-" + "k" * 121)])
