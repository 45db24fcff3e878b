"""An SMSC that a test plays PDU by PDU, for faults a real one cannot be made to show."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sms_smpp.link import SmppLink
from sms_smpp.pdu import Address, Delivery, Pdu, Submission, bare, header
from sms_smpp.values import Arrival, LinkSettings
from tests.unit.ami_bridge.scripted_ami import HeldTime, soon

PASSWORD = "tanuki7"


def pdu(code: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return struct.pack(">LLLL", 16 + len(body), code, status, sequence) + body


def message(number: int = 0) -> Submission:
    return Submission(Address("0422112233", 2), Address(f"8190{number:08d}"), b"text", tag=str(number))


def number_of(submitted: Pdu) -> int:
    """Which `message` a submit_sm is."""
    return int(submitted.body.split(b"8190", 1)[1][:8])


class Peer:
    """One connection as the carrier sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> Pdu | None:
        """The next PDU; None when the client has closed."""
        try:
            start = await soon(self._reader.readexactly(16))
            return header(start + await soon(self._reader.readexactly(int.from_bytes(start[:4], "big") - 16)))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None

    async def expect(self, command: str) -> Pdu:
        found = await self.read()
        assert found is not None, f"closed instead of {command}"
        assert found.command == command
        return found

    async def bound(self, kind: str = "transceiver") -> Pdu:
        request = await self.expect(f"bind_{kind}")
        self.raw(pdu(request.code | 0x80000000, request.sequence, b"smsc\0"))
        return request

    def raw(self, data: bytes) -> None:
        self._writer.write(data)

    def bare(self, name: str, sequence: int, status: int = 0) -> None:
        self.raw(bare(name, sequence, status))

    def accept(self, submitted: Pdu, identity: str) -> None:
        self.raw(pdu(0x80000004, submitted.sequence, identity.encode() + b"\0"))

    def refuse(self, submitted: Pdu, status: int) -> None:
        self.raw(pdu(0x80000004, submitted.sequence, status=status))

    async def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """End the connection as a cut wire does, without a word."""
        self._writer.transport.abort()

    def pause(self) -> None:
        """Read nothing more from the socket."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def closed_by_client(self) -> None:
        while await self.read() is not None:
            pass


class Kept:
    """What the link handed over to be stored; `gate` holds it up, `error` is raised once."""

    def __init__(self) -> None:
        self.batches: list[list[Arrival]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self._stir = asyncio.Event()

    async def __call__(self, arrivals: Sequence[Arrival]) -> None:
        self.batches.append(list(arrivals))
        self._stir.set()
        await self.gate.wait()
        if error := self.error:
            self.error = None
            raise error

    @property
    def texts(self) -> list[bytes]:
        return [arrival.octets for batch in self.batches for arrival in batch if isinstance(arrival, Delivery)]

    async def called(self, times: int) -> None:
        while len(self.batches) < times:
            self._stir.clear()
            await soon(self._stir.wait())


class ScriptedSmsc:
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
            "system_id": "saikoku",
            "password": PASSWORD,
            "connect_deadline": 11.0,
            "bind_deadline": 12.0,
            "response_deadline": 13.0,
            "enquire_interval": 14.0,
            "enquire_deadline": 15.0,
            "unbind_deadline": 16.0,
            "first_throttle": 0.5,
            "longest_throttle": 6.0,
            "throttle_patience": 100.0,
            "first_retry": 1.0,
            "longest_retry": 8.0,
            "stable_after": 60.0,
        }
        return LinkSettings(**(values | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def scripted_smsc() -> AsyncIterator[ScriptedSmsc]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        smsc.made.append(peer)
        smsc.peers.put_nowait(peer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    smsc = ScriptedSmsc(server.sockets[0].getsockname()[1])
    try:
        yield smsc
    finally:
        server.close()
        for peer in smsc.made:
            peer.reset()
        await server.wait_closed()


@asynccontextmanager
async def running(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, *, reports: type[Exception] | None = None, **changes: object
) -> AsyncIterator[SmppLink]:
    """`reports` is the error that `run` must end with; otherwise it is cancelled at the end."""
    link = SmppLink(smsc.settings(**changes), kept, time=clock, chance=lambda: 1.0)
    life = asyncio.create_task(link.run())
    try:
        yield link
        if reports is not None:
            try:
                await soon(life)
            except reports:
                return
            raise AssertionError(f"the link did not end with {reports.__name__}")
    finally:
        life.cancel()
        await asyncio.wait([life])


async def up(smsc: ScriptedSmsc, link: SmppLink, generation: int = 1) -> Peer:
    """Play the next bind and wait until the link is up."""
    peer = await smsc.accept()
    await peer.bound()
    await soon(link.until(lambda state: state.up and state.generation == generation))
    return peer
