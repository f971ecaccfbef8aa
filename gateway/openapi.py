"""The OpenAPI 3.1 document of the edge, from the contract and its comments."""

import json
import re
from http import HTTPStatus

from gateway.comments import Reason, comment, mesh_reason, promised_reasons
from gateway.rules import Schema, is_required
from gateway.schemas import Schemas, is_raw, query_fields
from mesh.contract import MethodContract, RestBinding, methods

_HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}  # as the transcoder maps them [google/rpc/code.proto]
_DESCRIPTION = """\
Made from the marketplace's Protobuf contract; the same methods answer gRPC and gRPC-web at the path that `x-grpc-method` gives.

- Fields are in snake_case, enums by name, 64-bit integers as text, times as RFC 3339. lowerCamelCase names, enum numbers and \
JSON numbers are understood too. Unknown query parameters are refused; unknown members of a JSON body are ignored.
- Errors are a `google.rpc.Status`: `details` has a `google.rpc.ErrorInfo` whose `reason` is stable. The status says what kind \
of failure it is; a program decides by the reason.
- A trace of one's own is continued when it comes in the header `traceparent`.
- A server stream answers with one JSON object a line.
"""


def render_openapi() -> str:
    """The document as JSON."""
    return json.dumps(openapi_document(), ensure_ascii=False, separators=(",", ":"))


def openapi_document() -> Schema:
    """The document [OpenAPI 3.1.0] of every method at the edge that has a REST path."""
    schemas = Schemas()
    paths: dict[str, Schema] = {}
    at_edge = [method for method in methods() if method.is_edge]
    for method in at_edge:
        for index, binding in enumerate(method.rest):
            operation = _operation(schemas, method, binding, index)
            paths.setdefault(_path(binding), {})[binding.verb.lower()] = operation
        if method.websocket_path:  # its frames are named by no method
            for message in method.descriptor.containing_service.file.message_types_by_name.values():
                schemas.message(message)
    tags = sorted({method.service_full_name for method in at_edge})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Marketplace", "version": "1", "description": _DESCRIPTION, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "tags": [{"name": _short(tag), "description": comment(tag)} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Error": _ERROR, **dict(sorted(schemas.components.items()))},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(schemas: Schemas, method: MethodContract, binding: RestBinding, index: int) -> Schema:
    text = comment(f"{method.service_full_name}.{method.name}")
    operation: Schema = {
        "operationId": f"{_short(method.service_full_name)}_{method.name}" + (str(index + 1) if index else ""),
        "tags": [_short(method.service_full_name)],
        "summary": re.split(r"(?<=[.!?:;])\s", text, maxsplit=1)[0].rstrip(":;"),
        "description": "\n\n".join([text, *_facts(method)]),
        "x-grpc-method": method.path,
        "security": [] if method.is_public else [{"token": []}],
        "parameters": _parameters(schemas, method, binding),
        "responses": _responses(schemas, method, binding),
    }
    body = _body(schemas, method, binding)
    return operation | ({"requestBody": body} if body else {}) | ({"deprecated": True} if method.deprecation else {})


def _facts(method: MethodContract) -> list[str]:
    facts = []
    if method.roles:
        facts.append(f"Needs the role {' or '.join(sorted(method.roles))}.")
    if method.needs_step_up:
        facts.append("Needs a log-in or ReAuthenticate within the last 5 minutes.")
    if method.rate:
        whom = "an account" if method.rate.scope == "account" else "a client address"
        facts.append(f"At most {method.rate.requests} calls in {method.rate.per_seconds:g} s for {whom}.")
    if method.deprecation:
        ends = f"; it may be gone from {method.deprecation.sunset} on" if method.deprecation.sunset else ""
        facts.append(f"Deprecated since {method.deprecation.since}{ends}.")
    if method.deadline_seconds:
        facts.append(f"Answers within {method.deadline_seconds:g} s.")
    if method.is_server_streaming:
        facts.append("The answer is a stream: one JSON object a line, until the client ends it.")
    if method.websocket_path:
        facts.append(
            f"Also as a WebSocket at `{method.websocket_path}`. The token is the header `authorization` of the upgrade, or comes "
            "in the first frame where headers cannot be set."
        )
    return facts


