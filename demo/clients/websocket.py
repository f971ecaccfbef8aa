"""The WebSocket door: live events and location, as JSON frames."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from mesh.tracing import current_trace

Event = dict[str, Any]


class LiveConnection:
    """One live connection: keeps everything that came, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.events: list[Event] = []
        self._connection = connection
        self._arrived = asyncio.Condition()

    async def send(self, frame: Event) -> None:
        """Sends one ClientFrame."""
        await self._connection.send(json.dumps(frame))

    async def wait_for(self, kind: str, timeout_seconds: float = 20.0, **fields: object) -> Event:
        """The first event of this kind ("booking", "location", …) with these fields, whether it came already or is still to come.

        Raises TimeoutError.
        """

        def found() -> list[Event]:
            return [event for event in self.events if kind in event and _has(event[kind], fields)]

        try:
            async with asyncio.timeout(timeout_seconds), self._arrived:
                await self._arrived.wait_for(found)
        except TimeoutError:
            kinds = [name for event in self.events for name in event if name not in ("position", "event_time")]
            raise TimeoutError(f"no live event {kind} with {fields} came within {timeout_seconds:g} s, but {kinds}") from None
        return found()[0]

    async def wait_for_more(self, seen: int, timeout_seconds: float = 20.0) -> None:
        """Returns when more than `seen` events have come. Raises TimeoutError."""
        async with asyncio.timeout(timeout_seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.events) > seen)

    async def receive(self) -> None:
        """Collects events until the connection ends."""
        async for message in self._connection:
            async with self._arrived:
                self.events.append(json.loads(message))
                self._arrived.notify_all()


@asynccontextmanager
async def live_connection(url: str, token: str, booking_id: str = "") -> AsyncIterator[LiveConnection]:
    """Opens a connection, subscribes, and gives it once the service says that it is subscribed."""
    headers = {"authorization": f"Bearer {token}", "traceparent": current_trace().traceparent}
    async with connect(url, additional_headers=headers) as connection:
        live = LiveConnection(connection)
        receiving = asyncio.create_task(live.receive())
        try:
            await live.send({"subscribe": {"booking_id": booking_id} if booking_id else {}})
            await live.wait_for("subscribed")
            yield live
        finally:
            receiving.cancel()
            with suppress(asyncio.CancelledError):
                await receiving


def _has(value: Event, fields: dict[str, object]) -> bool:
    return all(value.get(name) == expected for name, expected in fields.items())
