"""One WebSocket: the client's frames in, the stream's frames out, a reason for every end."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any

import structlog
from google.protobuf import json_format
from marketplace.realtime.v1 import live_service_pb2 as pb
from prometheus_client import Counter
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from mesh.call import Account
from mesh.contract import find_method
from mesh.errors import InvalidInput, LimitReached, MeshError, Unauthenticated
from mesh.identity import TokenVerifier
from mesh.interceptors.policy import require_role
from mesh.interceptors.validation import require_valid
from mesh.tasks import cancel
from services.realtime.model import Position, too_slow
from services.realtime.ports import Ports
from services.realtime.servicer.live import caller_of
from services.realtime.wire import read_point, read_position, write_frame, write_refusal
from services.realtime.workflows.live_stream import LiveStream
from services.realtime.workflows.locations import publish_locations

_SUBSCRIBE = find_method("/marketplace.realtime.v1.LiveService/Subscribe")
_PUBLISH = find_method("/marketplace.realtime.v1.LiveService/PublishLocations")

_AUTHENTICATE_SECONDS = 5.0
_CLOSE_SECONDS = 3.0
_SEND_SECONDS = 10.0  # how long a client may leave unread what was sent to it
_FRAMES_AT_ONCE = 60
_FRAMES_A_SECOND = 10.0
_DEEPEST_JSON = 10
_SCHEME = "bearer "
_POLICY_VIOLATION, _INTERNAL_ERROR, _TRY_AGAIN_LATER = 1008, 1011, 1013  # RFC 6455 and its registry

_ENDED = Counter("realtime_sockets_ended", "WebSockets that were ended from here, by reason.", ("reason",))
_log = structlog.get_logger()


class Session:
    """A connection from its first frame to its end, which carries a stable reason; 1013 when it helps to try again."""

    def __init__(self, connection: ServerConnection, verifier: TokenVerifier, ports: Ports) -> None:
        self._connection = connection
        self._verifier = verifier
        self._ports = ports
        self._allowance = _Allowance(asyncio.get_running_loop().time())
        self._sending: asyncio.Task[None] | None = None

    async def run(self, authorization: str) -> None:
        """Serves the connection until either side ends it."""
        try:
            await self._until_it_ends(self._receive(authorization))
        finally:
            if self._sending is not None:
                await cancel([self._sending])

    async def _until_it_ends(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ConnectionClosed:
            return
        except MeshError as error:
            await self._end(_POLICY_VIOLATION if error.retry_after_seconds is None else _TRY_AGAIN_LATER, error.reason)
        except Exception:
            _log.exception("socket failed")
            await self._end(_INTERNAL_ERROR, "INTERNAL")

    async def _end(self, code: int, reason: str) -> None:
        _ENDED.labels(reason).inc()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._connection.close(code, reason)
        except TimeoutError:  # a client that does not read cannot be told
            self._connection.transport.abort()

    async def _receive(self, authorization: str) -> None:
        """Takes the client's frames. What is wrong with one is told, and the connection stays; without a good token it ends."""
        account = await self._authenticate(authorization)
        stream = LiveStream(self._ports, caller_of(account))
        async for text in self._connection:
            self._allowance.take(asyncio.get_running_loop().time())
            try:
                account = await self._take(_read(text), account, stream)
            except Unauthenticated:
                raise
            except MeshError as error:
                await self._send(write_refusal(error, self._ports.clock.now()))

    async def _authenticate(self, authorization: str) -> Account:
        """Who is calling, by the upgrade's header or by the first frame."""
        if authorization[: len(_SCHEME)].lower() == _SCHEME:
            return await self._verify(authorization[len(_SCHEME) :])
        try:
            async with asyncio.timeout(_AUTHENTICATE_SECONDS):
                frame = _read(await self._connection.recv())
        except TimeoutError:
            raise _token_missing() from None
        if not frame.HasField("authenticate"):
            raise _token_missing()
        return await self._verify(frame.authenticate.access_token)

    async def _verify(self, token: str) -> Account:
        account = self._verifier.recall(token) or await self._verifier.verify(token)
        require_role(_SUBSCRIBE.roles, account)
        return account

    async def _take(self, frame: pb.ClientFrame, account: Account, stream: LiveStream) -> Account:
        """Does what a frame asks for. Gives the account, with its fresher token if that is what the frame brought."""
        match frame.WhichOneof("frame"):
            case "authenticate":
                fresher = await self._verify(frame.authenticate.access_token)
                if fresher.account_id != account.account_id:
                    raise InvalidInput("FRAME_INVALID", "A connection belongs to one account; open another one.")
                stream.caller, account = caller_of(fresher), fresher
            case "subscribe":
                await stream.watch(frame.subscribe.booking_id)
                if self._sending is None:
                    forward = self._forward(stream, read_position(frame.subscribe))
                    self._sending = asyncio.create_task(self._until_it_ends(forward))
            case "locations":
                require_role(_PUBLISH.roles, account)
                points = [read_point(point) for point in frame.locations.points]
                await publish_locations(self._ports, stream.caller, frame.locations.booking_id, points)
        return account

    async def _forward(self, stream: LiveStream, resume_from: Position | None) -> None:
        async with aclosing(stream.frames(resume_from)) as frames:
            async for frame in frames:
                await self._send(write_frame(frame, self._ports.clock.now()))

    async def _send(self, event: pb.LiveEvent) -> None:
        """Sends one frame, as JSON like the edge's. Raises LimitReached when the client does not read."""
        text = json_format.MessageToJson(
            event, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
        )
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._connection.send(text)
        except TimeoutError:
            raise too_slow() from None


class _Allowance:
    """How many frames a client may send: some at once, and so many a second."""

    def __init__(self, now: float) -> None:
        self._left = float(_FRAMES_AT_ONCE)
        self._time = now

    def take(self, now: float) -> None:
        """Takes one. Raises LimitReached (TOO_MANY_FRAMES)."""
        self._left = min(_FRAMES_AT_ONCE, self._left + (now - self._time) * _FRAMES_A_SECOND) - 1
        self._time = now
        if self._left < 0:
            sentence = f"A connection takes {_FRAMES_A_SECOND:g} frames a second, and {_FRAMES_AT_ONCE} at once."
            raise LimitReached("TOO_MANY_FRAMES", sentence, retry_after_seconds=1)


def _read(text: str | bytes) -> pb.ClientFrame:
    """A client's frame. Raises InvalidInput (FRAME_INVALID, REQUEST_INVALID)."""
    try:
        if isinstance(text, bytes):
            raise json_format.ParseError("binary")
        frame = json_format.Parse(text, pb.ClientFrame(), max_recursion_depth=_DEEPEST_JSON)
    except (json_format.ParseError, RecursionError):
        raise InvalidInput("FRAME_INVALID", "A frame is the JSON of one ClientFrame, as text.") from None
    if frame.WhichOneof("frame") is None:
        raise InvalidInput("FRAME_INVALID", "A frame says one of authenticate, subscribe and locations.")
    require_valid(frame)
    return frame


def _token_missing() -> Unauthenticated:
    return Unauthenticated("TOKEN_MISSING", "This needs an access token in the upgrade's header or in the first frame.")
