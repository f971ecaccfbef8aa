"""Prints what the edge is made of: `python -m gateway render …` Envoy's bootstrap, `python -m gateway openapi` the document."""

import argparse
import sys
from pathlib import Path

from gateway.envoy import render
from gateway.openapi import render_openapi
from gateway.settings import EdgeSettings
from mesh.contract import methods
from mesh.settings import peers

_PORT_OF_SERVICES = 50051
_PORT_OF_WEBSOCKETS = 8081


def main(arguments: list[str]) -> int:
    """Prints one of the two to standard output; 2 when the arguments do not make an edge."""
    given = _parser().parse_args(arguments)
    if given.command == "openapi":
        print(render_openapi())
        return 0
    try:
        print(render(_settings(given)))
    except ValueError as problem:
        print(f"gateway: {problem}", file=sys.stderr)
        return 2
    return 0


def _settings(given: argparse.Namespace) -> EdgeSettings:
    names = sorted({method.service for method in methods() if method.is_edge})
    addresses = {name: f"{name}.{given.domain}:{_PORT_OF_SERVICES}" for name in names}
    return EdgeSettings(
        listen=given.listen,
        admin_listen=given.admin_listen,
        jwks_listen=given.jwks_listen,
        metrics_listen=given.metrics_listen,
        services=addresses | dict(peers(given.services)),
        websocket=given.websocket or f"realtime.{given.domain}:{_PORT_OF_WEBSOCKETS}",
        ca_file=given.tls_folder / "ca.crt",
        certificate_file=given.tls_folder / "tls.crt",
        key_file=given.tls_folder / "tls.key",
        rate_scale=given.rate_scale,
        rate_limit=given.rate_limit,
        trusted_proxies=given.trusted_proxies,
        allowed_origins=tuple(given.allow_origin),
        token_issuer=given.token_issuer,
        token_audience=given.token_audience,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("openapi", help="the OpenAPI 3.1 document")
    edge = commands.add_parser("render", help="Envoy's bootstrap", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    edge.add_argument("--listen", default="0.0.0.0:8080", help="where clients come in")
    edge.add_argument("--admin-listen", default="127.0.0.1:9901", help="Envoy's own pages, on loopback")
    edge.add_argument("--jwks-listen", default="127.0.0.1:9902", help="where Envoy asks itself for keys, on loopback")
    edge.add_argument("--metrics-listen", default="", help="where Prometheus reads, at /metrics; empty for nowhere")
    edge.add_argument("--domain", default="marketplace.svc.cluster.local", help="what the names of services end with")
    edge.add_argument("--services", default="", help="where services are instead, as name=host:port,…")
    edge.add_argument("--websocket", default="", help="where realtime takes WebSockets instead, as host:port")
    edge.add_argument("--tls-folder", type=Path, default=Path("/etc/gateway/tls"), help="holds ca.crt, tls.crt and tls.key")
    edge.add_argument("--rate-scale", type=float, default=1.0, help="times the contract's rates")
    edge.add_argument("--rate-limit", default="", help="where edges count together, as host:port; empty: each for itself")
    edge.add_argument("--trusted-proxies", type=int, default=0, help="proxies before the edge whose x-forwarded-for is believed")
    edge.add_argument("--allow-origin", action="append", default=[], help="a browser's origin; a final * stands for any ending")
    edge.add_argument("--token-issuer", default="https://auth.marketplace", help="the issuer that tokens must name")
    edge.add_argument("--token-audience", default="marketplace", help="the audience that tokens must name")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
