"""The demo's programs as processes, and what they leave running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
_OUTSIDE = ("KAFKA_BOOTSTRAP", "MONGO_URL", "REDIS_URL")


@contextmanager
def program(module: str, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """The program on its own servers, with its output as one stream. Leaving the block ends it, and waits until it has ended."""
    command = [sys.executable, "-m", module, "--folder", str(folder)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in _OUTSIDE} | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """What it has written up to a line with these words. Fails when it ends before."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"it ended without {words!r}:\n{seen}")


def read_to_the_end(process: "subprocess.Popen[str]") -> str:
    """What it writes from now on; returns when it has ended."""
    return process.communicate()[0]


def working_in(folder: Path) -> list[psutil.Process]:
    """Every process that works in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def expect_nothing_left(folder: Path, seconds: float = 5) -> None:
    """Fails when something still works in the folder: what was killed takes a moment to be gone."""
    give_up = time.monotonic() + seconds
    while left := working_in(folder):
        assert time.monotonic() < give_up, f"left running: {left}"
        time.sleep(0.01)
