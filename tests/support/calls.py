"""One call of any method by any door, made from its contract alone: REST, gRPC-web and gRPC at the edge, gRPC at the service."""

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import grpc
import httpx
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from mesh.contract import MethodContract
from mesh.local.certificates import Certificate
from mesh.local.stack import Stack
from mesh.status_details import STATUS_DETAILS_KEY

DOORS = ("REST", "gRPC-web", "gRPC", "service")
"""The doors of the edge, and the service itself, asked with the gateway's certificate as if there were no edge."""

_TRAILERS = 0x80
_HEADER_BYTES = 5
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}
_TIMEOUT_SECONDS = 20.0
_WEB = "application/grpc-web+proto"


@dataclass(frozen=True)
class Outcome:
    """How a call ended: the status, and what an error says."""

    code: str
    reason: str = ""
    message: str = ""


@dataclass
class Caller:
    """Calls a running stack. A server stream counts as answered with its first message."""

    services: Mapping[str, grpc.aio.Channel]
    edge: grpc.aio.Channel | None = None  # nothing inside the mesh
    http: httpx.AsyncClient | None = None

    async def call(self, door: str, method: MethodContract, request: Message, token: str = "") -> Outcome:
        """One call by one of the DOORS, with a new idempotency key where the contract knows one."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if method.idempotency_key:
            headers["idempotency-key"] = uuid4().hex
        if door == "REST":
            return await self._rest(method, request, headers)
        if door == "gRPC-web":
            return await self.web(method, request.SerializeToString(), headers)
        channel = self.edge if door == "gRPC" else self.services[method.service]
        assert channel is not None
        return await native(channel, method, request, headers)

    async def _rest(self, method: MethodContract, request: Message, headers: Mapping[str, str]) -> Outcome:
        verb, path, params, body = rest_form(method, request)
        assert self.http is not None
        async with self.http.stream(verb, path, params=params, json=body, headers=headers) as answer:
            if answer.status_code == httpx.codes.OK and method.is_server_streaming:
                await anext(answer.aiter_bytes())
                return Outcome("OK")
            return rest_outcome(answer.status_code, await answer.aread())

    async def web(
        self, method: MethodContract, body: bytes, headers: Mapping[str, str], silence_seconds: float = _TIMEOUT_SECONDS
    ) -> Outcome:
        """One call by gRPC-web whose request is these bytes. Raises httpx.ReadTimeout after a silence of so many seconds."""
        frame = b"\0" + len(body).to_bytes(4, "big") + body
        sent = {"content-type": _WEB, "accept": _WEB, **headers}
        assert self.http is not None
        timeout = httpx.Timeout(_TIMEOUT_SECONDS, read=silence_seconds)
        async with self.http.stream("POST", method.path, content=frame, headers=sent, timeout=timeout) as answer:
            if "grpc-status" in answer.headers:
                return _of_fields(answer.headers)
            received = b""
            async for chunk in answer.aiter_bytes():
                received += chunk
                if method.is_server_streaming and len(received) > _HEADER_BYTES and not received[0] & _TRAILERS:
                    return Outcome("OK")
        return _of_fields(_trailers(received))


async def native(channel: grpc.aio.Channel, method: MethodContract, request: Message, headers: Mapping[str, str]) -> Outcome:
    """One call by gRPC on this channel."""
    make: Any = channel.unary_stream if method.is_server_streaming else channel.unary_unary
    call = make(method.path)(request.SerializeToString(), metadata=list(headers.items()), timeout=_TIMEOUT_SECONDS)
    try:
        if method.is_server_streaming:
            await anext(aiter(call))
            call.cancel()
        else:
            await call
    except grpc.aio.AioRpcError as failure:
        details = dict(failure.trailing_metadata() or ()).get(STATUS_DETAILS_KEY)
        return Outcome(failure.code().name, _reason(details), failure.details() or "")
    return Outcome("OK")


def rest_form(method: MethodContract, request: Message) -> tuple[str, str, dict[str, Any], Any]:
    """Verb, path, query and JSON body of the method's first REST door for this request."""
    return rest_form_of(method, MessageToDict(request, preserving_proto_field_name=True))


def rest_form_of(method: MethodContract, request: Mapping[str, Any]) -> tuple[str, str, dict[str, Any], Any]:
    """The same for what JSON would be made of, whether or not it is a request at all."""
    binding, fields = method.rest[0], dict(request)

    def take(found: "re.Match[str]") -> str:
        value = fields.pop(found[1], "")
        return quote(value if isinstance(value, str) else json.dumps(value), safe="", errors="surrogatepass")

    path = re.sub(r"\{([^}=]*)[^}]*\}", take, binding.path)
    if binding.body == "*":
        return binding.verb, path, {}, fields
    body = fields.pop(binding.body, {}) if binding.body else None
    return binding.verb, path, dict(_flat(fields)), body


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def rest_outcome(status: int, body: bytes) -> Outcome:
    """What an answer by REST says in the words of gRPC."""
    if status == httpx.codes.OK:
        return Outcome("OK")
    error = json.loads(body)
    reasons = [detail["reason"] for detail in error["details"] if "reason" in detail]
    return Outcome(_CODES[error["code"]], reasons[0] if reasons else "", error["message"])


def _trailers(frames: bytes) -> dict[str, str]:
    while frames and not frames[0] & _TRAILERS:
        frames = frames[_HEADER_BYTES + int.from_bytes(frames[1:_HEADER_BYTES], "big") :]
    lines = [line.partition(":") for line in frames[_HEADER_BYTES:].decode().splitlines() if line]
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _of_fields(fields: Mapping[str, str]) -> Outcome:
    details = fields.get(STATUS_DETAILS_KEY)
    packed = base64.b64decode(details + "==") if details else None
    return Outcome(_CODES[int(fields["grpc-status"])], _reason(packed), unquote(fields.get("grpc-message", "")))


def _reason(details: str | bytes | None) -> str:
    for each in Status.FromString(details).details if isinstance(details, bytes) else ():
        info = ErrorInfo()
        if each.Unpack(info):
            return str(info.reason)
    return ""


def service_channel(stack: Stack, service: str, certificate: Certificate, pretended: str = "") -> grpc.aio.Channel:
    """A channel to a service of the stack with this certificate; the service must prove that it is that one, or the pretended."""
    files = (certificate.ca_file, certificate.key_file, certificate.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [("grpc.ssl_target_name_override", pretended or service)]
    return grpc.aio.secure_channel(stack.addresses.services[service], credentials, options)


@asynccontextmanager
async def calling(stack: Stack) -> AsyncIterator[Caller]:
    """Opens every door of a running stack."""
    certificate = stack.certificate("gateway")
    services = {name: service_channel(stack, name, certificate) for name in stack.addresses.services}
    edge = grpc.aio.insecure_channel(stack.addresses.edge.removeprefix("http://"))
    async with httpx.AsyncClient(base_url=stack.addresses.edge, timeout=_TIMEOUT_SECONDS) as http:
        try:
            yield Caller(services, edge, http)
        finally:
            for channel in (edge, *services.values()):
                await channel.close()
