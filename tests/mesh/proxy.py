"""A network between a client and a server that tests can slow down, cut, and make lose answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 1 << 16


class Proxy:
    """Passes everything on until it is told otherwise."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.lose_answer_to = b""  # the connection on which this comes is cut when the server has answered
        self.losses_left = 0
        self.lost = 0
        self.requests = 0

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    def lose_answers(self, command: bytes, times: int) -> None:
        """The server executes the command so often without its client hearing of it."""
        self.lose_answer_to, self.losses_left = command, times

    def hold(self) -> None:
        """Nothing passes, and nobody is told."""
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Ends every connection; new ones are taken."""
        for task in self._connections:
            task.cancel()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [client_out]
        try:
            server_in, server_out = await asyncio.open_connection(self._host, self._port)
            writers.append(server_out)
            await self._pass_on(client_in, client_out, server_in, server_out)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            for writer in writers:
                writer.transport.abort()

    async def _pass_on(
        self,
        client_in: asyncio.StreamReader,
        client_out: asyncio.StreamWriter,
        server_in: asyncio.StreamReader,
        server_out: asyncio.StreamWriter,
    ) -> None:
        is_losing = asyncio.Event()

        async def requests() -> None:
            while chunk := await client_in.read(_CHUNK):
                self.requests += 1
                await self._flowing.wait()
                if self.losses_left and self.lose_answer_to in chunk:
                    self.losses_left -= 1
                    is_losing.set()
                server_out.write(chunk)
                await server_out.drain()

        async def answers() -> None:
            while chunk := await server_in.read(_CHUNK):
                await self._flowing.wait()
                if is_losing.is_set():
                    self.lost += 1
                    return
                client_out.write(chunk)
                await client_out.drain()

        ways = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            with suppress(OSError):
                await asyncio.gather(*ways, return_exceptions=True)


@asynccontextmanager
async def proxied(target: str) -> AsyncIterator[Proxy]:
    """A proxy before host:port."""
    proxy = Proxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
