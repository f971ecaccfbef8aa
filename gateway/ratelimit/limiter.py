"""Token buckets that all edges share, in Redis: exact, one round trip a call, on Redis's clock. No command is ever repeated."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from redis.asyncio import Redis

from mesh.contract import Rate
from mesh.errors import Unavailable

_REST_SECONDS = 1.0  # after a failure nobody is asked to wait for Redis again so soon
# A bucket is one number: when it is full again, in microseconds [generic cell rate algorithm]. A refused call takes nothing.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local cost, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = full + cost - most - now
if wait > 0 then
  return {math.ceil(wait), 0, math.ceil(full - now)}
end
full = full + cost
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {0, math.floor((most - full + now) / cost), math.ceil(full - now)}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a bucket says to one call."""

    retry_after_seconds: int  # 0: the call may go on
    left: int  # how many calls may follow at once
    full_again_seconds: int

    @property
    def is_allowed(self) -> bool:
        """Whether the call may go on."""
        return self.retry_after_seconds == 0


class Limiter:
    """Takes calls out of buckets."""

    def __init__(self, redis: Redis) -> None:
        self._take: Callable[..., Awaitable[list[int]]] = redis.register_script(_TAKE)
        self._resting_until = 0.0

    async def take(self, bucket: str, rate: Rate, requests: int) -> Taken:
        """Takes one call out of a bucket of so many requests in the rate's period. Raises Unavailable without Redis."""
        if monotonic() < self._resting_until:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The cache does not answer.", retry_after_seconds=1)
        period = rate.per_seconds * 1e6
        try:
            wait, left, full = await self._take(keys=[f"rate:{bucket}"], args=[period / requests, period])
        except Unavailable:
            self._resting_until = monotonic() + _REST_SECONDS
            raise
        return Taken(math.ceil(wait / 1e6), left, math.ceil(full / 1e6))
