"""How tests wait: for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 15, what: str = "") -> float:
    """Returns as soon as the condition holds, with the seconds that this took. Fails when it does not come to hold."""
    started = time.monotonic()
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return time.monotonic() - started
        assert time.monotonic() - started < seconds, f"not so after {seconds:g} s: {what or condition}"
        await asyncio.sleep(0.01)
