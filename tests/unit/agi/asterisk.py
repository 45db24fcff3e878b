"""The other end of a connection, for tests without a network: what was sent to it, and what it says."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from agi.request import Request
from agi.session import Session
from agi.wire import Wire

R = TypeVar("R")

HEAD = """\
agi_network: yes
agi_network_script: incoming
agi_request: agi://127.0.0.1:4573/incoming
agi_channel: PJSIP/carrier-00000001
agi_language: en
agi_type: PJSIP
agi_uniqueid: 1764000000.1
agi_version: 22.10.1
agi_callerid: 05012340007
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 0312340001
agi_rdnis: unknown
agi_context: saikoku-incoming
agi_extension: s
agi_priority: 5
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 139848938714688
agi_arg_1: 0312340001

"""
"""As Asterisk 22 sends it for AGI(agi://127.0.0.1:4573/incoming,0312340001)."""


class FakeTransport(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self, peer: str = "127.0.0.1") -> None:
        super().__init__({"peername": (peer, 40000)})
        self.sent = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Notes:
    """An owner that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.head = b""

    def connected(self, wire: Wire) -> None:
        self.told.append("connected")

    def began(self, wire: Wire, head: bytes) -> None:
        self.told.append("began")
        self.head = head

    def overlong(self, wire: Wire) -> None:
        self.told.append("overlong")

    def lost(self, wire: Wire) -> None:
        self.told.append("lost")


class Talk:
    """A session whose head has come, and what happens on its connection."""

    def __init__(self) -> None:
        self.owner = Notes()
        self.transport = FakeTransport()
        self.wire = Wire(self.owner)
        self.wire.connection_made(self.transport)
        self.says(HEAD)
        self.session = Session(self.wire, Request({}))

    def says(self, text: str) -> None:
        """Asterisk sends this."""
        self.wire.data_received(text.encode())

    def goes(self, error: Exception | None = None) -> None:
        """The connection ends."""
        self.wire.eof_received()
        self.wire.connection_lost(error)

    async def during(self, doing: Coroutine[Any, Any, R], *says: str, then_goes: bool = False) -> R:
        """Do something while Asterisk sends these pieces, one after the other."""
        task = asyncio.ensure_future(doing)
        for piece in says:
            await asyncio.sleep(0)  # let it come as far as it can
            self.says(piece)
        await asyncio.sleep(0)
        if then_goes:
            self.goes()
        async with asyncio.timeout(5):
            return await task
