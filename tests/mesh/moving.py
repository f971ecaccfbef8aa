"""Time that tests move."""

import time
from datetime import datetime, timedelta

from mesh.clock import SystemClock


class MovedTime:
    """Stands for the module `time` in a module under test; `ahead` is in seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class MovedClock:
    """A clock of the mesh that tests move; `ahead` is what the machine's clock is ahead of."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead
