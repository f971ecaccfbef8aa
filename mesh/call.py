"""The call that is being served: who makes it, for whom, until when. Filled by the interceptors, read by everybody below them."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mesh.errors import Unauthenticated
from mesh.ids import derived_id, new_id
from mesh.tracing import Trace

if TYPE_CHECKING:
    import grpc

    from mesh.contract import MethodContract
    from mesh.idempotency import IdempotencyScope

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
"""What gRPC tells of a call; its type parameters say nothing here, where requests and responses are bytes."""


@dataclass(frozen=True, slots=True)
class Account:
    """The end user, as the verified access token names them."""

    account_id: str
    roles: frozenset[str]  # "customer", "provider", "admin"
    session_id: str
    token: str  # the access token itself, which travels on with calls to peers
    auth_time: float = 0.0  # when they last proved who they are, in seconds since 1970; 0 when the token does not say


@dataclass(slots=True)
class Call:
    """One call from its arrival to its answer."""

    method: "MethodContract"
    context: Context
    metadata: dict[str, str | bytes]
    trace: Trace
    caller: str = ""  # the service that called, by its certificate; "gateway" for the edge
    account: Account | None = None
    deadline: float | None = None  # on the event loop's monotonic clock
    idempotency: "IdempotencyScope | None" = None
    code: str = "OK"  # the status that the caller gets, as gRPC names it
    reason: str = ""  # why it is not OK

    @property
    def client_address(self) -> str:
        """The end user's network address as the edge saw it; "" when the call did not come from there."""
        return self._from_the_edge("x-client-address")

    @property
    def user_agent(self) -> str:
        """What the end user's program calls itself, which is for showing alone; "" when the call did not come from the edge."""
        return self._from_the_edge("user-agent")

    def _from_the_edge(self, header: str) -> str:
        value = self.metadata.get(header, "") if self.caller == "gateway" else ""
        return value if isinstance(value, str) else ""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return self.trace.trace_id


_current: ContextVar[Call] = ContextVar("call")


def enter_call(call: Call) -> None:
    """Makes this the call of the running task. For interceptors; each call has a task of its own."""
    _current.set(call)


def find_call() -> Call | None:
    """The call being served, or None outside of calls (event handlers, periodic work)."""
    return _current.get(None)


def current_call() -> Call:
    """The call being served. Raises RuntimeError outside of calls."""
    call = _current.get(None)
    if call is None:
        raise RuntimeError("no call is being served here")
    return call


def current_account() -> Account:
    """The end user of the call being served. Raises Unauthenticated when the call came without one."""
    call = _current.get(None)
    if call is None or call.account is None:
        raise Unauthenticated("TOKEN_MISSING", "This needs an access token.")
    return call.account


def idempotent_id(prefix: str) -> str:
    """An id for what this call makes: the same at every attempt with the same idempotency key, fresh without one."""
    call = _current.get(None)
    if call is None or call.idempotency is None:
        return new_id(prefix)
    return derived_id(prefix, call.idempotency.scope)
