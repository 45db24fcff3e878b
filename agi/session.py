"""One FastAGI session: the head, then command and reply in turn.

Commands are never sent ahead of their reply: an Asterisk that reads with stdio would keep the second in its buffer and
not look at it until more arrives. A HANGUP line may come at any moment (res_agi.c sends it as soon as the channel is
hung up) and ends the session, so that no later reply is taken for an earlier one's.
"""

import asyncio
from typing import Final

from agi import replies, request
from agi.errors import PeerGoneError, ReplyError, RequestError, UnsafeValueError
from agi.replies import Reply
from agi.request import Request

COMMAND_BYTES: Final = 2_000
"""Asterisk reads a command into 2,048 bytes (AGI_BUF_LEN) and takes what is over for the next one."""
USAGE_LINES: Final = 200


class Session:
    """A session whose head has been read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Request) -> None:
        self._reader = reader
        self._writer = writer
        self.request: Final = asked

    async def command(self, line: str) -> Reply:
        """Send one command and return its reply.

        Raises HungUpError, PeerGoneError or ReplyError, after which the session is over; and UnsafeValueError, before
        anything is sent, for a command that is more than one line.
        """
        data = line.encode()
        if len(data) > COMMAND_BYTES:
            raise UnsafeValueError(f"a command longer than {COMMAND_BYTES} bytes")
        if any(byte in data for byte in b"\r\n\0"):
            raise UnsafeValueError("a command that is more than one line")
        self._writer.write(data + b"\n")
        while (reply := await self._reply()).preliminary:
            pass
        return reply

    async def _reply(self) -> Reply:
        line = await self._line()
        if not line.startswith(replies.USAGE):
            return replies.parse(line)
        for _ in range(USAGE_LINES):
            if (await self._line()).endswith(replies.USAGE_END):
                return Reply(520)
        raise ReplyError("a usage text without end")

    async def _line(self) -> str:
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise PeerGoneError("closed while a reply was due") from error
        except asyncio.LimitOverrunError as error:
            raise ReplyError("a reply without end") from error
        return line.decode("utf-8", "replace").rstrip("\r\n")


async def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Session:
    """Read the head; raises PeerGoneError if the other side goes, RequestError if what it sends is no head.

    The reader's limit must be HEAD_BYTES.
    """
    try:
        head = await reader.readuntil(request.END)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise PeerGoneError("closed before the end of the head") from error
    except asyncio.LimitOverrunError as error:
        raise RequestError(f"a head longer than {request.HEAD_BYTES} bytes") from error
    return Session(reader, writer, request.parse(head))
