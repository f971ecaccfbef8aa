"""Logs, metrics and traces of a process: set up here once, used everywhere. No personal data and no exception's text goes out."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any

import prometheus_client
import structlog

from mesh.call import find_call
from mesh.tracing import Trace, current_trace, enter_trace, find_trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FRAMES_LOGGED = 30
_SERVER_FAILURES = frozenset(("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"))

_provider: "TracerProvider | None" = None


def configure_logs(service: str, level: str) -> None:
    """Writes one JSON object a line to standard output, each with the trace and the account that it belongs to."""

    def add_context(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        call = find_call()
        if call is not None and call.account is not None:
            event["account_id"] = call.account.account_id
        trace = find_trace()
        if trace is not None:
            event["trace_id"] = trace.trace_id
        return event

    structlog.configure(
        processors=[
            add_context,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _describe_exception,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_LibraryHandler()], level=logging.WARNING, force=True)


def start_metrics(listen: str) -> None:
    """Serves /metrics in the Prometheus text format, on a thread of its own. Raises OSError when the address is taken."""
    host, _, port = listen.rpartition(":")
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each one, which nobody reads
    try:
        prometheus_client.start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        raise OSError(f"{listen} cannot be listened on: {error.strerror}") from None


def start_exporting(service: str, endpoint: str) -> None:
    """Sends spans of calls, events, MongoDB and Redis commands to an OTLP collector, e.g. http://collector:4318."""
    # Imported only here: the SDK costs 20 MB and half a second, which a process that exports nothing need not pay.
    from mesh.exporting import make_provider

    global _provider  # noqa: PLW0603 - a process exports to one collector
    _provider = make_provider(service, endpoint)


def stop_exporting() -> None:
    """Sends what is not sent yet; blocks up to some seconds."""
    global _provider  # noqa: PLW0603 - see start_exporting
    if _provider is not None:
        _provider.shutdown()
        _provider = None


def is_exporting() -> bool:
    """Whether spans are made at all; without it only the ids travel."""
    return _provider is not None


@contextmanager
def span(
    name: str,
    kind: str,
    parent: Trace | None = None,
    attributes: Mapping[str, str] | None = None,
    expected: tuple[type[BaseException], ...] = (),
) -> Iterator[Trace]:
    """Makes the work inside a span of the parent's trace (the running one's when absent), and its trace the current one.

    kind: "server", "client", "producer", "consumer" or "internal". Work that ends with an expected exception has not failed.
    Without an exporter the parent itself is made current.
    """
    before, trace = find_trace(), parent or current_trace()
    enter_trace(trace)
    try:
        if _provider is None:
            yield trace
        else:
            with _recorded(begin_span(name, kind, trace, attributes), expected) as own:
                yield own
    finally:
        enter_trace(before or trace)


def begin_span(name: str, kind: str, parent: Trace, attributes: Mapping[str, str] | None = None) -> "Span":
    """A span that is not made current, to be ended by who began it. Raises RuntimeError unless is_exporting()."""
    from opentelemetry import context, trace

    if _provider is None:
        raise RuntimeError("nothing is exported")
    linked = context.Context()
    if not parent.is_new:
        ids = trace.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, trace.TraceFlags(1))
        linked = trace.set_span_in_context(trace.NonRecordingSpan(ids), linked)
    return _provider.get_tracer("mesh").start_span(name, linked, trace.SpanKind[kind.upper()], attributes)


def trace_of(own: "Span") -> Trace:
    """What the span's children name as their parent."""
    context = own.get_span_context()
    return Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}")


def fail_span(own: "Span", kind: str) -> None:
    """Marks the span as failed. Never takes an exception's text."""
    from opentelemetry.trace import StatusCode

    own.set_attribute("error.type", kind)
    own.set_status(StatusCode.ERROR)


@contextmanager
def _recorded(own: "Span", expected: tuple[type[BaseException], ...]) -> Iterator[Trace]:
    from opentelemetry.trace import use_span

    with use_span(own, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        inside = trace_of(own)
        enter_trace(inside)
        try:
            yield inside
        except expected:
            raise
        except BaseException as error:
            fail_span(own, type(error).__name__)
            raise


def client_span(path: str) -> AbstractContextManager[Trace | None]:
    """The span of a call to a peer; costs nothing when nothing is exported."""
    return nullcontext() if _provider is None else span(path[1:], "client", None, _rpc(path))


def server_span(path: str, parent: Trace) -> AbstractContextManager[Trace]:
    """The span of a call being served, which has failed when `note_status` says so."""
    return span(path[1:], "server", parent, _rpc(path), expected=(BaseException,))


def work_span(name: str) -> AbstractContextManager[Trace | None]:
    """The span of one run of work that nobody asked for. To be stopped is no failure."""
    return nullcontext() if _provider is None else span(name, "internal", expected=(asyncio.CancelledError,))


def note_status(code: str) -> None:
    """Says in the current span how its call ended, as gRPC names it. A refusal is the caller's failure, not the server's."""
    from opentelemetry.trace import get_current_span

    own = get_current_span()
    own.set_attribute("rpc.response.status_code", code)
    if code in _SERVER_FAILURES:
        fail_span(own, code)


def _rpc(path: str) -> dict[str, str]:
    return {"rpc.system.name": "grpc", "rpc.method": path[1:]}


def describe_exception(error: BaseException) -> dict[str, object]:
    """What may be logged of an exception: types and places, never texts, which can hold connection strings and personal data."""
    kinds: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(kinds) < _FRAMES_LOGGED:
        kinds.append(type(seen).__qualname__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return {"exception": " from ".join(kinds), "frames": _frames_of(error.__traceback__)}


def _frames_of(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace, limit=-_FRAMES_LOGGED)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _describe_exception(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event.update(describe_exception(error))
    return event


class _LibraryHandler(logging.Handler):
    """Brings what libraries log into the same form: their format string, without the values put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log = structlog.get_logger()
        said = record.msg if isinstance(record.msg, str) else type(record.msg).__name__  # an exception, whose text stays inside
        log.log(_named_level(record.levelno), said, logger=record.name, **({"exc_info": error} if error else {}))


def _named_level(level: int) -> int:
    """structlog knows the five levels alone; libraries may have more."""
    return max((known for known in (*_LEVELS.values(), logging.CRITICAL) if known <= level), default=logging.DEBUG)
