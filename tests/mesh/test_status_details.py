import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from mesh import errors
from mesh.errors import FieldViolation, MeshError
from mesh.events.lease import LeaseLost
from mesh.status_details import CODES, STATUS_DETAILS_KEY, code_of, from_rpc_error, to_status, unknown_status

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MeshError) and kind is not MeshError
]


def failure(code: grpc.StatusCode, details: bytes | None = None, key: str = STATUS_DETAILS_KEY) -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata(*([(key, details)] if details is not None else []))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, "what the transport says")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_failure_comes_back_as_what_it_was(kind: type[MeshError]) -> None:
    error = kind(
        "SOME_REASON",
        "A sentence for a person.",
        {"limit": "3", "größe": "ä"},
        violations=(FieldViolation("items[0].name", "must not be empty"), FieldViolation("", "is wrong")),
        retry_after_seconds=1.5,
    )
    status = to_status(error, "booking.marketplace")
    rebuilt = from_rpc_error(failure(CODES[kind], status.SerializeToString()), "booking")
    assert type(rebuilt) is kind
    assert (rebuilt.reason, rebuilt.message, rebuilt.metadata) == (error.reason, error.message, error.metadata)
    assert (rebuilt.violations, rebuilt.retry_after_seconds) == (error.violations, 1.5)
    assert rebuilt.domain == "booking.marketplace"


def test_kinds_and_statuses_are_one_to_one() -> None:
    assert set(CODES) == set(KINDS)
    assert len(set(CODES.values())) == len(KINDS)


def test_a_special_kind_has_the_status_of_what_it_specializes() -> None:
    assert code_of(LeaseLost()) == grpc.StatusCode.ABORTED
    assert code_of(MeshError("ANY", "Of no kind.")) == grpc.StatusCode.INTERNAL


def test_a_failure_without_violations_and_retry_says_nothing_of_them() -> None:
    status = to_status(errors.NotFound("BOOKING_NOT_FOUND", "There is no such booking."), "booking.marketplace")
    assert [detail.TypeName() for detail in status.details] == ["google.rpc.ErrorInfo"]
    rebuilt = from_rpc_error(failure(grpc.StatusCode.NOT_FOUND, status.SerializeToString()), "booking")
    assert (rebuilt.violations, rebuilt.retry_after_seconds) == ((), None)


def test_a_defect_tells_nothing_but_the_trace_to_report_it_with() -> None:
    status = unknown_status("a" * 32)
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(request)
    assert (status.code, info.reason, info.domain) == (grpc.StatusCode.INTERNAL.value[0], "INTERNAL", "mesh.marketplace")
    assert (dict(info.metadata), request.request_id) == ({"trace_id": "a" * 32}, "a" * 32)


@pytest.mark.parametrize(
    "code, kind, reason",
    [
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlinePassed, "DEADLINE_PASSED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.LimitReached, "OVERLOADED"),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Unavailable, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.UNKNOWN, errors.Unavailable, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.UNAUTHENTICATED, errors.Unavailable, "DEPENDENCY_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("details", [None, b"\xff\xff no status"])
def test_what_the_transport_says_is_told_without_its_words(
    code: grpc.StatusCode, kind: type[MeshError], reason: str, details: bytes | None
) -> None:
    rebuilt = from_rpc_error(failure(code, details), "user")
    assert (type(rebuilt), rebuilt.reason, rebuilt.metadata) == (kind, reason, {"dependency": "user"})
    assert "transport" not in rebuilt.message


def test_a_peers_defect_is_not_told_as_ours_nor_with_its_sentence() -> None:
    details = unknown_status("a" * 32).SerializeToString()
    rebuilt = from_rpc_error(failure(grpc.StatusCode.INTERNAL, details), "user")
    assert (type(rebuilt), rebuilt.reason) == (errors.Unavailable, "DEPENDENCY_UNAVAILABLE")


def test_details_of_types_that_we_do_not_know_are_passed_over() -> None:
    status = to_status(errors.Conflict("STALE_VERSION", "Read it again."), "mesh.marketplace")
    known = Status(code=status.code, message=status.message)
    known.details.add().Pack(error_details_pb2.DebugInfo(detail="stack"))
    known.details.extend(status.details)
    assert from_rpc_error(failure(grpc.StatusCode.ABORTED, known.SerializeToString()), "user").reason == "STALE_VERSION"
