"""What a collector sees: one call, its stores, its event and the event's effects in one trace, and nothing that is private."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from mesh.call import Account
from mesh.ids import new_id
from mesh.tracing import Trace, new_trace
from tests.mesh import living
from tests.mesh.collector import Collector, Span, collecting
from tests.mesh.probe import Request, Stub, World, bearer
from tests.mesh.processes import Process, environment_of
from tests.mesh.processes import living as process_of
from tests.mesh.waiting import until
from tests.support.infrastructure import Running

PRIVATE = "ada.lovelace@example.com s3cret"
"""What stands in requests, values, keys, queries, events and exceptions."""
WRITE = "marketplace.probe.v1.ProbeService/Write"
SEND, PROCESS = "send marketplace.probe.v1", "process marketplace.probe.v1"


@dataclass(frozen=True)
class Mesh:
    """A publisher and a listener as processes, and where they send their spans."""

    collector: Collector
    probe: Process
    listener: Process

    def spans(self, trace: Trace) -> list[Span]:
        return [span for span in self.collector.spans if span.trace_id == trace.trace_id]

    async def all_spans(self, trace: Trace, attempts: int = 1) -> list[Span]:
        """All spans of a trace whose event takes effect at this attempt."""
        await until(lambda: [span.name for span in self.spans(trace)].count(PROCESS) == attempts, what="the event is handled")
        await until(lambda: any(span.name == WRITE for span in self.spans(trace)), what="the call has ended")
        return self.spans(trace)


@dataclass(frozen=True)
class Caller:
    """Somebody with a trace of their own."""

    stub: Any
    account: Account

    async def write(self, number: int = living.HARMLESS, trace: Trace | None = None) -> tuple[str, str]:
        """One call. Returns its code and the id of its trace."""
        headers = [*bearer(self.account.token), *([("traceparent", trace.traceparent)] if trace else [])]
        call = self.stub.Write(Request(text=PRIVATE, number=number), metadata=headers, timeout=10)
        code, trailing = await call.code(), await call.trailing_metadata()
        return code.name, dict(trailing)["x-trace-id"]


@pytest.fixture(scope="module")
def mesh(
    world: World,
    database_server: Running,
    cache_server: Running,
    broker_server: Running,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mesh]:
    """Lives as long as these tests: a process takes two seconds to start."""
    folder = tmp_path_factory.mktemp("traces")
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        variables = {
            "MONGO_URL": database_server.url,
            "MONGO_DATABASE_PREFIX": f"{new_id('t')}_",
            "REDIS_URL": cache_server.url,
            "KAFKA_BOOTSTRAP": broker_server.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.endpoint}/",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "LOG_LEVEL": "debug",
        }
        probe, listener = [
            stack.enter_context(process_of(name, folder, environment_of(world, name, **variables)))
            for name in ("probe", "listener")
        ]
        yield Mesh(collector, probe, listener)


@pytest.fixture
async def caller(world: World, mesh: Mesh) -> AsyncIterator[Caller]:
    certificate = world.certificate("gateway")
    files = (certificate.ca_file, certificate.key_file, certificate.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [("grpc.ssl_target_name_override", "probe")]
    async with grpc.aio.secure_channel(await mesh.probe.address(), credentials, options) as channel:
        yield Caller(Stub(channel), world.signer.account("customer"))


async def test_a_call_its_stores_its_event_and_its_effects_are_one_trace(mesh: Mesh, caller: Caller) -> None:
    trace = Trace("ab" * 16, "cd" * 8)
    assert await caller.write(trace=trace) == ("OK", trace.trace_id)
    spans = await mesh.all_spans(trace)
    call = one(spans, WRITE)
    assert (call.service, call.kind, call.parent_id) == ("probe", "SERVER", trace.span_id)
    below_call = {(span.kind, span.name.rpartition("_probe.")[2]) for span in children(spans, call)}
    assert below_call >= {("CLIENT", "SET"), ("CLIENT", "insert"), ("CLIENT", "admin.commitTransaction"), ("PRODUCER", SEND)}
    sending = one(spans, SEND)
    assert (sending.service, [span.name for span in children(spans, sending)]) == ("probe", [PROCESS])
    handling = one(spans, PROCESS)
    assert (handling.service, handling.kind) == ("listener", "CONSUMER")
    assert {span.attributes["db.mongodb.collection"] for span in children(spans, handling) if "insert" in span.name} == {
        "inbox",
        "things",
    }
    known = {span.span_id for span in spans} | {trace.span_id}
    assert {span.parent_id for span in spans} <= known
    assert not any(span.has_failed for span in spans)


async def test_spans_are_named_by_the_semantic_conventions(mesh: Mesh, caller: Caller) -> None:
    trace = new_trace()
    await caller.write(trace=trace)
    spans = await mesh.all_spans(trace)
    sent, handled = one(spans, SEND).attributes, one(spans, PROCESS).attributes
    messaging = {"messaging.system": "kafka", "messaging.destination.name": "marketplace.probe.v1"}
    assert (messaging | {"messaging.operation.type": "send", "messaging.operation.name": "send"}).items() <= sent.items()
    assert sent["messaging.message.id"].startswith("evt_")
    assert int(sent["messaging.destination.partition.id"]) in range(3)
    assert (messaging | {"messaging.operation.type": "process", "mesh.handler": "note"}).items() <= handled.items()
    assert handled["messaging.consumer.group.name"] == "listener"
    assert one(spans, WRITE).attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": WRITE,
        "rpc.response.status_code": "OK",
    }


async def test_a_call_that_brings_no_trace_begins_one_under_which_its_process_logs(mesh: Mesh, caller: Caller) -> None:
    _, trace_id = await caller.write()
    spans = await mesh.all_spans(Trace(trace_id, ""))
    assert [span.name for span in spans if not span.parent_id] == [WRITE]
    for process, event in ((mesh.probe, "call served"), (mesh.listener, "event handled")):
        await until(lambda: any(line["trace_id"] == trace_id for line in process.logged(event)), what=event)  # noqa: B023


async def test_a_line_of_a_call_carries_its_account(mesh: Mesh, caller: Caller) -> None:
    _, trace_id = await caller.write()
    line = next(line for line in mesh.probe.logged("call served") if line["trace_id"] == trace_id)
    assert (line["account_id"], line["service"], line["code"]) == (caller.account.account_id, "probe", "OK")


async def test_an_attempt_that_fails_has_a_span_of_its_own(mesh: Mesh, caller: Caller) -> None:
    trace = new_trace()
    await caller.write(living.TWICE, trace)
    attempts = [span for span in await mesh.all_spans(trace, attempts=2) if span.name == PROCESS]
    assert [span.has_failed for span in attempts] == [True, False]
    assert attempts[0].attributes["error.type"] == "RuntimeError"
    assert attempts[0].parent_id == attempts[1].parent_id


async def test_a_refusal_is_the_callers_failure_and_not_the_servers(mesh: Mesh, caller: Caller) -> None:
    refused, failed = new_trace(), new_trace()
    assert (await caller.write(99, refused))[0] == "INVALID_ARGUMENT"
    assert (await caller.write(living.FAILURE, failed))[0] == "INTERNAL"
    await until(lambda: bool(mesh.spans(refused)) and any(span.name == WRITE for span in mesh.spans(failed)))
    assert [(span.has_failed, span.attributes["rpc.response.status_code"]) for span in mesh.spans(refused)] == [
        (False, "INVALID_ARGUMENT")
    ]
    assert one(mesh.spans(failed), WRITE).attributes["error.type"] == "INTERNAL"
    assert one(mesh.spans(failed), WRITE).has_failed


async def test_no_value_and_no_exceptions_text_leaves_in_a_span_or_a_line(mesh: Mesh, caller: Caller) -> None:
    for number in (living.UNKNOWN_COMMAND, living.UNKNOWN_STAGE, living.FAILURE, living.LIBRARY, living.TWICE):
        trace = new_trace()
        await caller.write(number, trace)
        await mesh.all_spans(trace, attempts=2 if number == living.TWICE else 1)
    failures = {span.name.rpartition("_probe.")[2] for span in mesh.collector.spans if span.has_failed}
    assert failures == {"NONSENSE", "aggregate", WRITE, PROCESS}
    assert len(mesh.probe.logged("call failed")) >= 3
    assert {line["event"] for line in mesh.probe.logged_by("library")} == {
        "sent to %s",
        "nearly an error %(text)s",
        "it failed",
        "RuntimeError",
    }
    for said in (*mesh.collector.requests, mesh.probe.said.encode(), mesh.listener.said.encode()):
        for part in (PRIVATE, *PRIVATE.split(), caller.account.token):
            assert part.encode() not in said


async def test_what_processes_ask_their_stores_on_their_own_is_not_traced(mesh: Mesh, caller: Caller) -> None:
    await mesh.all_spans(Trace((await caller.write())[1], ""))
    assert {span.name for span in mesh.collector.spans if not span.parent_id} == {WRITE}


def one(spans: list[Span], name: str) -> Span:
    """The only span of this name."""
    (found,) = [span for span in spans if span.name == name]
    return found


def children(spans: list[Span], parent: Span) -> list[Span]:
    return [span for span in spans if span.parent_id == parent.span_id]
