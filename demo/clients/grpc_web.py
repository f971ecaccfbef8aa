"""The gRPC-web door, as a mobile or a browser app uses it: Protobuf in frames over plain HTTP [gRPC-Web protocol]."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import unquote

import grpc
import httpx
from google.protobuf.message import Message

from demo.clients.patience import attempts
from mesh.tracing import current_trace

Response = TypeVar("Response", bound=Message)

_HEADER_BYTES = 5
_TRAILERS = 0x80
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)  # to be asked again


class GrpcWebError(Exception):
    """A call ended with another status than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


class GrpcWebClient:
    """Calls the edge by gRPC-web, with the generated messages."""

    def __init__(self, base_url: str, patience_seconds: float = 0.0) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=15.0)
        self._patience_seconds = patience_seconds

    async def call(
        self, path: str, request: Message, response_class: type[Response], *, token: str = "", key: str = ""
    ) -> Response:
        """One unary call of "/package.Service/Method", sent again while it is not available. Raises GrpcWebError."""
        found: list[Response] = []
        async for is_last in attempts(self._patience_seconds):
            try:
                async with self.stream(path, request, response_class, token=token, key=key) as responses:
                    found = [response async for response in responses]
                break
            except httpx.TransportError:
                if is_last:
                    raise
            except GrpcWebError as error:
                if is_last or error.code not in _NO_ANSWER:
                    raise
        if len(found) != 1:
            raise GrpcWebError(grpc.StatusCode.INTERNAL, f"{len(found)} messages came for a unary call")
        return found[0]

    @asynccontextmanager
    async def stream(
        self, path: str, request: Message, response_class: type[Response], *, token: str = "", key: str = ""
    ) -> AsyncIterator[AsyncIterator[Response]]:
        """A server stream: its responses as they come. Leaving the block ends it. Iterating raises GrpcWebError."""
        payload = request.SerializeToString()
        headers = {
            "content-type": "application/grpc-web+proto",
            "x-grpc-web": "1",
            "traceparent": current_trace().traceparent,
        }
        if token:
            headers["authorization"] = f"Bearer {token}"
        if key:
            headers["idempotency-key"] = key
        body = b"\0" + len(payload).to_bytes(4, "big") + payload
        timeout = httpx.Timeout(15.0, read=120.0)
        async with self._http.stream("POST", path, content=body, headers=headers, timeout=timeout) as answer:
            yield _responses(answer, response_class)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()


async def _responses(answer: httpx.Response, response_class: type[Response]) -> AsyncIterator[Response]:
    _raise_unless_ok(answer.headers)
    buffer = b""
    async for chunk in answer.aiter_bytes():
        buffer += chunk
        while len(buffer) >= _HEADER_BYTES:
            length = int.from_bytes(buffer[1:_HEADER_BYTES], "big")
            if len(buffer) < _HEADER_BYTES + length:
                break
            flags, frame, buffer = buffer[0], buffer[_HEADER_BYTES : _HEADER_BYTES + length], buffer[_HEADER_BYTES + length :]
            if flags & _TRAILERS:
                _raise_unless_ok(_trailers(frame))
            else:
                yield response_class.FromString(frame)
    if answer.status_code != httpx.codes.OK:
        raise GrpcWebError(grpc.StatusCode.UNKNOWN, f"HTTP {answer.status_code}")


def _trailers(frame: bytes) -> dict[str, str]:
    lines = [line.partition(":") for line in frame.decode().splitlines() if line]
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _raise_unless_ok(headers: Mapping[str, str]) -> None:
    status = headers.get("grpc-status", "0")
    if status != "0":
        raise GrpcWebError(_CODES[int(status)], unquote(headers.get("grpc-message", "")))
