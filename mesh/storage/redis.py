"""The client for Redis. It never repeats a command by itself: a repeated INCR whose first answer was lost counts twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mesh.errors import Unavailable


def connect(redis_url: str, timeout_seconds: float = 1.0) -> "MeshRedis":
    """A client whose commands answer within the timeout or raise Unavailable. It connects when it is first used.

    The retry policy is the asyncio one: the synchronous class is accepted too, and silently does something else.
    """
    client = MeshRedis.from_url(
        redis_url,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        socket_keepalive=True,
        health_check_interval=15,
        decode_responses=False,
    )
    return cast(MeshRedis, client)  # typed as the parent class, made as ours


class MeshRedis(redis.asyncio.Redis):
    """redis-py's client, with outages told as Unavailable."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Sends one command, once."""
        with outages_told():
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "MeshPipeline":
        """Several commands in one round trip; as one transaction unless told otherwise."""
        return MeshPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class MeshPipeline(Pipeline):
    """redis-py's pipeline, with outages told as Unavailable."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Sends the commands, once, and returns their answers."""
        with outages_told():
            answers: list[Any] = await super().execute(raise_on_error)
            return answers


@contextmanager
def outages_told() -> Iterator[None]:
    """Turns what redis-py raises when the cache does not answer into Unavailable."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise Unavailable("DEPENDENCY_UNAVAILABLE", "The cache does not answer.", retry_after_seconds=1) from error
