"""Logs, metrics and traces of a process: set up here once, used everywhere. No personal data and no exception's text goes out."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any

import prometheus_client
import structlog

from mesh.call import find_call
from mesh.tracing import Trace, current_trace, enter_trace, find_trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FRAMES_LOGGED = 30

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
    prometheus_client.start_http_server(int(port), host.strip("[]"))


def start_exporting(service: str, endpoint: str) -> None:
    """Sends spans of calls, events, MongoDB and Redis commands to an OTLP collector, e.g. http://collector:4318."""
    # Imported only here: the SDK costs 20 MB and half a second, which a process that exports nothing need not pay.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _provider  # noqa: PLW0603 - a process exports to one collector
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    PymongoInstrumentor().instrument(tracer_provider=_provider)
    RedisInstrumentor().instrument(tracer_provider=_provider)


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
def span(name: str, kind: str, parent: Trace | None = None, **attributes: str) -> Iterator[Trace]:
    """Makes the work inside a span of the parent's trace (the running one's when absent), and its trace the current one.

    kind: "server", "client", "producer", "consumer" or "internal". Without an exporter the parent itself is made current.
    """
    trace = parent or current_trace()
    if _provider is None:
        enter_trace(trace)
        yield trace
        return
    from opentelemetry import trace as api

    linked = api.set_span_in_context(
        api.NonRecordingSpan(
            api.SpanContext(int(trace.trace_id, 16), int(trace.span_id, 16), is_remote=True, trace_flags=api.TraceFlags(1))
        )
    )
    tracer = _provider.get_tracer("mesh")
    with tracer.start_as_current_span(
        name,
        linked,
        kind=api.SpanKind[kind.upper()],
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as own:
        context = own.get_span_context()
        inside = Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}")
        enter_trace(inside)
        try:
            yield inside
        except BaseException as error:
            own.set_attribute("error.type", type(error).__name__)
            own.set_status(api.StatusCode.ERROR)
            raise
        finally:
            enter_trace(trace)


def client_span(path: str) -> AbstractContextManager[Trace | None]:
    """The span of a call to a peer; costs nothing when nothing is exported."""
    return nullcontext() if _provider is None else span(path.removeprefix("/"), "client")


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
        log.log(record.levelno, str(record.msg), logger=record.name, **({"exc_info": error} if error else {}))
