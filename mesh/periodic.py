"""Work that a process does again and again beside its calls. A failure is logged and counted, and the work goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter

from mesh import telemetry
from mesh.errors import MeshError
from mesh.tracing import enter_trace, new_trace

FAILURES = Counter("mesh_periodic_failures", "Runs of periodic work that failed, by the work's name.", ("name",))

_log = structlog.get_logger()


class Wake:
    """Lets a piece of periodic work run now instead of at its next turn."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Asks for a run as soon as the running one, if any, is over. Asking twice is asking once."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Returns when a run is due: after these seconds, or at once when it was asked for."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


async def run_periodically(name: str, seconds: float, work: Callable[[], Awaitable[None]], wake: Wake) -> None:
    """Runs the work at once, then every `seconds` and whenever it is woken, one run at a time, until it is cancelled."""
    failures = FAILURES.labels(name)
    while True:
        enter_trace(new_trace())
        try:
            with telemetry.work_span(name):
                await work()
        except MeshError as error:
            failures.inc()
            _log.warning("periodic work failed", work=name, reason=error.reason)
        except Exception:
            failures.inc()
            _log.exception("periodic work failed", work=name)
        await wake.wait(seconds)
