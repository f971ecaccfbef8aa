"""What fails too often, counted in Redis. Keys are digests: no address and no login name lies there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from redis.asyncio import Redis

from mesh.ids import derived_id
from services.auth.model.limits import Limit, too_many_attempts

_KNOWN_SECONDS = 30 * 24 * 3600

# KEYS: one hash a limit. ARGV: now, then free, first pause, longest pause and memory of each; all in milliseconds.
# Answers how long to wait; 0 when the attempt is counted. Nothing is counted unless all limits let it through.
_ADMIT = """
local now = tonumber(ARGV[1])
local pause = 0
for i, key in ipairs(KEYS) do
  pause = math.max(pause, tonumber(redis.call('HGET', key, 'until') or '0') - now)
end
if pause > 0 then return pause end
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 4
  local free, first, longest, memory = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local count = redis.call('HINCRBY', key, 'count', 1)
  if count >= free then
    redis.call('HSET', key, 'until', string.format('%d', now + math.min(first * 2 ^ math.min(count - free, 30), longest)))
  end
  redis.call('PEXPIRE', key, memory)
end
return 0
"""


class CountedAttempts:
    """The port Attempts. Redis down means Unavailable: what cannot be counted is not let in."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._admit = redis.register_script(_ADMIT)

    async def admit(self, limits: Sequence[Limit], now: datetime) -> None:
        parameters = [int(now.timestamp() * 1000)]
        for limit in limits:
            pauses = (limit.first_pause, limit.longest_pause, limit.remembered)
            parameters += [limit.free, *(pause // timedelta(milliseconds=1) for pause in pauses)]
        pause = int(await self._admit(keys=[_key(limit) for limit in limits], args=parameters))
        if pause > 0:
            raise too_many_attempts(timedelta(milliseconds=pause))

    async def forgive(self, limits: Sequence[Limit]) -> None:
        await self._redis.delete(*(_key(limit) for limit in limits))

    async def is_known(self, login: str, address: str) -> bool:
        return bool(await self._redis.exists(_known_key(login, address)))

    async def make_known(self, login: str, address: str) -> None:
        await self._redis.set(_known_key(login, address), 1, ex=_KNOWN_SECONDS)


def _key(limit: Limit) -> str:
    return f"auth:attempts:{derived_id(limit.name, *limit.subject)}"


def _known_key(login: str, address: str) -> str:
    return f"auth:known:{derived_id('place', login, address)}"
