"""The latest events of each account: a Redis stream, whose ids are the offsets, beside a hash that names its epoch.

An epoch is one life of the history. It ends when Redis forgets, and when Redis is another process than before: a restart or a
failover may have lost the newest events, whose offsets would then be given out a second time.
"""

from typing import Any

from marketplace.realtime.v1 import live_service_pb2 as pb
from redis.asyncio import Redis

from mesh.ids import new_id
from services.realtime.model import Kept, Position, Stretch, Told
from services.realtime.wire import read_told, write_told

_READ_AT_ONCE = 100
_KEPT_SECONDS = 24 * 3600
_SEEN_SECONDS = 3600  # within which a handler that was interrupted runs again; later the inbox knows

# KEYS: stream, hash. ARGV: 1 a new epoch's name, 2 seconds to keep.
_ENTER_EPOCH = """
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('HMGET', KEYS[2], 'life', 'epoch', 'last')
if known[1] ~= life then
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'life', life, 'epoch', ARGV[1], 'last', 0)
  known = {life, ARGV[1], 0}
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
local epoch, last = known[2], tonumber(known[3])
"""

# KEYS: 3 what tells that the event was added. ARGV: 3 the event, 4 how many are kept, 5 seconds to remember.
_ADD = (
    _ENTER_EPOCH
    + """
if not redis.call('SET', KEYS[3], 1, 'NX', 'EX', ARGV[5]) then return 0 end
last = redis.call('HINCRBY', KEYS[2], 'last', 1)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[4], last .. '-1', 'event', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return last
"""
)

# ARGV: 3 the epoch and 4 the offset to read after, 5 how many. Gives epoch, last offset, whether nothing is missing, the events.
_READ = (
    _ENTER_EPOCH
    + """
local after = tonumber(ARGV[4])
if ARGV[3] ~= epoch or after > last then return {epoch, last, 0, {}} end
if after == last then return {epoch, last, 1, {}} end
local events = redis.call('XRANGE', KEYS[1], (after + 1) .. '-1', '+', 'COUNT', ARGV[5])
if not events[1] or events[1][1] ~= (after + 1) .. '-1' then return {epoch, last, 0, {}} end
return {epoch, last, 1, events}
"""
)


class StoredHistory:
    """The port History."""

    def __init__(self, redis: Redis, kept_events: int) -> None:
        self._redis = redis
        self._add = redis.register_script(_ADD)
        self._read = redis.register_script(_READ)
        self._kept_events = kept_events

    async def add(self, account_id: str, event_id: str, told: Told) -> None:
        stream, life = _keys(account_id)
        seen = f"{stream}:seen:{event_id}"
        event = write_told(told).SerializeToString()
        await self._add(keys=[stream, life, seen], args=[new_id("epoch"), _KEPT_SECONDS, event, self._kept_events, _SEEN_SECONDS])

    async def read(self, account_id: str, after: Position | None) -> Stretch:
        position = after or Position("", 0)
        epoch, last, is_whole, found = await self._read(
            keys=_keys(account_id), args=[new_id("epoch"), _KEPT_SECONDS, position.epoch, position.offset, _READ_AT_ONCE]
        )
        name = epoch.decode()
        return Stretch(Position(name, last), bool(is_whole), tuple(_kept(name, *each) for each in found))

    async def forget(self, account_id: str) -> None:
        await self._redis.delete(*_keys(account_id))


def _keys(account_id: str) -> list[str]:
    return [f"live:{{{account_id}}}", f"live:{{{account_id}}}:epoch"]


def _kept(epoch: str, entry_id: bytes, fields: list[Any]) -> Kept:
    offset = int(entry_id.partition(b"-")[0])
    return Kept(read_told(pb.LiveEvent.FromString(fields[1])), Position(epoch, offset))
