"""What a process is told by its environment: read once, validated before it listens, frozen. A service adds a subclass."""

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):(\d{1,5})")
_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/?#@,\[\]]+)(?::\d{1,5})?"
_URL = re.compile(rf"(?P<scheme>[a-z+]+)://(?:[^\s:/?#@]*(?::[^\s:/?#@]*)?@)?{_HOST}(?:,{_HOST})*(?:[/?]\S*)?")
_PEER_PORT = 50051


class SettingsError(Exception):
    """The environment is not usable; `sentences` says what is wrong, one sentence a variable."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def text(value: str) -> str:
    """Any text that is not empty."""
    if not value:
        raise ValueError("must not be empty")
    return value


def optional_text(value: str) -> str:
    """Any text; empty switches the thing off."""
    return value


def address(value: str) -> str:
    """`host:port`, with a port from 0 to 65535; 0 takes a free one."""
    match = _ADDRESS.fullmatch(value)
    if match is None or int(match[1]) > 65535:
        raise ValueError("must be host:port")
    return value


def optional_address(value: str) -> str:
    """`host:port`, or empty."""
    return address(value) if value else ""


def url(*schemes: str) -> Callable[[str], str]:
    """An URL of one of the schemes; its hosts may be several. What stands in it is never repeated: it can hold a password."""

    def parse(value: str) -> str:
        match = _URL.fullmatch(value)
        if match is None or match["scheme"] not in schemes:
            begin = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ValueError(f"must be an URL that begins with {begin}, with special characters of user and password escaped")
        return value

    return parse


def optional_url(*schemes: str) -> Callable[[str], str]:
    """An URL of one of the schemes, or empty."""
    parse = url(*schemes)
    return lambda value: parse(value) if value else ""


def existing_file(value: str) -> Path:
    """The path of a file that can be read."""
    path = Path(value)
    if not path.is_file():
        raise ValueError("must name a file that exists")
    return path


def switch(value: str) -> bool:
    """0 or 1."""
    if value not in ("0", "1"):
        raise ValueError("must be 0 or 1")
    return value == "1"


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number within the two bounds, both included."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?\d+", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(value)

    return parse


def seconds(lowest: float, highest: float) -> Callable[[str], float]:
    """A number of seconds within the two bounds, both included."""

    def parse(value: str) -> float:
        if not re.fullmatch(r"\d+(\.\d+)?", value) or not lowest <= float(value) <= highest:
            raise ValueError(f"must be a number of seconds from {lowest:g} to {highest:g}")
        return float(value)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """One of the given words."""

    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def peers(value: str) -> Mapping[str, str]:
    """`service=host:port` pairs, separated by commas; empty for none."""
    found: dict[str, str] = {}
    for pair in filter(None, value.split(",")):
        name, equals, target = pair.partition("=")
        if not (name and equals and target):
            raise ValueError("must be service=host:port pairs, separated by commas")
        found[name.strip()] = target.strip()
    return found


def setting(meaning: str, parse: Callable[[str], object] = text, default: str | None = None, *, is_secret: bool = False) -> Any:
    """A field of Settings: what it is in a few words, how it is read, and its default as it would stand in the environment.

    Without a default the variable is required. A secret is left out of the settings' repr.
    """
    return field(repr=not is_secret, metadata={"meaning": meaning, "parse": parse, "default": default})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every service needs. The variable of a field is its name in capitals."""

    service: str
    mongo_url: str = setting("the MongoDB connection string", url("mongodb", "mongodb+srv"), is_secret=True)
    mongo_database_prefix: str = setting("what the names of databases begin with", optional_text, "marketplace_")
    redis_url: str = setting("the Redis connection string", url("redis", "rediss"), is_secret=True)
    kafka_bootstrap: str = setting("the Kafka brokers as host:port, separated by commas")
    kafka_partitions: int = setting("the partitions of a topic that has to be created", whole_number(1, 1000), "3")
    kafka_replication: int = setting("the replicas of a topic that has to be created", whole_number(1, 10), "1")
    grpc_listen: str = setting("where gRPC is served, as host:port", address, "0.0.0.0:50051")
    metrics_listen: str = setting("where Prometheus metrics are served, as host:port", address, "0.0.0.0:9090")
    health_listen: str = setting("where probes without a certificate may ask for health, as host:port", optional_address, "")
    tls_ca_file: Path = setting("the certificate authority of the mesh, PEM", existing_file)
    tls_certificate_file: Path = setting("this service's certificate, PEM", existing_file)
    tls_key_file: Path = setting("this service's private key, PEM", existing_file)
    peer_addresses: Mapping[str, str] = setting("where peers are, as service=host:port pairs", peers, "")
    otel_exporter_otlp_endpoint: str = setting("where traces are sent, an URL", optional_url("http", "https"), "")
    log_level: str = setting("the least important level that is logged", one_of("debug", "info", "warning", "error"), "info")
    grpc_reflection: bool = setting("whether the contract can be asked for over gRPC", switch, "0")
    max_concurrent_calls: int = setting("the unary calls that are worked on at once", whole_number(1, 100_000), "200")
    max_open_streams: int = setting("the server streams that are open at once", whole_number(1, 1_000_000), "5000")
    drain_seconds: float = setting("how long peers get to notice that this process stops", seconds(0, 60), "1")
    stop_grace_seconds: float = setting("how long running calls get to finish after that", seconds(0, 60), "10")
    token_issuer: str = setting("the issuer that access tokens must name", text, "https://auth.marketplace")
    token_audience: str = setting("the audience that access tokens must name", text, "marketplace")

    def peer_address(self, service: str) -> str:
        """Where this peer is, as gRPC names targets; its name in the cluster unless it is stated."""
        return self.peer_addresses.get(service) or f"dns:///{service}.marketplace.svc.cluster.local:{_PEER_PORT}"


S = TypeVar("S", bound="DataclassInstance")


def read_settings(settings_class: type[S], service: str, environment: Mapping[str, str]) -> S:
    """The settings of this service. Raises SettingsError that names every wrong and every missing variable."""
    values: dict[str, object] = {}
    problems: list[str] = []
    for each in dataclasses.fields(settings_class):
        if each.name == "service":
            continue
        variable = each.name.upper()
        given = environment.get(variable, each.metadata["default"])
        if given is None:
            problems.append(f"{variable} is missing: it is {each.metadata['meaning']}.")
            continue
        try:
            values[each.name] = each.metadata["parse"](given)
        except ValueError as wrong:
            problems.append(f"{variable} {wrong}: it is {each.metadata['meaning']}.")
    if problems:
        raise SettingsError(problems)
    return settings_class(service=service, **values)  # type: ignore[call-arg]  # its fields are those of the class


def read_settings_or_exit(settings_class: type[S], service: str, environment: Mapping[str, str]) -> S:
    """The settings of this service; prints one sentence for each problem and ends the process with exit code 2."""
    try:
        return read_settings(settings_class, service, environment)
    except SettingsError as error:
        for sentence in error.sentences:
            print(f"{service}: {sentence}", file=sys.stderr)
        raise SystemExit(2) from None
