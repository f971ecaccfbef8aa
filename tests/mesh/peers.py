"""What tests of calls to peers have in common: a call that is being served, a peer that fails."""

import asyncio
from collections.abc import Callable
from typing import Any

from mesh.call import Call, enter_call
from mesh.tracing import new_trace
from tests.mesh.probe import METHODS, Probe, Response


def serve_call(
    probe: Probe, *, roles: tuple[str, ...] = ("customer",), seconds_left: float | None = None, scope: Any = None
) -> Call:
    """Makes the rest of the test a call that is being served."""
    call = Call(METHODS["Read"], None, {}, new_trace(), account=probe.customer(*roles))  # type: ignore[arg-type]
    if seconds_left is not None:
        call.deadline = asyncio.get_running_loop().time() + seconds_left
    call.idempotency = scope
    enter_call(call)
    return call


def failing(probe: Probe, error: Exception, times: int = 1000) -> Callable[[], int]:
    """The probe fails so often, then answers. Returns how often it was asked."""
    asked = 0

    async def behave(request: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked <= times:
            raise error
        return Response(text=request.text)

    probe.servicer.behaviour = behave
    return lambda: asked
