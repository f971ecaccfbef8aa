"""What is shown while something takes long: the parts of the stack as they become ready, and how far seeding has come."""

import time

_SHOWN_EVERY = 30


class Progress:
    """Prints to standard output, a line at a time or a number at a time, and measures from when it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._parts = 0
        self._seeding = 0.0

    def part(self, name: str, state: str, _seconds: float) -> None:
        """What a Stack tells of its parts."""
        if state == "external":
            print(f"  {name:<14} not ours: a server outside of the stack", flush=True)
        elif state == "ready":
            self._parts += 1
            print(f"  {name:<14} {self.seconds:5.1f} s", flush=True)

    def started(self) -> float:
        """All parts are ready. Returns the seconds that it took."""
        seconds = self.seconds
        print(f"All {self._parts} parts are healthy after {seconds:.1f} s.", flush=True)
        return seconds

    def seeded(self, count: int, total: int) -> None:
        """So many of the demo's people are there."""
        if count == 0:
            self._seeding = self.seconds
            print(f"Seeding {total} people in São Paulo:", end="", flush=True)
        elif count % _SHOWN_EVERY == 0 or count == total:
            print(f" {count}", end="", flush=True)
        if count == total:
            print(f" in {self.seconds - self._seeding:.1f} s.", flush=True)

    @property
    def seconds(self) -> float:
        """Since this was made."""
        return time.monotonic() - self._began
