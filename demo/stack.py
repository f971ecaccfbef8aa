"""The local stack with its edge, as the demo, the journey tests and the benchmarks start it; and the doors into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.journey.scene import Doors
from gateway.envoy import render
from gateway.settings import EdgeSettings
from mesh.local.stack import EdgeAddresses, Stack


@contextmanager
def local_stack(folder: Path, *, rate_scale: float = 1.0) -> Iterator[Stack]:
    """A stack on free ports that stops with the block. Raises StackError when it cannot start."""
    stack = Stack(folder, render_edge=render_edge, rate_scale=rate_scale, environment={"LOG_LEVEL": "debug"})
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


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
        )
    )


def doors_of(stack: Stack) -> Doors:
    """Where a running stack is entered."""
    addresses = stack.addresses
    email, password = stack.admin
    return Doors(
        edge_url=addresses.edge,
        websocket_url=f"{addresses.edge.replace('http://', 'ws://')}/v1/live",
        mailbox_url=addresses.mailbox,
        admin_email=email,
        admin_password=password,
        booking_address=addresses.services["booking"],
        realtime_certificate=stack.certificate("realtime"),
    )
