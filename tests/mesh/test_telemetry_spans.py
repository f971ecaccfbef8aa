"""Spans as they are made: where they begin, whose children they are, and when they have failed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mesh import exporting, telemetry
from mesh.errors import NotFound
from mesh.events.broker import Sent
from mesh.events.outbox import OutboxRow
from mesh.events.spans import Sending, processing
from mesh.periodic import Wake, run_periodically
from mesh.telemetry import client_span, note_status, server_span, span
from mesh.tracing import Trace, current_trace, enter_trace, find_trace, new_trace
from tests.mesh.conftest import Logged
from tests.mesh.waiting import until

PATH = "/marketplace.probe.v1.ProbeService/Read"
TRACE = Trace("ab" * 16, "cd" * 8)


class SeenBefore(Exception):
    """The event has taken effect."""


class Made:
    """The spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def only(self) -> ReadableSpan:
        (made,) = self.spans
        return made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Makes spans as production does, into memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=exporting._RunningTrace(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_provider", provider)
    yield Made(exporter)
    provider.shutdown()


def ids(made: ReadableSpan) -> Trace:
    context = made.get_span_context()
    assert context is not None
    return Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}")


def parent_of(made: ReadableSpan) -> Trace | None:
    return None if made.parent is None else Trace(f"{made.parent.trace_id:032x}", f"{made.parent.span_id:016x}")


def error_of(made: ReadableSpan) -> object:
    assert not made.events
    assert not made.status.description
    assert made.status.is_ok is ("error.type" not in (made.attributes or {}))
    return (made.attributes or {}).get("error.type")


async def test_a_span_is_a_child_of_its_parent_and_current_inside(made: Made) -> None:
    enter_trace(other := new_trace())
    with span("work", "internal", TRACE, {"a": "b"}) as inside:
        assert current_trace() is inside
    assert find_trace() is other
    assert (ids(made.only), parent_of(made.only)) == (inside, TRACE)
    assert (made.only.name, dict(made.only.attributes or {}), error_of(made.only)) == ("work", {"a": "b"}, None)


async def test_the_first_span_of_a_new_trace_has_no_parent_and_the_ids_under_which_its_work_logs(made: Made) -> None:
    enter_trace(trace := new_trace())
    with span("work", "internal") as inside, client_span(PATH):
        assert inside.trace_id == trace.trace_id
    inner, outer = made.spans
    assert parent_of(outer) is None
    assert parent_of(inner) == ids(outer) == inside
    assert inner.name == PATH[1:]


async def test_work_at_the_same_time_does_not_mix_its_traces(made: Made) -> None:
    async def work(trace: Trace) -> None:
        with span("outer", "internal", trace):
            await asyncio.sleep(0)
            with span("inner", "internal"):
                await asyncio.sleep(0)

    traces = [Trace(f"{number:032x}", f"{number:016x}") for number in range(1, 20)]
    await asyncio.gather(*(work(trace) for trace in traces))
    outer = {ids(each).trace_id: ids(each) for each in made.spans if each.name == "outer"}
    inner = {ids(each).trace_id: parent_of(each) for each in made.spans if each.name == "inner"}
    assert inner == outer
    assert set(outer) == {trace.trace_id for trace in traces}


async def test_a_failure_shows_its_kind_and_not_its_text(made: Made) -> None:
    with pytest.raises(NotFound), client_span(PATH):
        raise NotFound("PROBE_NOT_FOUND", "a secret")
    assert error_of(made.only) == "NotFound"


@pytest.mark.parametrize(
    "code, is_failure",
    [("OK", False), ("NOT_FOUND", False), ("CANCELLED", False), ("INTERNAL", True), ("UNAVAILABLE", True)],
)
async def test_a_call_being_served_has_failed_when_the_server_has(made: Made, code: str, is_failure: bool) -> None:
    def abort() -> None:  # as gRPC does
        note_status(code)
        raise RuntimeError

    with pytest.raises(RuntimeError), server_span(PATH, TRACE):
        abort()
    assert error_of(made.only) == (code if is_failure else None)
    assert (made.only.attributes or {})["rpc.response.status_code"] == code


async def test_a_run_of_periodic_work_begins_the_trace_of_what_it_calls(made: Made, logged: Logged) -> None:
    wake = Wake()

    async def work() -> None:
        with client_span(PATH):
            pass
        raise RuntimeError("a secret")

    task = asyncio.create_task(run_periodically("sweep", 1000, work, wake))
    await until(lambda: bool(logged.named("periodic work failed")))
    task.cancel()
    await asyncio.wait({task})
    call, run = made.spans
    assert (run.name, parent_of(run), error_of(run)) == ("sweep", None, "RuntimeError")
    assert parent_of(call) == ids(run)
    assert logged.named("periodic work failed")[0]["trace_id"] == ids(run).trace_id


async def test_periodic_work_that_is_stopped_has_not_failed(made: Made) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await never.wait()

    task = asyncio.create_task(run_periodically("sweep", 1000, work, Wake()))
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    assert error_of(made.only) is None


def rows(*traces: Trace | None) -> list[OutboxRow]:
    return [
        OutboxRow(id=f"evt_{number}", topic="topic", traceparent=trace and trace.traceparent)
        for number, trace in enumerate(traces)
    ]


async def test_each_sending_hands_on_its_own_trace_and_says_where_the_record_lies(made: Made) -> None:
    other = new_trace()
    with Sending(rows(TRACE, other)) as sending:
        assert find_trace() is None
        sending.sent = [Sent(1, 7), Sent(2, 0)]
    assert [ids(each).traceparent for each in made.spans] == sending.traceparents
    assert [parent_of(each) for each in made.spans] == [TRACE, other]
    assert [places(each) for each in made.spans] == [("1", 7), ("2", 0)]
    assert [error_of(each) for each in made.spans] == [None, None]


def places(made: ReadableSpan) -> tuple[Any, Any]:
    attributes = made.attributes or {}
    return attributes["messaging.destination.partition.id"], attributes["messaging.kafka.offset"]


async def test_what_was_not_acknowledged_has_failed(made: Made) -> None:
    with Sending(rows(TRACE, TRACE)) as sending:
        sending.sent = [Sent(1, 7), None]
    assert [error_of(each) for each in made.spans] == [None, "not acknowledged"]


async def test_what_was_not_sent_has_failed_with_the_kind_of_the_failure(made: Made) -> None:
    with pytest.raises(OSError, match="secret"), Sending(rows(TRACE, None)):
        raise OSError("a secret")
    assert [error_of(each) for each in made.spans] == ["OSError", "OSError"]


async def test_without_a_collector_the_record_carries_the_trace_that_published_it() -> None:
    with Sending(rows(TRACE, None)) as sending:
        sending.sent = [Sent(0, 0), Sent(0, 1)]
    assert sending.traceparents == [TRACE.traceparent, ""]
    with processing("topic", "group", "handler", TRACE.traceparent, SeenBefore) as nothing:
        assert nothing is None


async def test_that_an_event_was_seen_before_is_no_failure(made: Made) -> None:
    for error in (SeenBefore, KeyError):
        with pytest.raises(error), processing("topic", "group", "handler", TRACE.traceparent, SeenBefore):
            raise error
    assert [error_of(each) for each in made.spans] == [None, "KeyError"]
    assert [parent_of(each) for each in made.spans] == [TRACE, TRACE]
