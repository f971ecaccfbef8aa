"""Time that tests move."""

import time


class MovedTime:
    """Stands for the module `time` in a module under test; `ahead` is in seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead
