"""Bounds how much is worked on at once, so that what is taken on is finished; and ends open streams when the process stops."""

import asyncio

from prometheus_client import Gauge

from mesh.call import Call
from mesh.contract import MethodContract
from mesh.errors import LimitReached, Unavailable
from mesh.interceptors.link import OuterLink, Receive

_IN_WORK = Gauge("mesh_calls_in_work", "Unary calls being served now.")
_OPEN_STREAMS = Gauge("mesh_streams_open", "Server streams open now.")


class Capacity:
    """What one server process has in work, and the most that it takes on."""

    def __init__(self, calls: int, streams: int) -> None:
        self.most_calls = calls
        self.most_streams = streams
        self.calls = 0
        self.streams: set[asyncio.Timeout] = set()
        self.is_stopping = False
        _IN_WORK.set_function(lambda: self.calls)
        _OPEN_STREAMS.set_function(lambda: len(self.streams))

    def end_streams(self) -> None:
        """Ends every open stream with UNAVAILABLE, reason SERVICE_STOPPING, and refuses new ones: clients resume elsewhere."""
        if self.is_stopping:
            return
        self.is_stopping = True
        for scope in tuple(self.streams):
            scope.reschedule(asyncio.get_running_loop().time())


def capacity_link(capacity: Capacity) -> OuterLink:
    """Refuses what is beyond the capacity at once. Raises LimitReached (OVERLOADED), Unavailable (SERVICE_STOPPING)."""

    def link(method: MethodContract, proceed: Receive) -> Receive:
        async def admit_call(request: bytes, call: Call) -> bytes | None:
            if capacity.calls >= capacity.most_calls:
                raise _overloaded()
            capacity.calls += 1
            try:
                return await proceed(request, call)
            finally:
                capacity.calls -= 1

        async def admit_stream(request: bytes, call: Call) -> bytes | None:
            if capacity.is_stopping:
                raise _stopping()
            if len(capacity.streams) >= capacity.most_streams:
                raise _overloaded()
            scope = asyncio.timeout(None)
            try:
                async with scope:
                    capacity.streams.add(scope)
                    return await proceed(request, call)
            except TimeoutError:
                if not scope.expired():
                    raise
                raise _stopping() from None
            finally:
                capacity.streams.discard(scope)

        return admit_stream if method.is_server_streaming else admit_call

    return link


def _overloaded() -> LimitReached:
    return LimitReached("OVERLOADED", "The service has as much to do as it takes on.", retry_after_seconds=1)


def _stopping() -> Unavailable:
    return Unavailable(
        "SERVICE_STOPPING", "The service is being replaced; open the stream again where it stopped.", retry_after_seconds=0.1
    )
