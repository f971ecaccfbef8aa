"""What clients are told when the edge itself refuses a call: the same google.rpc.Status that services send [AIP-193].

A native gRPC or gRPC-web call gets status and details as headers; so does a transcoded one, and the transcoder makes JSON of
them; a call that was refused before it was transcoded gets the same JSON from here.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.queries import DEADLINE_POLICY, ENCODING_POLICY
from gateway.shapes import Config, extension, header, typed
from mesh.status_details import MESH_DOMAIN, STATUS_DETAILS_KEY

_PRINTABLE = "".join(chr(each) for each in range(0x20, 0x7F) if each != ord("%"))
_ENVOYS_OWN_TEXT = "%LOCAL_REPLY_BODY%"
_FROM_TRANSCODER = "response.code_details.contains('grpc_json_transcode')"
# The transcoder has made gRPC of a REST call by then; the path that it came with tells them apart, and clients cannot send that.
_IS_GRPC = (
    "'content-type' in request.headers && request.headers['content-type'].startsWith('application/grpc')"
    " && !('x-envoy-original-path' in request.headers)"
)
ELSEWHERE = "websocket-from-elsewhere"  # the name of the route for upgrades of pages that may not connect


@dataclass(frozen=True)
class Refusal:
    """What a client is told: the reason is one of the mesh's own, mesh/v1/error_reason.proto."""

    reason: str
    code: grpc.StatusCode
    http_status: int  # by REST; 0: as Envoy chose it
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
REQUEST_INVALID = Refusal("REQUEST_INVALID", _CODE.INVALID_ARGUMENT, 0, "The request is not well-formed.")
QUERY_NOT_ALLOWED = Refusal(
    "REQUEST_INVALID", _CODE.INVALID_ARGUMENT, 400, "The query string may not say what the path or the body says."
)
DEADLINE_MALFORMED = Refusal(
    "REQUEST_INVALID",
    _CODE.INVALID_ARGUMENT,
    400,
    "The header `grpc-timeout` is not 1 to 8 digits above 0 and one of H, M, S, m, u, n.",
)
ENCODING_UNKNOWN = Refusal(
    "REQUEST_INVALID", _CODE.INVALID_ARGUMENT, 400, "The header `grpc-encoding` is none of identity, gzip and deflate."
)
NOT_TRANSCODABLE = Refusal("REQUEST_INVALID", _CODE.INVALID_ARGUMENT, 400, _ENVOYS_OWN_TEXT)
DEADLINE_PASSED = Refusal("DEADLINE_PASSED", _CODE.DEADLINE_EXCEEDED, 504, "This took longer than it may.")
UNAVAILABLE = Refusal(
    "DEPENDENCY_UNAVAILABLE", _CODE.UNAVAILABLE, 503, "The service does not answer right now.", {"dependency": "service"}, 1
)

# When Envoy refuses, the first condition that holds decides [Common Expression Language over its response attributes].
_CASES = (
    ("response.code_details.contains('Jwt_is_missing')", TOKEN_MISSING),
    ("response.code_details.contains('Jwt_is_expired')", TOKEN_EXPIRED),
    ("response.code_details.contains('Jwks_remote_fetch')", KEYS_UNAVAILABLE),
    ("response.code_details.startsWith('jwt_authn')", TOKEN_INVALID),
    (f"response.code_details.contains('{DEADLINE_POLICY.replace(' ', '_')}')", DEADLINE_MALFORMED),
    (f"response.code_details.contains('{ENCODING_POLICY.replace(' ', '_')}')", ENCODING_UNKNOWN),
    ("response.code_details.startsWith('rbac')", QUERY_NOT_ALLOWED),
    ("response.code == 429", RATE_LIMITED),
    ("response.code == 413", REQUEST_TOO_LARGE),
    (f"xds.route_name == '{ELSEWHERE}'", ORIGIN_NOT_ALLOWED),
    (f"response.code == 404 && {_IS_GRPC}", METHOD_UNKNOWN),
    ("response.code == 404 || response.code_details == 'upgrade_failed'", PATH_UNKNOWN),
    (f"{_FROM_TRANSCODER} && response.code < 500", NOT_TRANSCODABLE),
    ("response.code == 504", DEADLINE_PASSED),
    ("response.code >= 500", UNAVAILABLE),
    ("response.code >= 400", REQUEST_INVALID),
)


def local_replies() -> Config:
    """How Envoy writes its own refusals."""
    return {"mappers": list(_mappers())}


def status_header(refusal: Refusal, retry_after_seconds: int = 0) -> Config:
    """The header that carries status and details to gRPC clients and to the transcoder."""
    return header(STATUS_DETAILS_KEY, base64.b64encode(status_of(refusal, retry_after_seconds)).decode().rstrip("="))


def status_of(refusal: Refusal, retry_after_seconds: int = 0) -> bytes:
    """The google.rpc.Status of a refusal, serialized."""
    return bytes(_status(refusal, retry_after_seconds).SerializeToString(deterministic=True))


def _mappers() -> Iterator[Config]:
    for condition, refusal in _CASES:
        yield _mapper(f"({condition}) && {_IS_GRPC}", 200, _grpc_headers(refusal), _NOTHING)
        yield _mapper(condition, refusal.http_status, _json_headers(refusal), _json(refusal))


def _mapper(condition: str, http_status: int, headers: list[Config], body_format: Config) -> Config:
    expression = typed("extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=condition)
    mapper = {
        "filter": {"extension_filter": extension("envoy.access_loggers.extension_filters.cel", expression)},
        "headers_to_add": [*headers, _REQUEST_ID],
        "body_format_override": body_format,
    }
    return mapper | ({"status_code": http_status} if http_status else {})


# What is refused while its head is read has no id yet; Envoy's own takes the place of this one wherever there is one.
_REQUEST_ID = {**header("x-request-id", "%UNIQUE_ID%"), "append_action": "ADD_IF_ABSENT"}

# A body would be taken for the message of the status, and its end as one for what gRPC-web calls a success.
_NOTHING = {"text_format_source": {"inline_string": ""}, "content_type": "application/grpc"}


def _grpc_headers(refusal: Refusal) -> list[Config]:
    message = quote(refusal.message, safe=_PRINTABLE)  # as gRPC writes it [gRPC over HTTP/2: Status-Message]
    headers = [header("grpc-status", str(refusal.code.value[0])), header("grpc-message", _literal(message))]
    if refusal is not RATE_LIMITED:  # the method's own rate has set the details, which say when to come again
        headers.append(status_header(refusal))
    return headers


def _json_headers(refusal: Refusal) -> list[Config]:
    if refusal is RATE_LIMITED or not refusal.retry_after_seconds:
        return []
    return [header("retry-after", str(refusal.retry_after_seconds))]


def _json(refusal: Refusal) -> Config:
    body = MessageToDict(_status(refusal), preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    escaped = _escaped(body)
    if refusal is RATE_LIMITED:
        escaped["details"][1]["retry_delay"] = "%RESP(RETRY-AFTER)%s"
    return {"json_format": escaped, "content_type": "application/json"}


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


def _escaped(value: Any) -> Any:
    """Percent signs doubled in every text, so that Envoy takes them literally."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return _literal(value) if isinstance(value, str) else value


def _literal(text: str) -> str:
    return text if text == _ENVOYS_OWN_TEXT else text.replace("%", "%%")
