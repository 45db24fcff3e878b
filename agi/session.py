"""One FastAGI session after its head: command and reply in turn.

Commands are never sent ahead of their reply: an Asterisk that reads with stdio would keep the second in its buffer and
not look at it until more arrives. A HANGUP line may come at any moment (res_agi.c sends it as soon as the channel is
hung up) and ends the session, so that no later reply is taken for an earlier one's.
"""

import re
from typing import Final

from agi import replies
from agi.errors import ReplyError, UnsafeValueError
from agi.replies import Reply
from agi.request import Request
from agi.wire import Wire

COMMAND_BYTES: Final = 2_000
"""Asterisk reads a command into 2,048 bytes (AGI_BUF_LEN) and takes what is over for the next one."""
USAGE_LINES: Final = 200

_LINE_BREAK: Final = re.compile(rb"[\r\n\0]")


class Session:
    """A session whose head has been read."""

    def __init__(self, wire: Wire, asked: Request) -> None:
        self._wire = wire
        self.request: Final = asked

    async def command(self, line: str) -> Reply:
        """Send one command and return its reply.

        Raises HungUpError, PeerGoneError or ReplyError, after which the session is over; and UnsafeValueError, before
        anything is sent, for a command that is more than one line.
        """
        data = line.encode()
        if len(data) > COMMAND_BYTES:
            raise UnsafeValueError(f"a command longer than {COMMAND_BYTES} bytes")
        if _LINE_BREAK.search(data):
            raise UnsafeValueError("a command that is more than one line")
        self._wire.send(data + b"\n")
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
        return (await self._wire.line()).decode("utf-8", "replace")
