"""One TCP connection to a carrier: whole PDUs in, octets out, and once the end.

What is held in memory is bounded whatever the peer does: one PDU at most is collected; a peer that does not read our
answers, or sends faster than its deliveries are stored, is not read either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from smpplib import consts

from sms_smpp.errors import FramingLost
from sms_smpp.pdu import Framer, Pdu, bare, header

_WRITE_BUFFER: Final = 256 * 1024


class Wire(asyncio.Protocol):
    """`lost` is done, with the reason, as soon as the connection is of no more use."""

    def __init__(self, on_pdu: Callable[[Pdu], None]) -> None:
        self._on_pdu = on_pdu
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()
        self._holds: set[str] = set()
        self.writable = asyncio.Event()
        self.writable.set()
        self._loop = loop
        self._out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection gives
        self._transport = transport
        transport.set_write_buffer_limits(_WRITE_BUFFER)
        if self.lost.done():  # given up while the connection was being made
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.lost.done():
            return
        try:
            for frame in self._framer.feed(data):
                self._on_pdu(header(frame))
                if self.lost.done():
                    return
        except FramingLost as error:
            self.send(bare("generic_nack", 0, consts.SMPP_ESME_RINVCMDLEN))
            self.lose(f"the carrier sent {error}")

    def pause_writing(self) -> None:
        self.writable.clear()
        self.hold("writing")

    def resume_writing(self) -> None:
        self.writable.set()
        self.release("writing")

    def hold(self, why: str) -> None:
        """Read nothing more until it is released; what was read already is still handed over."""
        self._holds.add(why)
        if self._transport is not None:
            self._transport.pause_reading()

    def release(self, why: str) -> None:
        self._holds.discard(why)
        if self._transport is not None and not self._holds:
            self._transport.resume_reading()

    def held(self, why: str) -> bool:
        return why in self._holds

    def send(self, frame: bytes) -> None:
        """Write a PDU, unless the connection has ended. What is sent in one turn of the loop goes out together: a call of the system
        for each gives the processor away, and costs more than all else about it."""
        if self._transport is not None and not self.lost.done():
            if not self._out:
                self._loop.call_soon(self._flush)
            self._out.append(frame)

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            frames, self._out = self._out, []
            self._transport.write(b"".join(frames))

    def lose(self, reason: str) -> None:
        """End the connection now; what the system does not take at once is not flushed to a peer that may not be there."""
        self._flush()
        if not self.lost.done():
            self.lost.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the socket is closed, if there ever was one. Call after `lose`."""
        if self._transport is not None:
            await self._gone

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set_result(None)
        self.lose(f"the connection broke ({exc})" if exc else "the carrier closed the connection")
