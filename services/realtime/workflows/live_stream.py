"""One open stream: an account's events without a gap, the newest place of a booking's provider, signs of life."""

from collections.abc import AsyncGenerator
from datetime import timedelta

from services.realtime.model import Alive, Caller, Frame, Located, Opened, Position, Stretch, too_slow
from services.realtime.ports import Listener, Ports

_LOOK_SECONDS = 2.0  # how late comes what rang unheard, and how long a stream outlives its token


class LiveStream:
    """What one client sees. Reads from the history what its client is ready for, so that nothing piles up here."""

    def __init__(self, ports: Ports, caller: Caller) -> None:
        self.caller = caller  # may be replaced by one with a fresher token
        self._ports = ports
        self._booking_id = ""
        self._located: Located | None = None
        self._listener: Listener | None = None
        self._shown_time = ports.clock.now()

    async def watch(self, booking_id: str) -> None:
        """Watches this booking's provider instead of the one before; none when empty. Raises NotFound (BOOKING_NOT_FOUND)."""
        if booking_id:
            await self._ports.bookings.participation(booking_id, self.caller)
        self._booking_id, self._located = booking_id, None
        if self._listener is not None:
            self._listener.listen_to(*self._keys())

    async def frames(self, resume_from: Position | None) -> AsyncGenerator[Frame]:
        """Everything after the position exactly once, then what comes. When the history gets lost it says so and goes on.

        Raises Unauthenticated (TOKEN_EXPIRED), LimitReached (TOO_SLOW), Unavailable.
        """
        ports, account_id = self._ports, self.caller.account_id
        with ports.bell.listen(*self._keys()) as self._listener:
            stretch = await ports.history.read(account_id, resume_from)
            reached = resume_from if resume_from is not None and stretch.is_whole else stretch.end
            yield self._shown(Opened(stretch.is_whole, reached))
            while True:
                for kept in stretch.events:
                    yield self._shown(kept)
                    reached = kept.position
                for frame in await self._beside():
                    yield self._shown(frame)
                if not stretch.events:
                    await self._listener.wait(min(_LOOK_SECONDS, ports.heartbeat_seconds))
                await ports.sessions.require(self.caller.token)
                stretch = await ports.history.read(account_id, reached)
                if not stretch.is_whole:
                    reached = _go_on(reached, stretch)
                    yield self._shown(Opened(False, reached))

    async def _beside(self) -> list[Frame]:
        """What stands in no history: the newest place, if it is a new one, and otherwise a sign of life when it is time."""
        if self._booking_id:
            booking_id = self._booking_id
            point = await self._ports.locations.newest(booking_id)
            located = None if point is None else Located(booking_id, point)
            if located is not None and located != self._located and booking_id == self._booking_id:
                self._located = located
                return [located]
        is_quiet = self._ports.clock.now() - self._shown_time >= timedelta(seconds=self._ports.heartbeat_seconds)
        return [Alive()] if is_quiet else []

    def _shown(self, frame: Frame) -> Frame:
        self._shown_time = self._ports.clock.now()
        return frame

    def _keys(self) -> tuple[str, ...]:
        return (self.caller.account_id, self._booking_id) if self._booking_id else (self.caller.account_id,)


def _go_on(reached: Position, stretch: Stretch) -> Position:
    """From where a stream goes on that has lost its history. Raises LimitReached when it was only too slow for it."""
    if stretch.end.epoch == reached.epoch and stretch.end.offset >= reached.offset:
        raise too_slow()
    return stretch.end
