"""Every call has an end: the contract's deadline, or the caller's when that is sooner."""

import asyncio

from mesh.call import Call
from mesh.contract import MethodContract
from mesh.errors import DeadlinePassed
from mesh.interceptors.link import Receive


def deadline_link(method: MethodContract, proceed: Receive) -> Receive:
    """Notes the call's deadline for the calls that it makes, and ends it there. Raises DeadlinePassed."""
    limit = method.deadline_seconds

    async def bound(request: bytes, call: Call) -> bytes | None:
        now = asyncio.get_running_loop().time()
        remaining: float | None = call.context.time_remaining()  # the stubs leave out that there may be none
        if remaining is not None and (remaining <= limit or not limit):
            # gRPC itself cancels the task of a call whose caller's deadline passes.
            call.deadline = now + remaining
            return await proceed(request, call)
        if not limit:
            return await proceed(request, call)
        call.deadline = now + limit
        scope = asyncio.timeout_at(call.deadline)
        try:
            async with scope:
                return await proceed(request, call)
        except TimeoutError:
            if not scope.expired():
                raise
            raise DeadlinePassed("DEADLINE_PASSED", f"This took longer than {limit:g} seconds.") from None

    return bound
