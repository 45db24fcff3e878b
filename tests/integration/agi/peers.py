"""A FastAGI server on a port of its own, and peers that do to it what peers do."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from agi.desk import Desk, LoopRegister
from agi.handlers import HANDLERS, Handler
from agi.server import Limits, Server, listening, networks
from db.clock import FixedClock
from db.quick import QuickReader
from db.settings import Address
from db.usecases.office import Office
from tests.unit.agi.asterisk import HEAD

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
OFFICE = Office(ZoneInfo("Asia/Tokyo"))
CLOCK = FixedClock(NOW)
SAFETY = 10.0
"""Bounds a broken test; nothing is asserted about it."""


class Peer:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: str | bytes) -> None:
        self.writer.write(data.encode() if isinstance(data, str) else data)

    async def line(self) -> str:
        """The next line; empty when the server has closed."""
        try:
            return (await asyncio.wait_for(self.reader.readline(), SAFETY)).decode().rstrip("\n")
        except ConnectionError:
            return ""

    async def closed(self) -> bytes:
        """Everything up to the server's end of the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), SAFETY)
        except ConnectionError:
            return b""

    def go(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


class Running:
    """A server and the way to it."""

    def __init__(self, server: Server, address: Address) -> None:
        self.server = server
        self.address = address
        self.peers: list[Peer] = []

    async def connect(self) -> Peer:
        peer = Peer(*await asyncio.open_connection(self.address.host, self.address.port))
        self.peers.append(peer)
        return peer

    async def answers(self, head: str = HEAD) -> bool:
        """Whether an ordinary call is served from beginning to end."""
        peer = await self.connect()
        peer.say(head)
        command = await peer.line()
        peer.say("200 result=0\n")
        return command.startswith("EXEC MSet ") and await peer.closed() == b""

    def leave(self) -> None:
        """All peers go."""
        for peer in self.peers:
            peer.reset()
        self.peers.clear()

    async def ended(self, outcome: str, times: int = 1) -> None:
        """Wait until so many connections have ended in this way."""
        async with asyncio.timeout(SAFETY):
            while self.server.ended[outcome] < times:  # noqa: ASYNC110 - a closed connection gives no event here
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    desk: Desk | None = None,
    handlers: Mapping[str, Handler] = HANDLERS,
    limits: Limits | None = None,
    *,
    permit: str = "127.0.0.0/8",
    keep_peers: bool = False,
) -> AsyncIterator[Running]:
    """A server on a free port; without a desk, one whose register does not exist.

    Peers go before the server stops, unless it is the server's stopping that is looked at.
    """
    own = desk or Desk(LoopRegister(QuickReader("/nowhere")), CLOCK, OFFICE)
    server = Server(own, networks(permit), handlers, limits or Limits())
    async with listening(server, Address("127.0.0.1", 0)) as address:
        at_work = Running(server, address)
        yield at_work
        if not keep_peers:
            at_work.leave()
    await own.aclose()
