"""A bell that rings in every process, over Redis: a hint that there is something to read. It may be missed: look now and then."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis

from mesh.errors import Unavailable
from mesh.storage.redis import outages_told

_LOOK_SECONDS = 2.0  # how late comes what rang unheard
_POLL_SECONDS = 2.0


class Listener:
    """Somebody who waits for the bell to ring for some keys."""

    def __init__(self, listening: "defaultdict[str, set[Listener]]") -> None:
        self._listening = listening
        self._keys: tuple[str, ...] = ()
        self._rung = asyncio.Event()

    def listen_to(self, *keys: str) -> None:
        """Listens to these keys instead of those before, and looks once more."""
        for key in self._keys:
            self._listening[key].discard(self)
            if not self._listening[key]:
                del self._listening[key]
        self._keys = keys
        for key in keys:
            self._listening[key].add(self)
        self.wake()

    def wake(self) -> None:
        """Ends the wait that is running, or the next one."""
        self._rung.set()

    async def wait(self, seconds: float = _LOOK_SECONDS) -> None:
        """Returns when the bell has rung since the last wait, and after these seconds without."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class Bell:
    """One Redis channel, with one subscription a process, whatever the number of those who listen."""

    def __init__(self, redis: Redis, channel: str) -> None:
        self._redis = redis
        self._channel = channel
        self._listening: defaultdict[str, set[Listener]] = defaultdict(set)

    async def ring(self, *keys: str) -> None:
        """Rings for these keys. Fails silently: the others look by themselves."""
        self._wake(*keys)
        try:
            for key in keys:
                await self._redis.publish(self._channel, key)
        except Unavailable:
            return

    @contextmanager
    def listen(self, *keys: str) -> Iterator[Listener]:
        """Listens to these keys until the block ends. Look first, then wait: nothing falls in between."""
        listener = Listener(self._listening)
        listener.listen_to(*keys)
        try:
            yield listener
        finally:
            listener.listen_to()

    async def hear(self) -> None:
        """Passes on what other processes ring. Runs until the connection is lost (Unavailable), to be called again."""
        with outages_told():
            await self._hear()

    async def _hear(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            self._wake(*self._listening)  # for what rang while nobody heard
            while True:
                heard = await subscription.get_message(timeout=_POLL_SECONDS)
                if heard is not None:
                    self._wake(heard["data"].decode())

    def _wake(self, *keys: str) -> None:
        for key in keys:
            for listener in self._listening.get(key, ()):
                listener.wake()
