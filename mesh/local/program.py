"""One program of the local stack as a child process: started tied to this process, watched, frozen, killed, stopped."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import psutil

from mesh.local.ports import LOOPBACK

_TIED = str(Path(__file__).with_name("tied.py"))
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_TAIL_BYTES = 4000
_TAIL_LINES = 15
_POLL_SECONDS = 0.02


class StackError(Exception):
    """The stack cannot start, or a program of it has died. The text says it to a human in a sentence."""


class Program:
    """A child process that dies with this one."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        folder: Path,
        *,
        logs: Path | None = None,
        environment: Mapping[str, str] | None = None,
        is_ready: Callable[[], bool] | None = None,
    ) -> None:
        """It works in the folder and logs there, or in `logs`, to `<name>.log`.

        It is ready when `is_ready` says so, by default when it accepts connections on its port on loopback.

        Of this process's environment it sees only where things are (PATH, HOME, locale); the rest is `environment`.
        """
        self.name = name
        self.port = port
        self.address = f"{LOOPBACK}:{port}"
        self.log = (logs or folder) / f"{name}.log"
        self._command = list(command)
        self._folder = folder
        self._environment = {key: os.environ[key] for key in _INHERITED if key in os.environ} | dict(environment or {})
        self._is_ready = is_ready or (lambda: accepts(port))
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begin = 0
        self._is_ended_by_us = True

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, seconds: float = 60) -> None:
        """Starts it and waits until it is ready. Raises StackError when it ends instead, or takes longer than `seconds`."""
        self.spawn()
        self.wait_ready(seconds)

    def spawn(self) -> None:
        """Starts it and does not wait. Raises StackError when it runs already or when there is no such program."""
        if self.pid is not None:
            raise StackError(f"{self.name} runs already.")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_begin = log.tell()
            command = [sys.executable, "-I", "-S", _TIED, str(os.getpid()), *self._command]
            self._process = _on_lasting_thread(
                lambda: subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env=self._environment,
                    start_new_session=True,
                )
            )
        self._is_ended_by_us = False

    def wait_ready(self, seconds: float = 60) -> None:
        """Returns when it is ready. Raises StackError when it ends instead, or is not ready after `seconds`."""
        give_up = time.monotonic() + seconds
        while not self._is_ready():
            if self.pid is None:
                raise StackError(self.obituary())
            if time.monotonic() > give_up:
                raise StackError(f"{self.name} is not ready after {seconds:g} s. {self._last_lines()}")
            time.sleep(_POLL_SECONDS)

    def has_died(self) -> bool:
        """Whether it has ended without being told to by this object."""
        return not self._is_ended_by_us and self.pid is None

    def obituary(self) -> str:
        """One sentence on how it ended, then the last lines that it logged."""
        code = None if self._process is None else self._process.poll()
        how = f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with exit code {code}"
        return f"{self.name} {how}. {self._last_lines()}"

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._is_ended_by_us = True
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def terminate(self) -> None:
        """Asks it to end, and does not wait."""
        self._is_ended_by_us = True
        self.resume()
        self._signal(signal.SIGTERM)

    def stop(self, grace_seconds: float = 15) -> None:
        """Asks it to end, and ends it when it has not after the grace."""
        self.terminate()
        self.wait_ended(grace_seconds)

    def wait_ended(self, grace_seconds: float) -> None:
        """Returns when it has ended; ends it when it has not after the grace."""
        if self._process is not None:
            try:
                self._process.wait(timeout=max(grace_seconds, 0))
            except subprocess.TimeoutExpired:
                self.kill()

    def freeze(self) -> None:
        """Stops it without closing its connections."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a frozen one go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self.pid) is None:
            return
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(number)
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def _last_lines(self) -> str:
        with self.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_begin, end - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").rstrip().splitlines()[-_TAIL_LINES:]
        return f"The last lines of {self.log}:\n" + "\n".join(lines) if lines else f"It wrote nothing to {self.log}."


def accepts(port: int) -> bool:
    """Whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


_spawning: "queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]" = (
    queue.SimpleQueue()
)
_spawner_guard = threading.Lock()
_spawner: threading.Thread | None = None


def _on_lasting_thread(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Starts a child from a thread that lasts as long as this process: the kernel ties children to the thread that made them."""
    global _spawner  # noqa: PLW0603 - one a process, like the kernel's tie
    with _spawner_guard:
        if _spawner is None:
            _spawner = threading.Thread(target=_spawn_for_ever, name="spawner", daemon=True)
            _spawner.start()
    child: Future[subprocess.Popen[bytes]] = Future()
    _spawning.put((start, child))
    return child.result()


def _spawn_for_ever() -> None:
    while True:
        start, child = _spawning.get()
        try:
            child.set_result(start())
        except BaseException as error:
            child.set_exception(error)
