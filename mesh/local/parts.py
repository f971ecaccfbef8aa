"""What the stack runs on top of its servers: services, simulators and the edge, each a program with what it is told."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mesh.local import probes
from mesh.local.addresses import Addresses, EdgeAddresses, port_of
from mesh.local.certificates import Certificate
from mesh.local.ports import LOOPBACK
from mesh.local.program import Program
from mesh.local.programs import envoy_binary
from mesh.local.secrets_file import Secrets
from mesh.local.services import RATE_LIMIT

ADMIN_EMAIL = "admin@marketplace.example"
WEBHOOK_PATH = "/v1/webhooks/stripe"

_ROOT = Path(__file__).parents[2]
_PYTHON = {
    "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'generated'}",
    "PYTHONUNBUFFERED": "1",
    "MALLOC_ARENA_MAX": "2",  # glibc would keep memory apart for each thread
}


@dataclass(frozen=True)
class Parts:
    """Makes the programs of one stack. `urls` says where its servers are; `extra` has the last word on what services are told."""

    folder: Path
    addresses: Addresses
    secrets: Secrets
    certificates: Mapping[str, Certificate]
    urls: Mapping[str, str]
    extra: Mapping[str, str]

    def service(self, name: str) -> Program:
        """One of the eight, started as in production; ready when it says so over mTLS."""
        address = self.addresses.services[name]
        own = {
            "GRPC_LISTEN": address,
            "METRICS_LISTEN": f"{LOOPBACK}:{port_of(self.addresses.metrics[name])}",
            **self.certificates[name].environment,
        }
        environment = {**self._told_to_all(), **self.urls, **own, **self.extra}
        is_ready = partial(probes.service_is_healthy, address, name, self.certificates["gateway"])
        return self._program(name, [sys.executable, "-m", f"services.{name}"], port_of(address), environment, is_ready)

    def rate_limit(self, rate_scale: float) -> Program:
        """Where edges count together; ready when it says so over mTLS."""
        address = self.addresses.rate_limit
        environment = {
            **_PYTHON,
            "REDIS_URL": self.urls["REDIS_URL"],
            "GRPC_LISTEN": address,
            "METRICS_LISTEN": f"{LOOPBACK}:{port_of(self.addresses.metrics[RATE_LIMIT])}",
            "RATE_SCALE": str(rate_scale),
            **self.certificates[RATE_LIMIT].environment,
        }
        is_ready = partial(probes.service_is_healthy, address, RATE_LIMIT, self.certificates["gateway"])
        return self._program(RATE_LIMIT, [sys.executable, "-m", "gateway.ratelimit"], port_of(address), environment, is_ready)

    def simulators(self, *, takes_webhooks: bool) -> Program:
        """Stripe and the mailbox. Webhooks go to the edge, if there is one to take them."""
        at = self.addresses
        command = [sys.executable, "-m", "mesh.local.simulators", "--folder", str(self.folder / "data")]
        for name in ("stripe", "smtp", "mailbox"):
            command += [f"--{name}-port", str(at.ports[name])]
        if takes_webhooks:
            command += ["--webhook-url", f"{at.edge}{WEBHOOK_PATH}"]
        environment = {
            **_PYTHON,
            "STRIPE_API_KEY": self.secrets.stripe_api_key,
            "STRIPE_WEBHOOK_SECRET": self.secrets.stripe_webhook_secret,
        }
        is_ready = partial(probes.answers, f"{at.mailbox}/_control")
        return self._program("simulators", command, at.ports["mailbox"], environment, is_ready)

    def edge(self, render: Callable[[EdgeAddresses], str], rate_scale: float, started: Sequence[str]) -> Program:
        """Envoy; ready when it takes traffic and sees every service that is started as healthy."""
        at, own = self.addresses, self.certificates["gateway"]
        folder = self.folder / "edge"
        folder.mkdir(exist_ok=True)
        told = EdgeAddresses(
            listen=at.edge.removeprefix("http://"),
            admin=at.edge_admin.removeprefix("http://"),
            services=at.services,
            rate_limit=at.rate_limit,
            websocket=at.websocket,
            ca_file=own.ca_file,
            certificate_file=own.certificate_file,
            key_file=own.key_file,
            rate_scale=rate_scale,
            jwks_listen=at.jwks,
            folder=folder,
        )
        configuration = folder / "envoy.yaml"
        configuration.write_text(render(told))
        command = [envoy_binary(), "--config-path", str(configuration), "--log-level", "warning"]
        command += ["--concurrency", "1", "--disable-hot-restart"]
        expected = {port_of(at.rate_limit), *(port_of(at.services[name]) for name in started)}
        is_ready = partial(probes.edge_is_ready, at.edge_admin, expected)
        return self._program("edge", command, at.ports["edge"], {}, is_ready)

    def _told_to_all(self) -> dict[str, str]:
        host, _, port = self.addresses.smtp.rpartition(":")
        return {
            **_PYTHON,
            "PEER_ADDRESSES": ",".join(f"{name}={address}" for name, address in self.addresses.services.items()),
            "WEBSOCKET_LISTEN": self.addresses.websocket,
            "KEY_ENCRYPTION_SECRET": self.secrets.key_encryption_secret,
            "APP_URL": f"http://localhost:{self.addresses.ports['edge']}",  # by name: passkeys do not belong to addresses
            "ADMIN_EMAIL": ADMIN_EMAIL,
            "ADMIN_PASSWORD": self.secrets.admin_password,
            "STRIPE_API_BASE": self.addresses.stripe,
            "STRIPE_API_KEY": self.secrets.stripe_api_key,
            "STRIPE_WEBHOOK_SECRET": self.secrets.stripe_webhook_secret,
            "SMTP_HOST": host,
            "SMTP_PORT": port,
            "MAIL_FROM": "no-reply@marketplace.example",
        }

    def _program(
        self, name: str, command: list[str], port: int, environment: Mapping[str, str], is_ready: Callable[[], bool]
    ) -> Program:
        return Program(name, command, port, self.folder, logs=self.folder / "logs", environment=environment, is_ready=is_ready)
