"""Serves the edges' shared rates over mTLS until SIGTERM or SIGINT: `python -m gateway.ratelimit`."""

import asyncio
import os
import signal
import sys

import grpc
import structlog
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.ratelimit.limiter import Limiter
from gateway.ratelimit.servicer import RateLimitServicer
from gateway.ratelimit.settings import RateLimitSettings
from mesh import telemetry
from mesh.settings import read_settings_or_exit
from mesh.storage import redis

NAME = "ratelimit"
_REDIS_SECONDS = 0.1  # sooner than the edge gives up
_LARGEST_MESSAGE_BYTES = 64 << 10

_log = structlog.get_logger()


async def serve(settings: RateLimitSettings) -> None:
    """Serves until told to stop. Raises OSError when the address is taken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cache = redis.connect(settings.redis_url, _REDIS_SECONDS)
    server, state = (
        grpc.aio.server(options=(("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES))),
        (health.aio.HealthServicer()),
    )
    RateLimitServicer(Limiter(cache), settings.rate_scale).add_to(server)
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    _bind(server, settings)
    await server.start()
    for name in ("", NAME):
        await state.set(name, health_pb2.HealthCheckResponse.SERVING)
    _log.info("serving")
    await stop.wait()
    await state.enter_graceful_shutdown()
    await asyncio.sleep(settings.drain_seconds)
    await server.stop(1)
    await cache.aclose()


def _bind(server: grpc.aio.Server, settings: RateLimitSettings) -> None:
    pair = (settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())
    credentials = grpc.ssl_server_credentials([pair], settings.tls_ca_file.read_bytes(), require_client_auth=True)
    try:
        server.add_secure_port(settings.grpc_listen, credentials)
    except RuntimeError:
        raise OSError(f"{settings.grpc_listen} cannot be listened on; another process may have it") from None


def main() -> None:
    """Ends with exit code 2 when the environment is not usable, 1 when an address is taken."""
    settings = read_settings_or_exit(RateLimitSettings, NAME, os.environ)
    telemetry.configure_logs(NAME, settings.log_level)
    try:
        telemetry.start_metrics(settings.metrics_listen)
        uvloop.run(serve(settings))
    except OSError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
