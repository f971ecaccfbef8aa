"""Every failure leaves here as a google.rpc.Status; the text of an exception that is not a MeshError never does."""

import grpc
import structlog
from google.rpc.status_pb2 import Status
from marketplace.mesh.v1 import error_reason_pb2

from mesh.call import Call
from mesh.contract import MethodContract
from mesh.errors import MeshError
from mesh.interceptors.link import Receive
from mesh.status_details import MESH_DOMAIN, STATUS_DETAILS_KEY, code_of, to_status, unknown_status

TRACE_HEADER = "x-trace-id"
_MESH_REASONS = frozenset(name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.keys())  # noqa: SIM118 - not a dict

_log = structlog.get_logger()


def errors_link(method: MethodContract, proceed: Receive) -> Receive:
    """Turns what the rest of the chain raises into the status and details that the caller gets."""
    own_domain = f"{method.service}.marketplace"

    async def report(request: bytes, call: Call) -> bytes | None:
        try:
            return await proceed(request, call)
        except MeshError as error:
            domain = error.domain or (MESH_DOMAIN if error.reason in _MESH_REASONS else own_domain)
            status, code, call.reason = to_status(error, domain), code_of(error), error.reason
        except grpc.aio.AbortError:
            call.code = call.context.code().name
            raise
        except Exception:
            _log.exception("call failed", method=method.path, caller=call.caller)
            status, code, call.reason = unknown_status(call.trace.trace_id), grpc.StatusCode.INTERNAL, "INTERNAL"
        call.code = code.name
        await _abort(call, code, status)
        return None

    return report


async def _abort(call: Call, code: grpc.StatusCode, status: Status) -> None:
    trailing = ((TRACE_HEADER, call.trace.trace_id), (STATUS_DETAILS_KEY, status.SerializeToString()))
    await call.context.abort(code, status.message, trailing)
