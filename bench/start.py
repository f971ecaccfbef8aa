"""The start of the whole stack until everything is healthy, and what it keeps resident."""

import time

from bench.figures import FOLDER, save, table
from demo.stack import local_stack

_MOST_SECONDS = 15.0
_MOST_MB = 1024.0


def main() -> None:
    """Starts once to be warm, starts again and measures; prints and saves."""
    folder = FOLDER / "stack"
    with local_stack(folder, log_level="info"):
        pass
    started = time.perf_counter()
    with local_stack(folder, log_level="info") as stack:
        seconds = time.perf_counter() - started
        resident = stack.resident_mb()
    total = sum(resident.values())
    rows = {
        "warm start to all healthy": f"{seconds:8.1f} s   (at most {_MOST_SECONDS:g} s)",
        "whole stack resident": f"{total:8.1f} MB  (at most {_MOST_MB:g} MB)",
        **{f"  {name}": f"{megabytes:8.1f} MB" for name, megabytes in sorted(resident.items())},
    }
    table("Start and memory", rows)
    save(
        "start", {"start_seconds": seconds, "resident_mb": total, **{f"resident_mb.{name}": mb for name, mb in resident.items()}}
    )


if __name__ == "__main__":
    main()
