"""A manager port that a test plays line by line, for faults a real Asterisk cannot be made to show; and a held clock.

`SAFETY` bounds every wait so that a broken test ends instead of hanging; nothing is asserted about it.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from ami_bridge.values import Headers, LinkSettings

SAFETY = 10.0
SECRET = "tanuki-no-himitsu"
T = TypeVar("T")


async def soon(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(SAFETY):
        return await awaitable


class Peer:
    """One connection as Asterisk sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.seen: list[Headers] = []

    async def read(self) -> Headers | None:
        """The next action; None when the client has closed."""
        try:
            packet = await soon(self._reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None
        lines = packet.decode().removesuffix("\r\n\r\n").split("\r\n")
        action = Headers((key, value) for key, _, value in (line.partition(": ") for line in lines))
        self.seen.append(action)
        return action

    async def expect(self, name: str) -> Headers:
        action = await self.read()
        assert action is not None, f"closed instead of {name}"
        assert action["Action"] == name
        return action

    def raw(self, data: bytes) -> None:
        self._writer.write(data)

    def packet(self, *lines: tuple[str, str]) -> None:
        self.raw(packet(*lines))

    def event(self, name: str, **headers: str) -> None:
        self.packet(("Event", name), *headers.items())

    def reply(self, action: Headers, response: str = "Success", **headers: str) -> None:
        self.packet(("Response", response), ("ActionID", action["ActionID"]), *headers.items())

    def greet(self) -> None:
        self.raw(b"Asterisk Call Manager/11.0.0\r\n")

    async def login(self, *, booted: bool = True) -> Headers:
        """Play a login that is right, by challenge; the Login action."""
        self.greet()
        challenge = await self.expect("Challenge")
        self.reply(challenge, Challenge="123456")
        login = await self.expect("Login")
        assert login["Key"] == hashlib.md5(b"123456" + SECRET.encode()).hexdigest()  # noqa: S324 - AMI's own challenge
        self.reply(login, Message="Authentication accepted")
        if booted:
            self.event("FullyBooted", Status="Fully Booted")
        return login

    async def login_bare(self) -> Headers:
        """Play a login that is right, as bare panoramisk does it."""
        self.greet()
        login = await self.expect("Login")
        self.reply(login, Message="Authentication accepted")
        self.event("FullyBooted", Status="Fully Booted")
        return login

    async def close(self) -> None:
        self._writer.close()

    async def closed_by_client(self) -> None:
        while await self.read() is not None:
            pass


def packet(*lines: tuple[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in lines).encode() + b"\r\n"


class ScriptedAmi:
    """Listens; `accept` gives the next connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.made: list[Peer] = []

    async def accept(self) -> Peer:
        return await soon(self.peers.get())

    def settings(self, **changes: object) -> LinkSettings:
        """Each duration is different, so that a test can name the wait it lets pass."""
        values: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "username": "saikoku",
            "secret": SECRET,
            "connect_deadline": 11.0,
            "boot_deadline": 12.0,
            "action_deadline": 13.0,
            "ping_interval": 14.0,
            "ping_deadline": 15.0,
            "first_retry": 1.0,
            "longest_retry": 8.0,
            "stable_after": 60.0,
        }
        return LinkSettings(**(values | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def scripted_ami(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedAmi]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        ami.made.append(peer)
        ami.peers.put_nowait(peer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    ami = ScriptedAmi(server.sockets[0].getsockname()[1])
    try:
        yield ami
    finally:
        server.close()
        for peer in ami.made:
            peer._writer.transport.abort()
        await server.wait_closed()


class HeldTime:
    """A clock that stands still until the test lets a named wait pass."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._stir = asyncio.Event()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (seconds, wake)
        self._sleepers.append(sleeper)
        self._stir.set()
        try:
            await wake
        finally:
            self._sleepers.remove(sleeper)

    def asleep(self) -> list[float]:
        return sorted(seconds for seconds, _ in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Only the reading of the clock; wakes nobody."""
        self._now += seconds

    async def passes(self, seconds: float) -> None:
        """Wait until somebody waits for exactly `seconds`, and let that wait pass."""
        wake = await self.waited_for(seconds)
        self._now += seconds
        wake.set_result(None)

    async def waited_for(self, seconds: float) -> asyncio.Future[None]:
        """Wait until somebody waits for exactly `seconds`; no time passes."""
        while True:
            for duration, wake in self._sleepers:
                if duration == seconds and not wake.done():
                    return wake
            self._stir.clear()
            await soon(self._stir.wait())
