"""`make up`: the whole stack at fixed addresses, seeded when it is empty, until Ctrl-C. What it stores survives in .local/up."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.addresses import page
from demo.progress import Progress
from demo.seed import seed
from demo.signals import end_on_signals
from demo.stack import LOCAL, entrance_of, local_stack, shown_path
from mesh.errors import MeshError
from mesh.local.stack import StackError


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 when it was asked to end, 1 when it could not start or a part of it has died."""
    parser = argparse.ArgumentParser(prog="python -m demo.up", description=__doc__)
    parser.add_argument("--folder", type=Path, default=LOCAL, help="where the stack's folder is made")
    folder = parser.parse_args(arguments).folder.resolve() / "up"
    end_on_signals()
    try:
        _stay_up(folder)
    except KeyboardInterrupt:
        print(f"\nEverything is stopped. The data stay in {shown_path(folder)}.")
        return 0
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
    except MeshError as error:
        print(f"\nSeeding failed: {error}", file=sys.stderr)
    return 1


def _stay_up(folder: Path) -> None:
    progress = Progress()
    print("Starting the whole stack:", flush=True)
    log_level = os.environ.get("LOG_LEVEL", "info")
    with local_stack(folder, ports="fixed", log_level=log_level, progress=progress.part) as stack:
        progress.started()
        if not asyncio.run(seed(entrance_of(stack), progress.seeded)):
            print("What was stored before is there.", flush=True)
        print(f"\n{page(stack)}", flush=True)
        try:
            stack.watch()
        except KeyboardInterrupt:
            print("\nStopping everything.", flush=True)
            raise
        except StackError as death:
            raise StackError(f"{death}\nEverything else is stopped too: look at its log, then start again.") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
