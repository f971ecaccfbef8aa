"""Which trace the running work belongs to [W3C Trace Context]. Ids only: mesh/telemetry.py exports spans when asked to."""

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from os import urandom

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_REQUEST_ID = re.compile(r"(?![0-]{36})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # as Envoy makes them


@dataclass(frozen=True, slots=True)
class Trace:
    """One span of a trace: what an outgoing call or event names as its parent."""

    trace_id: str  # 32 hexadecimal digits
    span_id: str  # 16 hexadecimal digits
    is_new: bool = field(default=False, compare=False)  # nobody has made the span: the first one of the trace has no parent

    @property
    def traceparent(self) -> str:
        """The header value that hands the trace on."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Trace] = ContextVar("trace")


def read_traceparent(traceparent: str | bytes | None, request_id: str | bytes | None = None) -> Trace:
    """The trace that the header names. When it is absent or malformed a new one; its id is the request's at the edge, if any."""
    if isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent):
        return Trace(traceparent[3:35], traceparent[36:52])
    if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id):
        return Trace(request_id.replace("-", ""), urandom(8).hex(), is_new=True)
    return new_trace()


def new_trace() -> Trace:
    """The start of a trace that nobody else knows yet."""
    digits = urandom(24).hex()
    return Trace(digits[:32], digits[32:], is_new=True)


def find_trace() -> Trace | None:
    """The trace of the running work, if it has one."""
    return _current.get(None)


def current_trace() -> Trace:
    """The trace of the running work; a new one, kept for the rest of this context, when there is none."""
    trace = _current.get(None)
    if trace is None:
        trace = new_trace()
        _current.set(trace)
    return trace


def enter_trace(trace: Trace) -> None:
    """Makes this the trace of the rest of the running context (a call's task, an event's handler)."""
    _current.set(trace)
