"""GET /v1/profile as one would write it without a mesh: FastAPI, uvicorn, PyMongo. `bench/rest.py` measures it beside ours.

Same token check with the same memory of tokens, same database and fields, a trace id and a histogram for each call.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Annotated, Any

import httpx
import prometheus_client
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from prometheus_client import Histogram
from pydantic import BaseModel
from pymongo import AsyncMongoClient

from mesh.call import Account
from mesh.errors import Unauthenticated
from mesh.identity import KeyRing, TokenVerifier
from mesh.tracing import enter_trace, read_traceparent

_CALL_SECONDS = Histogram("plain_call_seconds", "Calls served.", ("path", "status"))


class Profile(BaseModel):
    """The fields of marketplace.user.v1.Profile."""

    account_id: str
    display_name: str
    email: str
    locale: str
    time_zone: str
    email_enabled: bool
    is_customer: bool
    is_provider: bool
    etag: str


class ProfileAnswer(BaseModel):
    """The answer's body."""

    profile: Profile


async def _published() -> Sequence[Mapping[str, object]]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(os.environ["JWKS_URL"])
        keys: list[dict[str, object]] = answer.raise_for_status().json()["keys"]
        return keys


_verifier = TokenVerifier(KeyRing(_published), "https://auth.marketplace", "marketplace")


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncMongoClient[dict[str, Any]](os.environ["MONGO_URL"]) as client:
        app.state.profiles = client["marketplace_user"]["profiles"]
        yield


app = FastAPI(lifespan=_connected)


@app.middleware("http")
async def observe(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """Gives the call its trace and counts it."""
    started = perf_counter()
    trace = read_traceparent(request.headers.get("traceparent"))
    enter_trace(trace)
    answer = await proceed(request)
    answer.headers["x-trace-id"] = trace.trace_id
    _CALL_SECONDS.labels(request.url.path, str(answer.status_code)).observe(perf_counter() - started)
    return answer


async def caller(request: Request) -> Account:
    """The account in the verified token. 401 without a good one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401)
    try:
        return _verifier.recall(token) or await _verifier.verify(token)
    except Unauthenticated:
        raise HTTPException(401) from None


@app.get("/v1/profile")
async def get_profile(request: Request, account: Annotated[Account, Depends(caller)]) -> ProfileAnswer:
    """The caller's own profile."""
    found = await request.app.state.profiles.find_one({"_id": account.account_id})
    if found is None:
        raise HTTPException(404)
    return ProfileAnswer(profile=Profile(**found, account_id=found["_id"], etag=str(found["version"])))


@app.get("/metrics")
async def metrics() -> Response:
    """For Prometheus."""
    return Response(prometheus_client.generate_latest(), media_type="text/plain")
