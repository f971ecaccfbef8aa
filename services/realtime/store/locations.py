"""The newest place of each provider on the way: a Redis hash a booking. Places are not kept: they go with the trip."""

from collections.abc import Sequence

from marketplace.realtime.v1 import live_service_pb2 as pb
from redis.asyncio import Redis

from services.realtime.model import LocationPoint
from services.realtime.wire import read_point, write_point

_KEPT_SECONDS = 15 * 60  # after which a place says nothing any more
_CLOSED_SECONDS = 24 * 3600  # longer than a point that was let in before the trip ended can be on its way

# ARGV: 1 the newest point, 2 seconds to keep, then the times of all points in microseconds, oldest first.
_ADVANCE = """
local known = redis.call('HMGET', KEYS[1], 'closed', 'time')
if known[1] then return -1 end
local time, newer = tonumber(known[2] or 0), 0
for index = 3, #ARGV do
  if tonumber(ARGV[index]) > time then newer = newer + 1 end
end
if newer > 0 then
  redis.call('HSET', KEYS[1], 'point', ARGV[1], 'time', ARGV[#ARGV])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return newer
"""

_CLOSE = """
redis.call('HDEL', KEYS[1], 'point', 'time')
redis.call('HSET', KEYS[1], 'closed', 1)
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""


class StoredLocations:
    """The port Locations."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._advance = redis.register_script(_ADVANCE)
        self._close = redis.register_script(_CLOSE)

    async def advance(self, booking_id: str, points: Sequence[LocationPoint]) -> int | None:
        if not points:
            return 0
        times = [int(each.measure_time.timestamp() * 1_000_000) for each in points]
        newest = write_point(points[-1]).SerializeToString()
        newer = await self._advance(keys=[_key(booking_id)], args=[newest, _KEPT_SECONDS, *times])
        return None if newer < 0 else int(newer)

    async def newest(self, booking_id: str) -> LocationPoint | None:
        found = await self._redis.hget(_key(booking_id), "point")
        return read_point(pb.LocationPoint.FromString(found)) if isinstance(found, bytes) else None

    async def close(self, booking_id: str) -> None:
        await self._close(keys=[_key(booking_id)], args=[_CLOSED_SECONDS])


def _key(booking_id: str) -> str:
    return f"live:location:{booking_id}"
