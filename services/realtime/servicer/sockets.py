"""The WebSocket door: who may come in, how many, and how they are sent on when the process stops."""

import asyncio
import ssl
from http import HTTPStatus

import structlog
from prometheus_client import Gauge
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from mesh.identity import SPIFFE_PREFIX, TokenVerifier
from mesh.interceptors.policy import GATEWAY
from mesh.tracing import enter_trace, read_traceparent
from services.realtime.ports import Ports
from services.realtime.servicer.session import Session
from services.realtime.settings import RealtimeSettings

_LONGEST_FRAME_BYTES = 32 << 10
_FRAMES_WAITING = 4
_WRITE_BUFFER_BYTES = 64 << 10
_PING_SECONDS = 20.0
_CLOSE_SECONDS = 2.0
_RESTARTING = 1012
_PATH = "/v1/live"

_OPEN = Gauge("realtime_sockets_open", "WebSockets open now.")
_log = structlog.get_logger()


class LiveSockets:
    """Serves WebSockets of the edge over mTLS from `start` until `stop`."""

    def __init__(self, settings: RealtimeSettings, verifier: TokenVerifier, ports: Ports) -> None:
        self.port = 0
        self._settings = settings
        self._verifier = verifier
        self._ports = ports
        self._open: set[ServerConnection] = set()
        self._server: Server | None = None
        _OPEN.set_function(lambda: len(self._open))

    async def start(self) -> None:
        """Listens. Raises OSError when the address is taken."""
        host, _, port = self._settings.websocket_listen.rpartition(":")
        self._server = await serve(
            self._serve,
            host.strip("[]"),
            int(port),
            ssl=_mutual_tls(self._settings),
            process_request=self._admit,
            compression=None,  # frames are small, and a compressor a connection is not
            max_size=_LONGEST_FRAME_BYTES,
            max_queue=_FRAMES_WAITING,
            write_limit=_WRITE_BUFFER_BYTES,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            server_header=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Takes no more connections and closes those there are, so that clients resume elsewhere."""
        if self._server is None:
            return
        self._server.close(close_connections=False)
        async with asyncio.TaskGroup() as closing:
            for connection in tuple(self._open):
                closing.create_task(connection.close(_RESTARTING, "SERVICE_STOPPING"))
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuses whoever is not the edge, and what is beyond the capacity."""
        if not _is_from_the_edge(connection):
            return connection.respond(HTTPStatus.FORBIDDEN, "Only the edge may connect.\n")
        if request.path.partition("?")[0] != _PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"WebSockets are served at {_PATH}.\n")
        if len(self._open) >= self._settings.max_open_streams:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "OVERLOADED\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        headers = {} if connection.request is None else connection.request.headers
        enter_trace(read_traceparent(headers.get("traceparent"), headers.get("x-request-id")))
        self._open.add(connection)
        try:
            await Session(connection, self._verifier, self._ports).run(headers.get("authorization", ""))
        finally:
            self._open.discard(connection)
            _log.info("socket closed", code=connection.close_code, reason=connection.close_reason)


def _mutual_tls(settings: RealtimeSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file)
    context.load_verify_locations(settings.tls_ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _is_from_the_edge(connection: ServerConnection) -> bool:
    certificate = connection.transport.get_extra_info("peercert") or {}
    names = [name for kind, name in certificate.get("subjectAltName", ()) if kind == "URI"]
    return names == [SPIFFE_PREFIX + GATEWAY]
