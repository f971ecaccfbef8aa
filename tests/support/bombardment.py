"""Sends what tests/support/fuzzing.py makes through the edge, by gRPC and gRPC-web, and tells how it ended."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import httpx

from mesh.contract import MethodContract
from tests.support.fuzzing import broken_bytes, broken_frame, worst_message

_AT_ONCE = 16
_CODES = {str(code.value[0]): code.name for code in grpc.StatusCode}

Outcomes = Counter[tuple[str, str, str]]
"""How often: the door and what was sent, the method, how it ended."""


async def bombard(
    address: str,
    methods: Sequence[MethodContract],
    token_for: Callable[[MethodContract], str],
    times: int,
    dice: random.Random,
) -> Outcomes:
    """Calls every method so many times in each of three ways: worst values, broken messages, broken frames."""
    seen: Outcomes = Counter()
    gate = asyncio.Semaphore(_AT_ONCE)
    limits = httpx.Limits(max_connections=_AT_ONCE)

    async with (
        grpc.aio.insecure_channel(address) as channel,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30, limits=limits) as web,
    ):

        async def send(method: MethodContract, kind: str, message: bytes) -> None:
            headers = {"authorization": f"Bearer {token_for(method)}"}
            async with gate:
                if kind == "broken frame":
                    seen[kind, method.path, await _by_web(web, method, headers, message)] += 1
                else:
                    seen[kind, method.path, await _by_grpc(channel, method, headers, message)] += 1

        async with asyncio.TaskGroup() as sending:
            for method in methods:
                for _ in range(times):
                    worst = worst_message(method.request, dice)
                    sending.create_task(send(method, "worst values", worst))
                    sending.create_task(send(method, "broken message", broken_bytes(worst, dice)))
                    sending.create_task(send(method, "broken frame", broken_frame(worst, dice)))
    return seen


async def _by_grpc(channel: grpc.aio.Channel, method: MethodContract, headers: Mapping[str, str], message: bytes) -> str:
    make: Any = channel.unary_unary
    try:
        await make(method.path)(message, metadata=list(headers.items()), timeout=15)
    except grpc.aio.AioRpcError as failure:
        return str(failure.code().name)
    return "OK"


async def _by_web(web: httpx.AsyncClient, method: MethodContract, headers: Mapping[str, str], body: bytes) -> str:
    kind = {"content-type": "application/grpc-web+proto"}
    answer = await web.post(method.path, content=body, headers={**kind, **headers})
    if "grpc-status" in answer.headers:
        return _CODES[answer.headers["grpc-status"]]
    return _CODES[answer.content.rpartition(b"grpc-status:")[2][:2].strip().decode()]
