"""What leaves when something goes wrong: typed errors with their details, and never the text of anything unexpected."""

from collections.abc import AsyncGenerator

import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from mesh import errors
from mesh.call import current_call
from mesh.errors import MeshError, NotFound
from mesh.status_details import CODES, STATUS_DETAILS_KEY
from tests.mesh.conftest import Logged
from tests.mesh.probe import Probe, Request, bearer, read_all

CANARY = "mongodb://root:canary-7261@10.0.0.1"


async def failure_of(probe: Probe, name: str = "Read") -> grpc.aio.AioRpcError:
    headers = [*bearer(probe.customer().token), ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01")]
    call = getattr(probe.stub(), name)(Request(text="personal canary-7261"), metadata=headers, timeout=5)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (read_all(call) if name == "Watch" else call)
    return failed.value


def fail_with(probe: Probe, error: Exception) -> None:
    async def fail(_request: object) -> object:
        raise error

    async def fail_later(request: object) -> AsyncGenerator[object]:
        yield await fail(request)

    probe.servicer.behaviour, probe.servicer.streaming = fail, fail_later


@pytest.mark.parametrize("kind, code", CODES.items())
async def test_every_kind_has_its_status_and_its_details_name_reason_and_domain(
    kind: type[MeshError], code: grpc.StatusCode, probe: Probe
) -> None:
    fail_with(probe, kind("SOME_REASON", "One sentence.", {"limit": "3"}, retry_after_seconds=2))
    failed = await failure_of(probe)
    trailers = dict(failed.trailing_metadata() or ())
    status = Status.FromString(trailers[STATUS_DETAILS_KEY])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (failed.code(), failed.details(), status.message) == (code, "One sentence.", "One sentence.")
    assert (info.reason, info.domain, dict(info.metadata)) == ("SOME_REASON", "probe.marketplace", {"limit": "3"})
    assert retry.retry_delay.ToMilliseconds() == 2000
    assert trailers["x-trace-id"] == "a" * 32


async def test_a_reason_of_the_mesh_is_told_as_the_meshs_and_a_peers_as_the_peers(probe: Probe) -> None:
    for error, domain in (
        (errors.Conflict("STALE_VERSION", "Read it again."), "mesh.marketplace"),
        (NotFound("BOOKING_NOT_FOUND", "There is none.", domain="booking.marketplace"), "booking.marketplace"),
        (NotFound("OWN_REASON", "There is none."), "probe.marketplace"),
    ):
        fail_with(probe, error)
        details = dict((await failure_of(probe)).trailing_metadata() or ())[STATUS_DETAILS_KEY]
        info = error_details_pb2.ErrorInfo()
        Status.FromString(details).details[0].Unpack(info)
        assert info.domain == domain


@pytest.mark.parametrize("method", ["Read", "Watch"])
async def test_the_text_of_an_unexpected_exception_reaches_neither_status_nor_trailers_nor_logs(
    method: str, probe: Probe, logged: Logged
) -> None:
    error = RuntimeError(CANARY)
    error.__cause__ = ValueError(CANARY, {"password": CANARY})
    error.add_note(CANARY)
    fail_with(probe, error)
    failed = await failure_of(probe, method)
    assert failed.code() == grpc.StatusCode.INTERNAL
    told = f"{failed.details()} {failed.trailing_metadata()} {failed.initial_metadata()} {failed.debug_error_string()}"
    assert "canary" not in told
    assert "a" * 32 in told
    [line] = logged.named("call failed")
    assert (line["exception"], line["trace_id"]) == ("RuntimeError from ValueError", "a" * 32)
    assert any("test_errors.py" in frame for frame in line["frames"])
    assert "canary" not in logged.text


@pytest.mark.parametrize("code", [grpc.StatusCode.OK, grpc.StatusCode.INTERNAL])
async def test_neither_token_nor_request_nor_metadata_is_logged(code: grpc.StatusCode, probe: Probe, logged: Logged) -> None:
    account = probe.customer()
    if code == grpc.StatusCode.INTERNAL:
        fail_with(probe, RuntimeError())
    call = probe.stub().Write(
        Request(text="canary-7261"), metadata=[*bearer(account.token), ("x-note", "canary-7261")], timeout=5
    )
    assert await call.code() == code
    assert "canary" not in logged.text
    assert account.token not in logged.text
    [line] = logged.named("call served")
    assert (line["code"], line["caller"], line["account_id"]) == (code.name, "gateway", account.account_id)


async def test_what_libraries_log_comes_out_without_the_values_put_into_it(logged: Logged) -> None:
    import logging

    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        logging.getLogger("library").exception("cannot reach %s", CANARY)
    [line] = logged.lines
    assert (line["event"], line["logger"], line["exception"]) == ("cannot reach %s", "library", "RuntimeError")
    assert "canary" not in logged.text


async def test_a_servicer_that_aborts_by_itself_is_heard(probe: Probe, logged: Logged) -> None:
    async def abort(_request: object) -> None:
        await current_call().context.abort(grpc.StatusCode.DATA_LOSS, "Said by the servicer.")

    probe.servicer.behaviour = abort
    failed = await failure_of(probe)
    assert (failed.code(), failed.details()) == (grpc.StatusCode.DATA_LOSS, "Said by the servicer.")
    assert [line["code"] for line in logged.named("call served")] == ["DATA_LOSS"]


async def test_every_answer_tells_its_trace(probe: Probe) -> None:
    call = probe.stub().Greet(Request(), metadata=[("traceparent", f"00-{'c' * 32}-{'b' * 16}-01")], timeout=5)
    await call
    assert dict(await call.trailing_metadata())["x-trace-id"] == "c" * 32


@pytest.mark.parametrize("header", ["", "00-0-0-01", f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'A' * 32}-{'b' * 16}-01", "x" * 300])
async def test_a_malformed_trace_is_replaced_by_a_new_one(header: str, probe: Probe) -> None:
    call = probe.stub().Greet(Request(), metadata=[("traceparent", header)], timeout=5)
    await call
    trace_id = str(dict(await call.trailing_metadata())["x-trace-id"])
    assert len(trace_id) == 32
    assert trace_id not in header
