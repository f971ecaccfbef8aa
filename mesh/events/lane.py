"""One partition's records on their way through the event loop: one at a time, in order. Fed by the poller's thread."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from mesh.events.dead_letters import ReceivedRecord
from mesh.tasks import cancel


class Lane:
    """Hands a partition's records to `handle`, the next one when the last one is done with; `fail` hears of what it raises.

    Counters are written by one thread each and read by both; everything else belongs to the event loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handle: Callable[[ReceivedRecord], Awaitable[None]],
        fail: Callable[[BaseException], None],
    ) -> None:
        self.position: int | None = None  # the offset after the last record that is done with; None before the first
        self._begin: int | None = None  # the offset of the first record
        self._loop = loop
        self._handle = handle
        self._fail = fail
        self._records: deque[ReceivedRecord] = deque()
        self._arrived = asyncio.Event()
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None
        self._received = 0
        self._done = 0
        loop.call_soon_threadsafe(self._start)

    @property
    def waiting(self) -> int:
        """How many records are not done with."""
        return self._received - self._done

    @property
    def resume_at(self) -> int | None:
        """The offset of the first record that is not done with; None before the first one came."""
        return self._begin if self.position is None else self.position

    def put(self, records: Sequence[ReceivedRecord]) -> None:
        """Adds records, at least one. For the poller's thread."""
        if self._begin is None:
            self._begin = records[0].offset
        self._received += len(records)
        self._loop.call_soon_threadsafe(self._add, records)

    async def close(self, grace_seconds: float) -> None:
        """Lets the record at work finish, for at most this long, and drops the others: their offsets are not committed."""
        self._is_closing = True
        self._records.clear()
        self._arrived.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait({self._task}, timeout=grace_seconds)
            await cancel(unfinished)

    def _start(self) -> None:
        self._task = self._loop.create_task(self._run())

    def _add(self, records: Sequence[ReceivedRecord]) -> None:
        if not self._is_closing:
            self._records.extend(records)
            self._arrived.set()

    async def _run(self) -> None:
        try:
            while not self._is_closing:
                if not self._records:
                    self._arrived.clear()
                    await self._arrived.wait()
                    continue
                record = self._records.popleft()
                await self._handle(record)
                self.position = record.offset + 1
                self._done += 1
        except Exception as error:
            self._fail(error)
