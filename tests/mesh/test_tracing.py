"""Which trace work belongs to, by the headers that arrive and in the contexts that tasks run in."""

import asyncio
import re

import pytest

from mesh.tracing import Trace, current_trace, enter_trace, find_trace, new_trace, read_traceparent

TRACE = Trace("ab" * 16, "cd" * 8)


def test_a_trace_that_is_handed_on_arrives() -> None:
    assert TRACE.traceparent == f"00-{'ab' * 16}-{'cd' * 8}-01"
    assert read_traceparent(TRACE.traceparent) == TRACE
    assert not read_traceparent(TRACE.traceparent).is_new


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TRACE.traceparent.encode(),
        TRACE.traceparent.upper(),
        f"{TRACE.traceparent}\n",
        f" {TRACE.traceparent}",
        f"{TRACE.traceparent}-00",
        f"01{TRACE.traceparent[2:]}",
        f"00-{'0' * 32}-{'cd' * 8}-01",
        f"00-{'ab' * 16}-{'0' * 16}-01",
        f"00-{'ab' * 15}-{'cd' * 8}-01",
        f"00-{'ab' * 16}-{'cd' * 8}-0",
        f"00-{'٣' * 32}-{'cd' * 8}-01",
    ],
)
def test_a_header_that_is_absent_or_malformed_begins_a_new_trace(header: str | bytes | None) -> None:
    found = read_traceparent(header)
    assert found.is_new
    assert found.trace_id != TRACE.trace_id
    assert read_traceparent(found.traceparent) == found


def test_new_traces_have_ids_that_nobody_else_has() -> None:
    traces = [new_trace() for _ in range(1000)]
    assert len({trace.trace_id for trace in traces}) == len({trace.span_id for trace in traces}) == 1000
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace.traceparent) for trace in traces)


async def test_work_without_a_trace_gets_one_and_keeps_it() -> None:
    assert find_trace() is None
    trace = current_trace()
    assert current_trace() is find_trace() is trace


async def test_a_task_has_the_trace_of_the_work_that_began_it_and_changes_only_its_own() -> None:
    enter_trace(TRACE)

    async def work() -> tuple[Trace | None, Trace]:
        before = find_trace()
        enter_trace(new_trace())
        return before, current_trace()

    before, inside = await asyncio.create_task(work())
    assert before is TRACE
    assert inside != TRACE
    assert find_trace() is TRACE


@pytest.mark.parametrize("header", [None, "malformed"])
def test_without_a_trace_of_the_clients_own_the_edges_request_id_is_the_trace(header: str | None) -> None:
    found = read_traceparent(header, "0af76519-16cd-93dd-8448-eb211c80319c")
    assert (found.trace_id, found.is_new) == ("0af7651916cd93dd8448eb211c80319c", True)
    assert read_traceparent(TRACE.traceparent, "0af76519-16cd-93dd-8448-eb211c80319c") == TRACE


@pytest.mark.parametrize(
    "request_id", ["", "chosen", "00000000-0000-0000-0000-000000000000", "0AF76519-16CD-93DD-8448-EB211C80319C"]
)
def test_a_request_id_that_is_no_trace_id_is_not_taken_for_one(request_id: str) -> None:
    assert read_traceparent(None, request_id).trace_id not in (request_id.replace("-", ""), "")
