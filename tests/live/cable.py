"""A cable between the bridge and Asterisk's manager port, to be cut."""

import asyncio
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 20.0  # only bounds a test that would otherwise hang; nothing is asserted about it


class Cable:
    """Passes every byte on; `async with Cable(port) as cable:`, then connect to `cable.port`."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._writers: list[asyncio.StreamWriter] = []
        self._passing: set[asyncio.Task[None]] = set()
        self._plugged = True
        self.made = 0  # connections so far
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        """Listening."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gone."""
        self._server.close()
        self.cut()
        await asyncio.gather(*self._passing, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Every connection breaks; a new one can be made at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def unplug(self) -> None:
        """Every connection breaks, and no other is let through."""
        self._plugged = False
        self.cut()

    def plug(self) -> None:
        """Connections are let through again."""
        self._plugged = True

    async def connected(self, times: int) -> None:
        """Wait for the second, third, … connection."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: self.made >= times)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._plugged:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:  # nobody is there, as the near end is told
            writer.transport.abort()
            return
        self._writers += [writer, far_writer]
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass(source, sink))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
        async with self._news:
            self.made += 1
            self._news.notify_all()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(65536):
                sink.write(chunk)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.transport.abort()
