"""`make logs`: lists the logs of the stack of `make up`, or follows one of them in lines for people."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from demo.stack import LOCAL

_TAIL_BYTES = 8_000
_POLL_SECONDS = 0.2
_LAST_WIDTH = 100
_SHOWN_FIRST = ("event", "level", "service", "timestamp", "time")


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 1 when there is no such log."""
    parser = argparse.ArgumentParser(prog="python -m demo.logs", description=__doc__)
    parser.add_argument("part", nargs="?", default="", help="whose log is followed; none: all are listed")
    parser.add_argument("--folder", type=Path, default=LOCAL, help="where the stack's folder is")
    given = parser.parse_args(arguments)
    logs = {path.stem: path for path in sorted((given.folder / "up" / "logs").glob("*.log"))}
    if not logs:
        print("There are no logs yet: `make up` writes them.", file=sys.stderr)
        return 1
    if not given.part:
        print(listing(logs.values()))
        return 0
    if given.part not in logs:
        print(f"There is no log of {given.part}, but of {', '.join(logs)}.", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)  # it holds nothing that would have to be closed
    for line in follow(logs[given.part]):
        print(readable(line), flush=True)
    return 0


def listing(logs: Iterable[Path]) -> str:
    """One line a log: the part, its size, its last line. Then how one is followed."""
    lines = [f"  {'part':<14} {'size':>10}  last line"]
    for log in logs:
        last = readable([b"", *_complete_lines(log, _tail(log))][-1])
        lines.append(f"  {log.stem:<14} {log.stat().st_size / 1000:>7.1f} kB  {last[:_LAST_WIDTH]}")
    return "\n".join([*lines, "", '`make logs ARGS="booking"` follows one of them.'])


def follow(log: Path) -> Iterator[bytes]:
    """The last lines, then each new one as it comes; also of the log that a new start puts in its place."""
    file, position = log.stat().st_ino, _tail(log)
    while True:
        if log.exists():
            found = log.stat()
            if found.st_ino != file or found.st_size < position:
                file, position = found.st_ino, 0
            for line in _complete_lines(log, position):
                position += len(line)
                yield line
        time.sleep(_POLL_SECONDS)


def readable(line: bytes) -> str:
    """A JSON line as local time, level, event and fields; any other as it is."""
    text = line.decode(errors="replace").rstrip()
    try:
        entry = json.loads(text)
        moment = datetime.fromisoformat(entry.get("timestamp") or entry["time"]).astimezone()
    except (AttributeError, KeyError, TypeError, ValueError):
        return text
    fields = " ".join(f"{name}={_plain(value)}" for name, value in entry.items() if name not in _SHOWN_FIRST and value != "")
    head = f"{entry.get('level', ''):<7} {entry.get('event', '')}".strip()
    return f"{moment:%H:%M:%S.%f}"[:-3] + f" {head}  {fields}"


def _plain(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value, ensure_ascii=False)


def _tail(log: Path) -> int:
    """Where the first line begins of those that end within the last bytes."""
    with log.open("rb") as file:
        start = max(file.seek(0, 2) - _TAIL_BYTES, 0)
        file.seek(start)
        return start + len(file.readline()) if start else 0


def _complete_lines(log: Path, position: int) -> Iterator[bytes]:
    with log.open("rb") as file:
        file.seek(position)
        yield from (line for line in file if line.endswith(b"\n"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
