"""The REST door: JSON over HTTP. Sends a call again while the system is not available: the contract makes that safe."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from demo.clients.patience import attempts
from mesh.tracing import current_trace

_NO_ANSWER = (503, 504)  # not reached, or reached without an answer in time: to be asked again
_IN_PROGRESS = "IDEMPOTENT_CALL_IN_PROGRESS"


class RestError(Exception):
    """The edge or a service refused a call.

    status: of HTTP. reason: stable code of google.rpc.ErrorInfo, empty when there is none. body: the whole answer.
    """

    def __init__(self, status: int, reason: str, message: str, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.body = body


class RestClient:
    """Calls the edge by REST. Numbers of 64 bits come as strings, as ProtoJSON writes them."""

    def __init__(self, base_url: str, patience_seconds: float = 0.0) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=15.0)
        self._patience_seconds = patience_seconds

    async def call(self, verb: str, path: str, body: object = None, *, token: str = "", key: str = "") -> dict[str, Any]:
        """Sends one request. `token` is an access token, `key` an idempotency key. Raises RestError when it is refused."""
        async for is_last in attempts(self._patience_seconds):
            try:
                answer = await self.send(verb, path, body, token=token, key=key)
            except httpx.TransportError:
                if is_last:
                    raise
                continue
            if answer.status_code < 400:
                decoded: dict[str, Any] = answer.json() if answer.content else {}
                return decoded
            error = _error_of(answer)
            if is_last or not (error.status in _NO_ANSWER or error.reason == _IN_PROGRESS):
                raise error
        raise AssertionError("there is always a last attempt")

    async def send(
        self,
        verb: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        key: str = "",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Sends one request and gives the answer as it is; `content` are raw bytes in place of a JSON body."""
        sent = {"traceparent": current_trace().traceparent}
        if token:
            sent["authorization"] = f"Bearer {token}"
        if key:
            sent["idempotency-key"] = key
        sent |= dict(headers or {})
        return await self._http.request(verb, path, json=body, content=content, headers=sent)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()


def _error_of(answer: httpx.Response) -> RestError:
    try:
        body = answer.json()
    except ValueError:
        return RestError(answer.status_code, "", answer.text[:500], {})
    reasons = [detail["reason"] for detail in body.get("details", ()) if "reason" in detail]
    return RestError(answer.status_code, reasons[0] if reasons else "", body.get("message", ""), body)
