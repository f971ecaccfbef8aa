"""Where the edge listens, whom it calls and how it proves who it is: all that the contract does not say."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mesh import settings as parse
from mesh.contract import methods


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """Facts of one deployment. Addresses are `host:port`. Raises ValueError, in one sentence, for what cannot work."""

    listen: str  # clients: REST, gRPC-web, gRPC (HTTP/1.1 and HTTP/2 without TLS) and WebSocket
    admin_listen: str  # Envoy's own pages; loopback only, they can stop the process
    jwks_listen: str  # loopback only: where Envoy asks itself for the keys that verify tokens
    services: Mapping[str, str]  # each service that has methods at the edge, by its name in the contract
    websocket: str  # where realtime takes WebSockets
    ca_file: Path
    certificate_file: Path  # the gateway's own certificate, towards the services
    key_file: Path
    rate_scale: float = 1.0  # times the contract's rates; above 1 for load tests
    metrics_listen: str = ""  # where Prometheus may read the statistics, and nothing else; empty: only on the admin pages
    rate_limit: str = ""  # where the rates are counted that all edges share; empty: each edge counts for itself alone
    trusted_proxies: int = 0  # proxies before the edge whose x-forwarded-for is believed, counted from the nearest
    allowed_origins: tuple[str, ...] = ()  # browsers' origins, e.g. "https://app.example"; with a final * everything so beginning
    token_issuer: str = "https://auth.marketplace"  # noqa: S105 - not a password
    token_audience: str = "marketplace"  # noqa: S105

    def __post_init__(self) -> None:
        for address in (self.listen, self.admin_listen, self.jwks_listen, self.websocket, *self.services.values()):
            parse.address(address)
        parse.optional_address(self.metrics_listen)
        parse.optional_address(self.rate_limit)
        for address in (self.admin_listen, self.jwks_listen):
            if not _is_loopback(address):
                raise ValueError(f"{address} must be on loopback: what listens there trusts everybody who can connect")
        if not 0 < self.rate_scale <= 1e6:
            raise ValueError("rate_scale must be above 0 and at most 1000000")
        missing = sorted({method.service for method in methods() if method.is_edge} - self.services.keys())
        if missing:
            raise ValueError(f"services must say where {', '.join(missing)} can be reached")


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of `host:port`; brackets around an IPv6 address are taken off."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_loopback(address: str) -> bool:
    host, _ = host_and_port(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
