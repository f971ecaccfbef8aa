"""Envoy's rate limit protocol [envoy.service.ratelimit.v3]: what the edge asks before it lets a call go on."""

import base64
from collections.abc import Mapping

import grpc
import structlog
from marketplace.mesh.v1 import rate_limit_pb2 as pb
from prometheus_client import Counter

from gateway.ratelimit.limiter import Limiter, Taken
from gateway.rates import METHOD, requests_of
from gateway.replies import RATE_LIMITED, status_of
from mesh.call import Context
from mesh.contract import MethodContract, methods
from mesh.errors import Unavailable
from mesh.identity import calling_service
from mesh.interceptors.policy import GATEWAY
from mesh.status_details import STATUS_DETAILS_KEY

SERVICE = "envoy.service.ratelimit.v3.RateLimitService"
_UNITS: "Mapping[float, pb.RateLimitUnit.ValueType]" = {
    1: pb.RATE_LIMIT_UNIT_SECOND,
    60: pb.RATE_LIMIT_UNIT_MINUTE,
    3600: pb.RATE_LIMIT_UNIT_HOUR,
    86400: pb.RATE_LIMIT_UNIT_DAY,
}
_DECISIONS = Counter("ratelimit_decisions", "Calls that edges asked for, by method and by the answer.", ("method", "answer"))
_log = structlog.get_logger()


class RateLimitServicer:
    """Decides by the contract's rates. Answers the gateway alone."""

    def __init__(self, limiter: Limiter, rate_scale: float) -> None:
        self._limiter = limiter
        self._scale = rate_scale
        self._methods: Mapping[str, MethodContract] = {method.path: method for method in methods() if method.rate}

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serves the one method."""
        handler = grpc.unary_unary_rpc_method_handler(
            self.should_rate_limit, pb.RateLimitQuestion.FromString, pb.RateLimitAnswer.SerializeToString
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"ShouldRateLimit": handler}),))

    async def should_rate_limit(self, question: pb.RateLimitQuestion, context: Context) -> pb.RateLimitAnswer:
        """Takes the call out of its buckets, or says when to come again. UNAVAILABLE while nothing can be counted."""
        if calling_service(context) != GATEWAY:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Only the edge may ask.")
        answer = pb.RateLimitAnswer(overall_code=pb.RATE_LIMIT_CODE_OK)
        try:
            for descriptor in question.descriptors:
                await self._decide(descriptor, answer)
        except Unavailable as failure:
            _log.warning("nothing is counted", reason=failure.reason)
            _DECISIONS.labels("", "unavailable").inc()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Nothing can be counted right now.")
        return answer

    async def _decide(self, descriptor: pb.RateLimitDescriptor, answer: pb.RateLimitAnswer) -> None:
        """Adds the status of one descriptor: the method's path first, then whose bucket it is."""
        entries = [(entry.key, entry.value) for entry in descriptor.entries]
        method = self._methods.get(entries[0][1]) if len(entries) == 2 and entries[0][0] == METHOD else None
        if method is None or method.rate is None:
            answer.statuses.add(code=pb.RATE_LIMIT_CODE_OK)
            return
        requests = requests_of(method, self._scale)
        taken = await self._limiter.take(f"{method.path}:{entries[1][0]}:{entries[1][1]}", method.rate, requests)
        status = answer.statuses.add(
            code=pb.RATE_LIMIT_CODE_OK if taken.is_allowed else pb.RATE_LIMIT_CODE_OVER_LIMIT, limit_remaining=taken.left
        )
        status.current_limit.requests_per_unit = requests
        status.current_limit.unit = _UNITS.get(method.rate.per_seconds, pb.RATE_LIMIT_UNIT_UNSPECIFIED)
        status.duration_until_reset.FromSeconds(taken.full_again_seconds)
        _DECISIONS.labels(method.path, "allowed" if taken.is_allowed else "refused").inc()
        if not taken.is_allowed:
            _refuse(answer, taken)


def _refuse(answer: pb.RateLimitAnswer, taken: Taken) -> None:
    """Says when to come again, in the form that each door of the edge needs."""
    answer.overall_code = pb.RATE_LIMIT_CODE_OVER_LIMIT
    details = status_of(RATE_LIMITED, taken.retry_after_seconds)
    answer.response_headers_to_add.add(key="retry-after", value=str(taken.retry_after_seconds))
    answer.response_headers_to_add.add(key=STATUS_DETAILS_KEY, value=base64.b64encode(details).decode().rstrip("="))