def _parameters(schemas: Schemas, method: MethodContract, binding: RestBinding) -> list[Schema]:
    message, taken = method.descriptor.input_type, set(_variables(binding))
    found = [
        {"name": name, "in": "path", "required": True, "schema": schemas.field(message.fields_by_name[name])}
        for name in _variables(binding)
    ]
    if binding.body != "*":
        for path, field in query_fields(message, taken | {binding.body}):
            found.append({"name": path, "in": "query", "required": is_required(field), "schema": schemas.field(field)})
    if method.idempotency_key:
        found.append(_IDEMPOTENCY_KEY | {"required": method.idempotency_key == "required"})
    return found


def _body(schemas: Schemas, method: MethodContract, binding: RestBinding) -> Schema | None:
    message = method.descriptor.input_type
    if not binding.body:
        return None
    if binding.body == "*":
        fields = [field for field in message.fields if field.name not in _variables(binding)]
        content = {"application/json": {"schema": schemas.object_of(message, fields)}}
    elif is_raw(message.fields_by_name[binding.body]):
        content = {"*/*": {"schema": {}}}
    else:
        content = {"application/json": {"schema": schemas.field(message.fields_by_name[binding.body])}}
    return {"required": True, "content": content}


def _responses(schemas: Schemas, method: MethodContract, binding: RestBinding) -> Schema:
    output = method.descriptor.output_type
    schema = schemas.field(output.fields_by_name[binding.response_body]) if binding.response_body else schemas.message(output)
    found: Schema = {"200": {"description": comment(output.full_name), "content": {"application/json": {"schema": schema}}}}
    by_status: dict[int, list[Reason]] = {}
    for reason in (*promised_reasons(method), *_reasons_of_the_mesh(method, binding)):
        by_status.setdefault(413 if reason.name == "REQUEST_TOO_LARGE" else _HTTP_STATUS[reason.code], []).append(reason)
    for status, reasons in sorted(by_status.items()):
        found[str(status)] = _refusal(HTTPStatus(status).phrase, reasons)
    return found | {"default": _refusal("Any other failure", [])}


def _reasons_of_the_mesh(method: MethodContract, binding: RestBinding) -> list[Reason]:
    names = ["REQUEST_INVALID", "RATE_LIMITED", "OVERLOADED", "INTERNAL", "DEPENDENCY_UNAVAILABLE"]
    if not method.is_public:
        names += ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "ROLE_REQUIRED"]
    if method.needs_step_up:
        names.append("STEP_UP_REQUIRED")
    if method.owner_kind == "account":
        names.append("NOT_FOUND")
    if method.idempotency_key:
        names += ["IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENT_CALL_IN_PROGRESS"]
    if method.idempotency_key == "required":
        names.append("IDEMPOTENCY_KEY_REQUIRED")
    if binding.body:
        names.append("REQUEST_TOO_LARGE")
    if method.deadline_seconds:
        names.append("DEADLINE_PASSED")
    if method.is_server_streaming:
        names.append("SERVICE_STOPPING")
    return [mesh_reason(name) for name in names]


def _refusal(phrase: str, reasons: list[Reason]) -> Schema:
    lines = [f"- `{reason.name}`: {reason.meaning}" for reason in reasons]
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": "\n".join([f"{phrase}.", *([""] if lines else []), *lines]), "content": content}


def _variables(binding: RestBinding) -> list[str]:
    return [variable.partition("=")[0] for variable in re.findall(r"\{([^}]*)\}", binding.path)]


def _path(binding: RestBinding) -> str:
    return re.sub(r"\{([^}=]*)=[^}]*\}", r"{\1}", binding.path)


def _short(full_name: str) -> str:
    return full_name.rpartition(".")[2]


_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_IDEMPOTENCY_KEY = {
    "name": "idempotency-key",
    "in": "header",
    "description": "Made by the client for one intention: a repeated call with the same key has one effect and the same answer.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,128}$"},
}
_ERROR: Schema = {
    "type": "object",
    "description": "A google.rpc.Status.",
    "properties": {
        "code": {"type": "integer", "format": "int32", "description": "The kind of failure [google.rpc.Code]."},
        "message": {"type": "string", "description": "One sentence for a person."},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "@type": {"type": "string", "description": "E.g. type.googleapis.com/google.rpc.ErrorInfo."},
                    "reason": {"type": "string", "description": "Stable; for programs. In ErrorInfo."},
                    "domain": {"type": "string", "description": "Whose reason it is. In ErrorInfo."},
                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                    "field_violations": {"type": "array", "items": {"type": "object"}, "description": "In BadRequest."},
                    "retry_delay": {"type": "string", "description": "When to try again. In RetryInfo."},
                },
                "required": ["@type"],
            },
        },
    },
    "required": ["code", "message"],
}
