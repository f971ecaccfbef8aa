"""Where everything in a local stack listens: chosen once, before anything starts. All of it is on loopback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mesh.local.ports import LOOPBACK, free_port, is_free, reserve
from mesh.local.program import StackError
from mesh.local.services import RATE_LIMIT, SERVICES

FIXED = {"edge": ("EDGE_PORT", 8080), "edge_admin": ("EDGE_ADMIN_PORT", 9901), "mailbox": ("MAILBOX_PORT", 8025)}
"""What a human opens: the variable that moves it, and its port unless it was moved."""


@dataclass(frozen=True, slots=True)
class EdgeAddresses:
    """What the edge has to be told: where it listens, whom it calls, and who it is. Addresses are `host:port`."""

    listen: str
    admin: str
    services: Mapping[str, str]
    rate_limit: str
    websocket: str
    ca_file: Path
    certificate_file: Path
    key_file: Path
    rate_scale: float
    jwks_listen: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of a stack are; `services` (gRPC) and `metrics` by part. What begins with http a browser can open."""

    edge: str
    edge_admin: str
    openapi: str
    mailbox: str
    smtp: str
    stripe: str
    websocket: str
    jwks: str
    rate_limit: str
    services: Mapping[str, str]
    metrics: Mapping[str, str]

    @property
    def ports(self) -> Mapping[str, int]:
        """The port of each single address, by its name."""
        return {name: port_of(getattr(self, name)) for name in ("edge", "edge_admin", "mailbox", "smtp", "stripe")}


def choose_addresses(ports: Literal["fixed", "free"], variables: Mapping[str, str]) -> Addresses:
    """Fixed ports for what a human opens, or free ones for that too. Raises StackError when a variable is no port."""
    human = {name: _fixed_port(name, variables) if ports == "fixed" else free_port() for name in FIXED}
    edge, admin, mailbox = (f"http://{LOOPBACK}:{human[name]}" for name in FIXED)
    return Addresses(
        edge=edge,
        edge_admin=admin,
        openapi=f"{edge}/openapi.json",
        mailbox=mailbox,
        smtp=_free(),
        stripe=f"http://{_free()}",
        websocket=_free(),
        jwks=_free(),
        rate_limit=_free(),
        services={service: _free() for service in SERVICES},
        metrics={part: f"http://{_free()}/metrics" for part in (*SERVICES, RATE_LIMIT)},
    )


def require_free(addresses: Addresses, names: Sequence[str]) -> None:
    """Raises StackError when another program has one of these ports."""
    for name in names:
        port = addresses.ports[name]
        if not is_free(port):
            raise StackError(f"Port {port} is taken by another program: free it or set {FIXED[name][0]}.")


def port_of(address: str) -> int:
    """The port of `host:port` or of a URL."""
    return int(address.removeprefix("http://").partition("/")[0].rpartition(":")[2])


def _free() -> str:
    return f"{LOOPBACK}:{free_port()}"


def _fixed_port(name: str, variables: Mapping[str, str]) -> int:
    variable, usual = FIXED[name]
    given = variables.get(variable, str(usual))
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 65_536:
        raise StackError(f"{variable} must be a port from 1 to 65535.")
    reserve(int(given))
    return int(given)
