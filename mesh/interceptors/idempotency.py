"""Gives calls that carry an idempotency key one effect and one answer, whatever the number of attempts."""

from google.protobuf.message import Message

from mesh.call import Call
from mesh.channels import IDEMPOTENCY_HEADER
from mesh.contract import MethodContract
from mesh.idempotency import Idempotency, KeyedCall
from mesh.interceptors.link import Behaviour, InnerLink


def idempotency_link(idempotency: Idempotency) -> InnerLink:
    """The answer of an earlier attempt, or a new attempt whose answer is kept. Raises what Idempotency.begin raises."""

    def link(method: MethodContract, proceed: Behaviour) -> Behaviour:
        if not method.idempotency_key:
            return proceed

        async def keep(request: Message, call: Call) -> bytes | None:
            key = call.metadata.get(IDEMPOTENCY_HEADER)
            if key is None:
                return await proceed(request, call)
            owner = call.caller if call.account is None else call.account.account_id
            body = request.SerializeToString(deterministic=True)
            attempt = await idempotency.begin(KeyedCall(owner, method.path, str(key), body, method.deadline_seconds))
            if isinstance(attempt, bytes):
                return attempt
            call.idempotency = attempt

            async def answer() -> bytes:
                return await proceed(request, call) or b""

            return await attempt.run(answer)

        return keep

    return link
