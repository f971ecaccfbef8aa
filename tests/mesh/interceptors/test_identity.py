"""Who calls, on the wire: certificates and tokens, good and forged, on a real server."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from mesh.errors import Forbidden, Unauthenticated
from mesh.local.certificates import Authority
from tests.mesh.probe import Probe, Request, Stub, bearer
from tests.mesh.test_tokens import forge
from tests.support.identities import KEY_ID, TokenSigner


async def refusal(channel: grpc.aio.Channel) -> grpc.StatusCode:
    """How a call of a public method ends when the connection itself is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Stub(channel).Greet(Request(), timeout=5)
    return refused.value.code()


async def test_nobody_without_a_certificate_is_heard(probe: Probe) -> None:
    ca = probe.world.certificate("gateway").ca_file.read_bytes()
    options = [("grpc.ssl_target_name_override", "probe")]
    async with grpc.aio.secure_channel(probe.address, grpc.ssl_channel_credentials(ca), options) as channel:
        assert await refusal(channel) == grpc.StatusCode.UNAVAILABLE
    async with grpc.aio.insecure_channel(probe.address) as channel:
        assert await refusal(channel) == grpc.StatusCode.UNAVAILABLE
    assert not probe.servicer.calls


async def test_a_certificate_of_another_authority_is_refused_though_it_names_the_gateway(probe: Probe, tmp_path: Path) -> None:
    foreign = Authority(tmp_path).issue("gateway")
    mixed = dataclasses.replace(foreign, ca_file=probe.world.certificate("gateway").ca_file)  # it trusts the server
    assert await refusal(probe.channel(mixed)) == grpc.StatusCode.UNAVAILABLE
    assert not probe.servicer.calls


async def test_an_expired_certificate_is_refused(probe: Probe, tmp_path: Path) -> None:
    authority = probe.world.authority
    issued = authority.issue("late", lifetime=timedelta(seconds=-1))
    assert await refusal(probe.channel(issued)) == grpc.StatusCode.UNAVAILABLE
    assert not probe.servicer.calls


async def test_a_client_does_not_talk_to_a_server_with_another_services_certificate(probe: Probe) -> None:
    certificate = probe.world.certificate("gateway")
    credentials = grpc.ssl_channel_credentials(
        certificate.ca_file.read_bytes(), certificate.key_file.read_bytes(), certificate.certificate_file.read_bytes()
    )
    options = [("grpc.ssl_target_name_override", "payment")]
    async with grpc.aio.secure_channel(probe.address, credentials, options) as channel:
        assert await refusal(channel) == grpc.StatusCode.UNAVAILABLE


async def test_the_calling_service_is_the_one_that_its_certificate_names_whatever_its_headers_say(probe: Probe) -> None:
    headers = [("x-service", "booking"), ("x-forwarded-client-cert", "URI=spiffe://marketplace/booking")]
    with pytest.raises(Forbidden, match="CALLER_NOT_ALLOWED") as refused:
        await probe.call("ReadInside", caller="chat", headers=headers)
    assert refused.value.metadata == {"caller": "chat"}
    await probe.call("ReadInside", caller="booking")
    assert probe.servicer.call.caller == "booking"


@pytest.mark.parametrize("name", ["gateway.attacker", "Gateway", "gatewayx"])
async def test_a_certificate_that_names_no_caller_of_the_contract_may_call_nothing(name: str, probe: Probe) -> None:
    with pytest.raises(Forbidden, match="CALLER_NOT_ALLOWED"):
        await probe.call("Greet", caller=name)
    assert not probe.servicer.calls


async def test_the_account_is_the_one_that_the_token_names_whatever_the_headers_say(probe: Probe) -> None:
    account = probe.customer()
    await probe.call("Read", account=account, headers=[("x-user-id", "acc_victim"), ("x-roles", "admin")])
    assert probe.servicer.call.account == account


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_name_of_the_scheme_is_read_in_any_case(scheme: str, probe: Probe) -> None:
    await probe.call("Read", headers=[("authorization", f"{scheme} {probe.customer().token}")])
    assert probe.servicer.calls


FORGED = {
    "signed by somebody else": TokenSigner().sign(roles=["customer"]),
    "unsigned": forge({"alg": "none", "kid": KEY_ID}, None),
    "signed with a shared secret": forge({"alg": "HS256", "kid": KEY_ID}, b"secret"),
    "no token at all": "x",
    "empty": "",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("method", ["Read", "Write", "ReadOwn"])
async def test_a_forged_token_is_refused_before_anything_is_done(method: str, token: str, probe: Probe) -> None:
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await probe.call(method, headers=bearer(token))
    assert not probe.servicer.calls


async def test_a_forged_token_is_refused_where_a_service_might_have_called_without_one(probe: Probe) -> None:
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await probe.call("ReadInside", caller="booking", headers=bearer(FORGED["signed by somebody else"]))
    assert not probe.servicer.calls


@pytest.mark.parametrize("header", [("authorization", "Basic YTpi"), ("authorization", "Bearer"), ("access_token", "{}")])
async def test_what_is_no_bearer_token_counts_as_none(header: tuple[str, str], probe: Probe) -> None:
    value = header[1].format(probe.customer().token)
    with pytest.raises(Unauthenticated, match="TOKEN_MISSING"):
        await probe.call("Read", headers=[(header[0], value)])


async def test_a_public_method_neither_needs_nor_looks_at_a_token(probe: Probe) -> None:
    await probe.call("Greet", headers=bearer(FORGED["signed by somebody else"]))
    assert probe.servicer.call.account is None


async def test_one_token_among_several_is_not_chosen_by_the_caller(probe: Probe) -> None:
    good, forged = bearer(probe.customer().token), bearer(FORGED["unsigned"])
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await probe.call("Read", headers=[*good, *forged])


async def test_health_needs_a_certificate_too(probe: Probe) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub: Any = health_pb2_grpc.HealthStub(probe.channel("gateway"))
    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    async with grpc.aio.insecure_channel(probe.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
