"""One TCP connection to the manager port, over panoramisk's protocol, action and message classes.

panoramisk 1.4 is kept for what holds (writing an action, taking a packet apart, finding the action an answer belongs
to). What does not hold is replaced here: packets are cut from bytes and decoded whole, so that no character breaks
at the end of a read; an action is over at its own answer, never at a later event; a refused list ends at once;
nothing is queued for sending again; nothing that was sent or read is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

import panoramisk
from panoramisk.actions import Action as PanoramiskAction
from panoramisk.ami_protocol import AMIProtocol

from ami_bridge.errors import LinkLost
from ami_bridge.values import Action, Event, Headers, Reply

_BANNER: Final = b"Asterisk Call Manager/"
_LINE_END: Final = b"\r\n"
_PACKET_END: Final = b"\r\n\r\n"
PACKET_BYTES: Final = 1 << 20


def headers_of(message: panoramisk.Message) -> Headers:
    """panoramisk keeps one value as a string and several as a list, and adds an empty `content` of its own."""
    lines: list[tuple[str, str]] = []
    for key, value in message.items():
        if key == "content" and not value:
            continue
        lines += [(key, item) for item in (value if isinstance(value, list) else [value])]
    return Headers(lines)


def event_of(message: panoramisk.Message, generation: int, mark: str | None = None) -> Event:
    """`mark`: what the ActionIDs of the link begin with."""
    headers = headers_of(message)
    own = mark is not None and headers.get("ActionID", "").startswith(mark)
    return Event(headers["Event"], headers, generation, own)


class Framer:
    """Cuts the stream into the greeting (`banner`) and packets: in bytes, as UTF-8 may be split anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self.banner: str | None = None

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The packets that `chunk` completes. Raises LinkLost if this is not AMI, or a packet never ends."""
        self._buffer += chunk
        if self.banner is None and not self._greeted():
            return
        while (end := self._buffer.find(_PACKET_END, self._searched)) >= 0:
            packet = bytes(self._buffer[:end])
            del self._buffer[: end + len(_PACKET_END)]
            self._searched = 0
            # A caller's name may come in any encoding: one bad byte must not cost the link.
            yield packet.decode("utf-8", "replace").lstrip("\r\n")
        self._searched = max(0, len(self._buffer) - len(_PACKET_END) + 1)
        if len(self._buffer) > PACKET_BYTES:
            raise LinkLost(f"a packet of more than {PACKET_BYTES} bytes")

    def _greeted(self) -> bool:
        start = min(len(self._buffer), len(_BANNER))
        if self._buffer[:start] != _BANNER[:start] or len(self._buffer) > PACKET_BYTES:
            raise LinkLost("the other end is not an Asterisk manager port")
        end = self._buffer.find(_LINE_END)
        if end < 0:
            return False
        self.banner = self._buffer[len(_BANNER) : end].decode("ascii", "replace")
        del self._buffer[: end + len(_LINE_END)]
        return True


class Pending(PanoramiskAction):  # type: ignore[misc]  # panoramisk has no types
    """An action under way. Its `future` gets the answer: one message, or a list's messages."""

    def __init__(self, action: Action, action_id: str) -> None:
        packet: dict[str, str | list[str]] = {"Action": action.name, "ActionID": action_id}
        for key, value in action.fields:
            found = packet.get(key)
            if found is None:
                packet[key] = value
            else:
                packet[key] = [*found, value] if isinstance(found, list) else [found, value]
        super().__init__(packet, as_list=action.listed)
        self.name = action.name
        self.posted = False

    def __repr__(self) -> str:
        """Without the values: they are secrets, phone numbers and names."""
        return f"<{self.name} {self.id}>"

    @property
    def multi(self) -> bool:
        """panoramisk guesses from the words of the answer, and waits for more after a refusal."""
        return bool(self.as_list and self.responses[0].success)

    @property
    def completed(self) -> bool:
        return not self.multi or self.responses[-1].get("EventList", "").lower() in {"complete", "cancelled"}

    def add_message(self, message: panoramisk.Message) -> bool:
        """Take a part of the answer; True when it was the last. Nobody may be waiting any more."""
        if self.future.done():
            self.responses[1:] = [message]
        else:
            self.responses.append(message)
        if not self.completed:
            return False
        if not self.future.done():
            self.future.set_result(tuple(self.responses))
        return True


def reply_of(messages: tuple[panoramisk.Message, ...], generation: int) -> Reply:
    """A successful answer as a value. A list's last message only says that it is complete."""
    return Reply(headers_of(messages[0]), tuple(event_of(message, generation) for message in messages[1:-1]))


class LinkProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Reads and writes packets; tells its owner of every event, and once of the end."""

    def __init__(self, on_event: Callable[[panoramisk.Message], None]) -> None:
        self._on_event = on_event
        self._framer = Framer()
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[str] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.encoding = "utf-8"
        if self.lost.done():  # given up while the connection was being made
            self.lose("")

    def data_received(self, data: bytes) -> None:
        if self.lost.done():
            return
        try:
            for packet in self._framer.feed(data):
                self._take(packet)
        except LinkLost as error:
            self.lose(str(error))
        if self._framer.banner is not None and not self.greeted.done():
            self.greeted.set_result(self._framer.banner)

    def _take(self, packet: str) -> None:
        message = panoramisk.Message.from_line(packet)
        if message is None or self.lost.done():
            return
        if "Event" not in message or self._is_listed(message):
            self.handle_message(message)
            return
        self._on_event(message)
        if message["Event"] == "Shutdown":
            self.lose("Asterisk is shutting down")

    def _is_listed(self, message: panoramisk.Message) -> bool:
        """Whether this event is an entry of a list under way. Other events carry an ActionID too (OriginateResponse).

        A dialplan's UserEvent may repeat a header, ActionID among them: then it is a list, and not ours.
        """
        action_id = message.action_id
        pending = self.responses.get(action_id) if isinstance(action_id, str) else None
        return pending is not None and bool(pending.as_list and pending.responses)

    def post(self, pending: Pending) -> None:
        """Write the action. From here on its outcome is unknown until the answer comes."""
        pending.posted = True
        self.send(pending, as_list=pending.as_list)

    def lose(self, reason: str) -> None:
        """End the connection now; nothing is flushed to a peer that may not be there."""
        if not self.lost.done():
            self.lost.set_result(reason)
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the socket is closed, if there ever was one. Call after `lose`."""
        if self.transport is not None:
            await self.gone

    def connection_lost(self, exc: Any) -> None:
        self.gone.set_result(None)
        self.lose(f"the connection broke ({exc})" if exc else "Asterisk closed the connection")
