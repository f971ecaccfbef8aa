"""The outermost link: opens the call and its trace, and sees how it ends: metrics, a log line, a span if traces are exported."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter

import structlog
from prometheus_client import Histogram

from mesh import telemetry
from mesh.call import Call, Context, enter_call
from mesh.contract import MethodContract
from mesh.interceptors.errors import TRACE_HEADER
from mesh.interceptors.link import Receive
from mesh.tracing import enter_trace, read_traceparent

CALL_SECONDS = Histogram(
    "mesh_call_seconds",
    "Calls served: how many (_count) and how long they took, by method and by the status that the caller got.",
    ("method", "code"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

Entry = Callable[[bytes, Context], Awaitable[bytes | None]]
"""What gRPC itself calls."""

_log = structlog.get_logger()


def telemetry_link(method: MethodContract, proceed: Receive) -> Entry:
    """Makes the Call that all other links fill and read, and records its end."""
    record = _make_recorder(method)

    async def serve(request: bytes, call: Call) -> bytes | None:
        started = perf_counter()
        enter_call(call)
        call.context.set_trailing_metadata(((TRACE_HEADER, call.trace.trace_id),))
        try:
            return await proceed(request, call)
        except asyncio.CancelledError:
            call.code = "CANCELLED"
            raise
        finally:
            record(call, perf_counter() - started)

    async def observe(request: bytes, context: Context) -> bytes | None:
        metadata = dict(context.invocation_metadata() or ())
        trace = read_traceparent(metadata.get("traceparent"), metadata.get("x-request-id"))
        enter_trace(trace)
        return await serve(request, Call(method, context, metadata, trace))

    async def observe_with_span(request: bytes, context: Context) -> bytes | None:
        metadata = dict(context.invocation_metadata() or ())
        with telemetry.server_span(
            method.path, read_traceparent(metadata.get("traceparent"), metadata.get("x-request-id"))
        ) as trace:
            call = Call(method, context, metadata, trace)
            try:
                return await serve(request, call)
            finally:
                telemetry.note_status(call.code)

    return observe_with_span if telemetry.is_exporting() else observe


def _make_recorder(method: MethodContract) -> Callable[[Call, float], None]:
    observers: dict[str, Callable[[float], None]] = {}
    is_debugging = _log.is_enabled_for(logging.DEBUG)  # asked once: to put together a line that nobody reads costs 10 us

    def record(call: Call, seconds: float) -> None:
        observe = observers.get(call.code)
        if observe is None:
            observe = observers[call.code] = CALL_SECONDS.labels(method.path, call.code).observe
        observe(seconds)
        if method.has_side_effects or call.code != "OK":
            _log_end(_log.info, call, seconds)
        elif is_debugging:
            _log_end(_log.debug, call, seconds)

    return record


def _log_end(log: Callable[..., object], call: Call, seconds: float) -> None:
    log(
        "call served",
        method=call.method.path,
        code=call.code,
        reason=call.reason,
        ms=round(seconds * 1000, 1),
        caller=call.caller,
    )
