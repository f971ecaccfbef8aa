"""A real Envoy with the rendered configuration, and clients for each of its doors."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from gateway.envoy import render
from gateway.settings import EdgeSettings
from gateway.shapes import header
from mesh.contract import MethodContract
from mesh.local.program import Program
from mesh.local.programs import envoy_binary
from mesh.status_details import STATUS_DETAILS_KEY
from tests.gateway.backends import Backends
from tests.support.infrastructure import free_port

ORIGIN = "https://app.example"
ALL_ROLES = ("customer", "provider", "admin")
_TELLS = "x-answered-by"
EMPTY_FRAME = b"\0\0\0\0\0"


@dataclass(frozen=True)
class Outcome:
    """How a call by gRPC or gRPC-web ended, and whether a service had a part in it."""

    code: str
    reason: str
    came_from_service: bool
    request_id: str


@dataclass
class Edge:
    """A running edge and its clients."""

    settings: EdgeSettings
    program: Program
    backends: Backends
    rest: httpx.AsyncClient
    http2: httpx.AsyncClient
    channel: grpc.aio.Channel
    log: Path

    def bearer(self, *roles: str, **claims: Any) -> dict[str, str]:
        """The header of a good token; claims given replace its own."""
        return {"authorization": f"Bearer {self.backends.signer.sign(roles=list(roles or ALL_ROLES), **claims)}"}

    async def native(
        self, method: MethodContract, headers: Mapping[str, str], request: Message | None = None, timeout: float | None = None
    ) -> Outcome:
        """Calls by gRPC over HTTP/2 and reads what comes to its end."""
        body = b"" if request is None else request.SerializeToString()
        make: Any = self.channel.unary_stream if method.is_server_streaming else self.channel.unary_unary
        call = make(method.path)(body, metadata=list(headers.items()), timeout=timeout)
        try:
            if method.is_server_streaming:
                async for _ in call:
                    pass
            else:
                await call
        except grpc.aio.AioRpcError as failure:
            trailing = dict(failure.trailing_metadata() or ())
            told = dict(await call.initial_metadata()) | trailing
            return Outcome(
                failure.code().name,
                _reason(trailing.get(STATUS_DETAILS_KEY)),
                came_from_service(told),
                told.get("x-request-id", ""),
            )
        told = dict(await call.initial_metadata())
        return Outcome("OK", "", came_from_service(told), told.get("x-request-id", ""))

    async def native_status(self, method: MethodContract, headers: Mapping[str, str], body: bytes) -> Status:
        """The status of a call by gRPC that fails."""
        make: Any = self.channel.unary_unary
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await make(method.path)(body, metadata=list(headers.items()))
        details = dict(failure.value.trailing_metadata() or ())[STATUS_DETAILS_KEY]
        assert isinstance(details, bytes)
        return Status.FromString(details)

    async def web_status(self, path: str, headers: Mapping[str, str], message: bytes) -> Status:
        """The status of a call by gRPC-web that fails."""
        content = b"\0" + len(message).to_bytes(4) + message
        answer = await self.rest.post(path, content=content, headers={"content-type": "application/grpc-web+proto", **headers})
        return Status.FromString(base64.b64decode(_trailers(answer)[STATUS_DETAILS_KEY] + "=="))

    async def web(self, path: str, headers: Mapping[str, str], *, is_text: bool = False, body: bytes = EMPTY_FRAME) -> Outcome:
        """Calls by gRPC-web, binary or text."""
        kind = "application/grpc-web-text" if is_text else "application/grpc-web+proto"
        content = base64.b64encode(body) if is_text else body
        answer = await self.rest.post(path, content=content, headers={"content-type": kind, "accept": kind, **headers})
        assert answer.status_code == 200, answer.text
        fields = _trailers(answer, is_text=is_text)
        details = fields.get(STATUS_DETAILS_KEY)
        packed = base64.b64decode(details + "==") if details else None
        codes = {code.value[0]: code.name for code in grpc.StatusCode}
        return Outcome(
            codes[int(fields["grpc-status"])], _reason(packed), came_from_service(fields), fields.get("x-request-id", "")
        )


def _trailers(answer: httpx.Response, *, is_text: bool = False) -> dict[str, str]:
    """The headers of an answer by gRPC-web and what comes to its end."""
    if "grpc-status" in answer.headers:
        return dict(answer.headers)
    content = _decoded(answer.content) if is_text else answer.content
    trailers = content.rpartition(b"\x80")[2][4:].decode()  # after the mark of the last frame and its length
    return dict(answer.headers) | dict(line.split(":", 1) for line in trailers.split("\r\n") if line)


def came_from_service(headers: Mapping[str, Any]) -> bool:
    """Whether a service had a part in the answer, and not the edge alone."""
    return str(headers.get(_TELLS, "-")) != "-"


def _telling(bootstrap: str) -> str:
    """The same edge, which says with every answer where it has it from."""
    config = json.loads(bootstrap)
    edge = next(each for each in config["static_resources"]["listeners"] if each["name"] == "edge")
    manager = edge["filter_chains"][0]["filters"][0]["typed_config"]
    told = header(_TELLS, "%UPSTREAM_HOST%")
    manager["route_config"]["response_headers_to_add"].append(told)
    for mapper in manager["local_reply_config"]["mappers"]:
        mapper["headers_to_add"].append(told)
    return json.dumps(config)


def _decoded(text: bytes) -> bytes:
    """Base64 in parts that are padded each by itself."""
    return b"".join(base64.b64decode(text[start : start + 4]) for start in range(0, len(text), 4))


def _reason(details: str | bytes | None) -> str:
    for each in Status.FromString(details).details if isinstance(details, bytes) else ():
        info = ErrorInfo()
        if each.Unpack(info):
            return str(info.reason)
    return ""


def reason_of(answer: httpx.Response) -> str:
    """The reason in the body of a refusal by REST; holds it to the one shape that all have."""
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert isinstance(body["code"], int)
    assert body["message"]
    info = body["details"][0]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert set(info) == {"@type", "reason", "domain", "metadata"}
    return str(info["reason"])


def edge_settings(backends: Backends) -> EdgeSettings:
    """An edge before these backends, on free ports, with rates that no test reaches by accident."""
    certificate = backends.certificate("gateway")
    return EdgeSettings(
        listen=f"127.0.0.1:{free_port()}",
        admin_listen=f"127.0.0.1:{free_port()}",
        jwks_listen=f"127.0.0.1:{free_port()}",
        services=backends.addresses(),
        websocket=f"127.0.0.1:{backends.websocket_port}",
        ca_file=certificate.ca_file,
        certificate_file=certificate.certificate_file,
        key_file=certificate.key_file,
        rate_scale=1000,
        allowed_origins=(ORIGIN, "http://localhost:*"),
    )


@asynccontextmanager
async def running_edge(backends: Backends, folder: Path, **changes: Any) -> AsyncIterator[Edge]:
    """Starts an Envoy before the backends, with changes to the usual settings."""
    settings = replace(edge_settings(backends), **changes)
    config = folder / f"envoy-{free_port()}.json"
    config.write_text(_telling(render(settings)))
    port = int(settings.listen.rpartition(":")[2])
    name = config.stem
    command = [envoy_binary(), "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    program = Program(name, command, port, folder)
    await asyncio.to_thread(program.start)
    url = f"http://{settings.listen}"
    try:
        async with (
            httpx.AsyncClient(base_url=url, timeout=20) as rest,
            httpx.AsyncClient(base_url=url, timeout=20, http1=False, http2=True) as http2,
            grpc.aio.insecure_channel(settings.listen) as channel,
        ):
            yield Edge(settings, program, backends, rest, http2, channel, folder / f"{name}.log")
    finally:
        await asyncio.to_thread(program.stop)
