"""The WebSocket door: live events and location, as JSON frames. A connection that breaks is opened again where it stopped."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from demo.clients.patience import attempts
from mesh.tracing import current_trace

Event = dict[str, Any]

_CLOSE_SECONDS = 0.2  # the edge holds on to a closed connection for a second, which nobody here has to wait for


class LiveConnection:
    """The live events of one account: keeps everything that came, in order."""

    def __init__(self, url: str, token: str, patience_seconds: float = 20.0) -> None:
        self.events: list[Event] = []
        self._url = url
        self._token = token
        self._patience_seconds = patience_seconds
        self._arrived = asyncio.Condition()
        self._connection: ClientConnection | None = None
        self._booking_id = ""

    async def watch(self, booking_id: str) -> None:
        """Asks for the location of a booking too."""
        self._booking_id = booking_id
        await self.send({"subscribe": {"booking_id": booking_id}})

    async def send(self, frame: Event) -> None:
        """Sends one ClientFrame."""
        async for is_last in attempts(self._patience_seconds):
            try:
                if self._connection is not None:
                    return await self._connection.send(json.dumps(frame))
            except ConnectionClosed:
                if is_last:
                    raise
        raise TimeoutError("the live connection did not come back")

    async def wait_for(self, kind: str, **fields: object) -> Event:
        """The first event of this kind ("booking", "location", …) with these fields, whether it came already or is still to come.

        Raises TimeoutError.
        """

        def found() -> list[Event]:
            return [event for event in self.events if kind in event and _has(event[kind], fields)]

        try:
            async with asyncio.timeout(self._patience_seconds), self._arrived:
                await self._arrived.wait_for(found)
        except TimeoutError:
            kinds = [name for event in self.events for name in event if name not in ("position", "event_time")]
            sentence = f"no live event {kind} with {fields} came within {self._patience_seconds:g} s, but {kinds}"
            raise TimeoutError(sentence) from None
        return found()[0]

    async def wait_for_more(self, seen: int) -> None:
        """Returns when more than `seen` events have come. Raises TimeoutError."""
        async with asyncio.timeout(self._patience_seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.events) > seen)

    async def live(self) -> None:
        """Keeps the connection open and collects events, until it is cancelled."""
        headers = {"authorization": f"Bearer {self._token}", "traceparent": current_trace().traceparent}
        async for _ in attempts(float("inf")):
            try:
                async with connect(self._url, additional_headers=headers, close_timeout=_CLOSE_SECONDS) as connection:
                    await connection.send(json.dumps({"subscribe": self._subscription()}))
                    self._connection = connection
                    async for message in connection:
                        async with self._arrived:
                            self.events.append(json.loads(message))
                            self._arrived.notify_all()
            except (OSError, ConnectionClosed, InvalidHandshake):
                continue
            finally:
                self._connection = None

    async def close(self) -> None:
        """Ends the connection in order, as far as there is one."""
        if self._connection is not None:
            await self._connection.close()

    def _subscription(self) -> Event:
        """From where the stream was interrupted, if it was open before."""
        positions = [event["position"] for event in self.events if event.get("position")]
        opened = [event["subscribed"]["position"] for event in self.events if "subscribed" in event]
        resume = (positions or opened)[-1:]
        return {"booking_id": self._booking_id} | ({"resume_from": resume[0]} if resume else {})


@asynccontextmanager
async def live_connection(url: str, token: str, patience_seconds: float = 20.0) -> AsyncIterator[LiveConnection]:
    """Opens a connection, subscribes, and gives it once the service says that it is subscribed."""
    live = LiveConnection(url, token, patience_seconds)
    living = asyncio.create_task(live.live())
    try:
        await live.wait_for("subscribed")
        yield live
    finally:
        await live.close()
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living


def _has(value: Event, fields: dict[str, object]) -> bool:
    return all(value.get(name) == expected for name, expected in fields.items())
