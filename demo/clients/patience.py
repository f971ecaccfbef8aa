"""How clients meet an outage: what may be sent again is sent again, with growing pauses, for as long as they have patience."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


async def attempts(patience_seconds: float) -> AsyncIterator[bool]:
    """Yields once for each attempt, after a pause; True when it is the last one."""
    give_up = time.monotonic() + patience_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        is_last = time.monotonic() + pause > give_up
        yield is_last
        if is_last:
            return
        await asyncio.sleep(pause * random.uniform(0.5, 1))
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
