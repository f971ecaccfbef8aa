"""Typed errors to google.rpc.Status and back [AIP-193]: the one place that knows how a failure looks on the wire."""

from collections.abc import Iterable

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from mesh import errors
from mesh.errors import FieldViolation, MeshError

STATUS_DETAILS_KEY = "grpc-status-details-bin"
MESH_DOMAIN = "mesh.marketplace"

CODES: dict[type[MeshError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.NotAllowedNow: grpc.StatusCode.FAILED_PRECONDITION,
    errors.LimitReached: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_KINDS: dict[int, type[MeshError]] = {code.value[0]: kind for kind, code in CODES.items()}


def code_of(error: MeshError) -> grpc.StatusCode:
    """The status of this kind of error, or of the kind that it specializes."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return grpc.StatusCode.INTERNAL


def to_status(error: MeshError, domain: str) -> Status:
    """The error as a client sees it. The domain says whose reason it is: "<service>.marketplace"."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=error.metadata)]
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=each.field, description=each.description)
            for each in error.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_after_seconds * 1000))
        details.append(retry)
    return _status(code_of(error), error.message, details)


def unknown_status(trace_id: str) -> Status:
    """What a client sees of a defect: nothing but the id to report it with."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason="INTERNAL", domain=MESH_DOMAIN, metadata={"trace_id": trace_id}),
        error_details_pb2.RequestInfo(request_id=trace_id),
    ]
    return _status(grpc.StatusCode.INTERNAL, "Something went wrong on our side; report it with the trace id.", details)


def from_rpc_error(failure: grpc.aio.AioRpcError, service: str) -> MeshError:
    """The typed error that the peer raised; by its status alone when it carries no details (it came from the transport)."""
    status = _read_status(failure)
    kind = _KINDS.get(failure.code().value[0])
    if status is not None and kind is not None:
        return _typed(kind, status)
    if failure.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.DeadlinePassed("DEADLINE_PASSED", f"{service} did not answer in time.", {"dependency": service})
    if failure.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return errors.LimitReached("OVERLOADED", f"{service} has too much to do.", {"dependency": service}, retry_after_seconds=1)
    return errors.Unavailable("DEPENDENCY_UNAVAILABLE", f"{service} does not answer.", {"dependency": service})


def _status(code: grpc.StatusCode, message: str, details: Iterable[Message]) -> Status:
    status = Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return status


def _read_status(failure: grpc.aio.AioRpcError) -> Status | None:
    for key, value in failure.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None


def _typed(kind: type[MeshError], status: Status) -> MeshError:
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        _unpack(detail, info, bad_request, retry)
    violations = tuple(FieldViolation(each.field, each.description) for each in bad_request.field_violations)
    seconds = retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None
    return kind(
        info.reason, status.message, info.metadata, violations=violations, retry_after_seconds=seconds, domain=info.domain
    )


def _unpack(detail: AnyMessage, *messages: Message) -> None:
    for message in messages:
        if detail.TypeName() == message.DESCRIPTOR.full_name:
            detail.Unpack(message)
