"""What clients are told when the edge itself refuses a call: the same google.rpc.Status that services send [AIP-193].

A native gRPC or gRPC-web call gets status and details as headers; so does a transcoded one, and the transcoder makes JSON of them;
a call that was refused before it was transcoded gets the same JSON from here.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.shapes import Config, extension, header, typed
from mesh.status_details import MESH_DOMAIN, STATUS_DETAILS_KEY

_ENVOYS_OWN_TEXT = "%LOCAL_REPLY_BODY%"
_FROM_TRANSCODER = "response.code_details.startsWith('grpc_json_transcode')"
_IS_GRPC = (
    f"'content-type' in request.headers && request.headers['content-type'].startsWith('application/grpc') && !{_FROM_TRANSCODER}"
)


@dataclass(frozen=True)
class Refusal:
    """What a client is told: the reason is one of the mesh's own, mesh/v1/error_reason.proto."""

    reason: str
    code: grpc.StatusCode
    http_status: int
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_after_seconds: int = 0  # 0: trying again does not help by itself


_CODE = grpc.StatusCode
TOKEN_MISSING = Refusal(
    "TOKEN_MISSING", _CODE.UNAUTHENTICATED, 401, "This needs an access token in the header `authorization: Bearer …`."
)
TOKEN_EXPIRED = Refusal("TOKEN_EXPIRED", _CODE.UNAUTHENTICATED, 401, "The access token is over; refresh the session.")
TOKEN_INVALID = Refusal("TOKEN_INVALID", _CODE.UNAUTHENTICATED, 401, "The access token is not valid; log in again.")
KEYS_UNAVAILABLE = Refusal(
    "DEPENDENCY_UNAVAILABLE", _CODE.UNAVAILABLE, 503, "Tokens cannot be verified right now.", {"dependency": "keys"}, 1
)
RATE_LIMITED = Refusal("RATE_LIMITED", _CODE.RESOURCE_EXHAUSTED, 429, "Too many calls; come again a little later.", {}, 1)
REQUEST_TOO_LARGE = Refusal("REQUEST_TOO_LARGE", _CODE.RESOURCE_EXHAUSTED, 413, "The body of the request is larger than 1 MiB.")
PATH_UNKNOWN = Refusal("PATH_UNKNOWN", _CODE.NOT_FOUND, 404, "There is nothing at this path for this method.")
METHOD_UNKNOWN = Refusal("PATH_UNKNOWN", _CODE.UNIMPLEMENTED, 404, "There is no such gRPC method at the edge.")
ORIGIN_NOT_ALLOWED = Refusal("ORIGIN_NOT_ALLOWED", _CODE.PERMISSION_DENIED, 403, "Pages of this origin may not connect.")
REQUEST_INVALID = Refusal("REQUEST_INVALID", _CODE.INVALID_ARGUMENT, 400, "The request is not well-formed.")
NOT_TRANSCODABLE = Refusal("REQUEST_INVALID", _CODE.INVALID_ARGUMENT, 400, _ENVOYS_OWN_TEXT)
DEADLINE_PASSED = Refusal("DEADLINE_PASSED", _CODE.DEADLINE_EXCEEDED, 504, "This took longer than it may.")
UNAVAILABLE = Refusal(
    "DEPENDENCY_UNAVAILABLE", _CODE.UNAVAILABLE, 503, "The service does not answer right now.", {"dependency": "service"}, 1
)

# When Envoy refuses, the first condition that holds decides [Common Expression Language over its response attributes].
_CASES: tuple[tuple[str, Refusal, Refusal], ...] = tuple(
    (condition, as_grpc, as_json)
    for condition, as_grpc, as_json in (
        ("response.code_details.contains('Jwt_is_missing')", TOKEN_MISSING, TOKEN_MISSING),
        ("response.code_details.contains('Jwt_is_expired')", TOKEN_EXPIRED, TOKEN_EXPIRED),
        ("response.code_details.contains('Jwks_remote_fetch')", KEYS_UNAVAILABLE, KEYS_UNAVAILABLE),
        ("response.code_details.startsWith('jwt_authn')", TOKEN_INVALID, TOKEN_INVALID),
        ("response.code == 429", RATE_LIMITED, RATE_LIMITED),
        ("response.code == 413", REQUEST_TOO_LARGE, REQUEST_TOO_LARGE),
        ("response.code == 404", METHOD_UNKNOWN, PATH_UNKNOWN),
        ("response.code == 403", ORIGIN_NOT_ALLOWED, ORIGIN_NOT_ALLOWED),
        (f"{_FROM_TRANSCODER} && response.code < 500", NOT_TRANSCODABLE, NOT_TRANSCODABLE),
        ("response.code == 504", DEADLINE_PASSED, DEADLINE_PASSED),
        ("response.code >= 500", UNAVAILABLE, UNAVAILABLE),
        ("response.code >= 400", REQUEST_INVALID, REQUEST_INVALID),
    )
)


def local_replies() -> Config:
    """How Envoy writes its own refusals."""
    return {"mappers": list(_mappers())}


def status_header(refusal: Refusal, retry_after_seconds: int = 0) -> Config:
    """The header that carries status and details to gRPC clients and to the transcoder."""
    serialized = _status(refusal, retry_after_seconds).SerializeToString(deterministic=True)
    return header(STATUS_DETAILS_KEY, base64.b64encode(serialized).decode().rstrip("="))


def _mappers() -> Iterator[Config]:
    for condition, as_grpc, as_json in _CASES:
        yield _mapper(f"{condition} && {_IS_GRPC}", _grpc_headers(as_grpc), _text(as_grpc), as_grpc)
        yield _mapper(condition, _json_headers(as_json), _json(as_json), as_json)


def _mapper(condition: str, headers: list[Config], body_format: Config, refusal: Refusal) -> Config:
    expression = typed("extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=condition)
    return {
        "filter": {"extension_filter": extension("envoy.access_loggers.extension_filters.cel", expression)},
        "status_code": refusal.http_status,
        "headers_to_add": headers,
        "body_format_override": body_format,
    }


def _grpc_headers(refusal: Refusal) -> list[Config]:
    headers = [header("grpc-status", str(refusal.code.value[0]))]
    if refusal is not RATE_LIMITED:  # the method's own rate has set the details, which say when to come again
        headers.append(status_header(refusal))
    return headers


def _json_headers(refusal: Refusal) -> list[Config]:
    return [header("retry-after", str(refusal.retry_after_seconds))] if refusal.retry_after_seconds else []


def _text(refusal: Refusal) -> Config:
    return {"text_format_source": {"inline_string": _literal(refusal.message)}}


def _json(refusal: Refusal) -> Config:
    body = MessageToDict(_status(refusal), preserving_proto_field_name=True)
    return {"json_format": _escaped(body), "content_type": "application/json"}


def _status(refusal: Refusal, retry_after_seconds: int = 0) -> Status:
    status = Status(code=refusal.code.value[0], message=refusal.message)
    _pack(status, ErrorInfo(reason=refusal.reason, domain=MESH_DOMAIN, metadata=refusal.metadata))
    seconds = retry_after_seconds or refusal.retry_after_seconds
    if seconds:
        retry = RetryInfo()
        retry.retry_delay.FromSeconds(seconds)
        _pack(status, retry)
    return status


def _pack(status: Status, detail: ErrorInfo | RetryInfo) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    status.details.append(packed)


def _escaped(value: object) -> object:
    """Percent signs doubled in every text, so that Envoy takes them literally."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return _literal(value) if isinstance(value, str) else value


def _literal(text: str) -> str:
    return text if text == _ENVOYS_OWN_TEXT else text.replace("%", "%%")
