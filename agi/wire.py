"""One FastAGI connection as bytes: collects the head, then hands out lines as they come.

asyncio's streams would do the same for a quarter of the server's time; and a connection that never sends a whole head, as
port probes do, costs no task here.
"""

import asyncio
from typing import Protocol

from agi.errors import PeerGoneError, ReplyError
from agi.request import END, HEAD_BYTES


class Owner(Protocol):
    """Who is told of a connection's life: `connected` first, `lost` last, in between at most one of the others."""

    def connected(self, wire: "Wire") -> None:
        """There is a connection."""
        ...

    def began(self, wire: "Wire", head: bytes) -> None:
        """Its head is complete."""
        ...

    def overlong(self, wire: "Wire") -> None:
        """Its head does not come to an end."""
        ...

    def lost(self, wire: "Wire") -> None:
        """It is closed."""
        ...


class Wire(asyncio.Protocol):
    """A connection. At most HEAD_BYTES are kept of what was not asked for yet."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._has_begun = False
        self._gone = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def peer(self) -> str:
        """The other side's address; empty if it was gone before it could be seen."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else ""

    def send(self, data: bytes) -> None:
        """Send; what is sent to a closed connection is lost."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def line(self) -> bytes:
        """The next line without its end; raises PeerGoneError, or ReplyError if it is longer than HEAD_BYTES."""
        while (end := self._buffer.find(b"\n")) < 0:
            if self._gone:
                raise PeerGoneError("closed while a reply was due")
            if len(self._buffer) >= HEAD_BYTES:
                raise ReplyError("a reply without end")
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.rstrip(b"\r")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP has no other
        self._transport = transport
        self._owner.connected(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        searched = max(0, len(self._buffer) - len(END) + 1)
        self._buffer += data
        if not self._has_begun:
            self._look_for_head(searched)
        elif len(self._buffer) > 2 * HEAD_BYTES:
            self.abort()  # nobody asked for so much
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the reason makes no difference
        """Called by asyncio."""
        self._gone = True
        self._wake()
        self._owner.lost(self)

    def eof_received(self) -> None:
        """Called by asyncio; the connection is closed then: there is nobody to talk to."""
        self._gone = True
        self._wake()

    def _look_for_head(self, searched: int) -> None:
        end = self._buffer.find(END, searched)
        if 0 <= end <= HEAD_BYTES:
            self._has_begun = True
            head = bytes(self._buffer[:end])
            del self._buffer[: end + len(END)]
            self._owner.began(self, head)
        elif len(self._buffer) > HEAD_BYTES:
            self._has_begun = True
            self._buffer.clear()
            self._owner.overlong(self)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
