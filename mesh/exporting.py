"""The OpenTelemetry SDK: makes spans and sends them. mesh/telemetry.py imports it when there is somewhere to send them to.

What leaves is what the mesh and its stores' clients say of themselves: no value of a command, no exception's text.
"""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status

from mesh.tracing import find_trace, new_trace

_OWN_SCOPE = "mesh"
_EXPORT_SECONDS = 3.0  # retries included: a process that stops waits so long for a collector that is down


def make_provider(service: str, endpoint: str) -> TracerProvider:
    """Sends to the collector what its tracers and the clients of MongoDB and Redis make. Once a process."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), id_generator=_RunningTrace())
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(_Discreet(exporter)))
    PymongoInstrumentor().instrument(tracer_provider=provider)
    RedisInstrumentor().instrument(tracer_provider=provider)
    return provider


class _RunningTrace(RandomIdGenerator):
    """A span without a parent begins the trace under which the running work logs."""

    def generate_trace_id(self) -> int:
        return int((find_trace() or new_trace()).trace_id, 16)


class _Discreet(SpanExporter):
    """Leaves out what the stores' clients should not have said, and the commands of no call and no event: those of polling."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        said = [_without_texts(span) for span in spans if span.parent is not None or _is_own(span)]
        return self._exporter.export(said) if said else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _is_own(span: ReadableSpan) -> bool:
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == _OWN_SCOPE


def _without_texts(span: ReadableSpan) -> ReadableSpan:
    """The span without its events, which are exceptions, and its status without a description, which is an exception's text.

    A duplicate key is told with the key's value, an unknown command with its arguments.
    """
    return ReadableSpan(
        span.name,
        span.context,
        span.parent,
        span.resource,
        span.attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
