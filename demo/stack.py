"""The local stack with its edge, as the demo, the journey tests and the benchmarks start it; and the doors into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from demo.journey.scene import Doors
from demo.seed import Entrance
from gateway.envoy import render
from gateway.settings import EdgeSettings
from mesh.local.stack import EdgeAddresses, Progress, Stack

LOCAL = Path(__file__).resolve().parents[1] / ".local"
"""Where the demo's programs keep everything, unless they are told another folder."""


@contextmanager
def local_stack(
    folder: Path,
    *,
    ports: Literal["fixed", "free"] = "free",
    rate_scale: float = 1.0,
    fresh: bool = False,
    log_level: str = "debug",
    progress: Progress = lambda _name, _state, _seconds: None,
) -> Iterator[Stack]:
    """A stack that stops with the block. Raises StackError when it cannot start. At level "debug" its logs tell of every call."""
    stack = Stack(
        folder,
        ports=ports,
        render_edge=render_edge,
        rate_scale=rate_scale,
        fresh=fresh,
        environment={"LOG_LEVEL": log_level},
    )
    stack.start(progress)
    try:
        yield stack
    finally:
        stack.stop()


_ORIGINS = ("http://localhost:*", "http://127.0.0.1:*")  # pages that somebody works on beside the stack


def render_edge(edge: EdgeAddresses) -> str:
    """Envoy's bootstrap for a local stack."""
    return render(
        EdgeSettings(
            listen=edge.listen,
            admin_listen=edge.admin,
            jwks_listen=edge.jwks_listen,
            services=edge.services,
            websocket=edge.websocket,
            ca_file=edge.ca_file,
            certificate_file=edge.certificate_file,
            key_file=edge.key_file,
            rate_scale=edge.rate_scale,
            allowed_origins=_ORIGINS,
            rate_limit=edge.rate_limit,
        )
    )


def doors_of(stack: Stack) -> Doors:
    """Where a running stack is entered."""
    email, password = stack.admin
    return Doors(
        edge_url=stack.addresses.edge,
        websocket_url=websocket_url(stack),
        mailbox_url=stack.addresses.mailbox,
        admin_email=email,
        admin_password=password,
        booking_address=stack.addresses.services["booking"],
        realtime_certificate=stack.certificate("realtime"),
    )


def entrance_of(stack: Stack) -> Entrance:
    """Where a running stack is seeded."""
    return Entrance(stack.addresses.services, stack.certificate("gateway"))


def websocket_url(stack: Stack) -> str:
    """Where a running stack takes WebSockets."""
    return f"{stack.addresses.edge.replace('http://', 'ws://')}/v1/live"


def shown_path(path: Path) -> str:
    """As a person reads it: relative to where the program runs, when it lies there."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
