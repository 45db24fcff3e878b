"""Replies of Asterisk to AGI commands.

panoramisk's parser holds for a complete line `200 result=…` and is used for it. It does not for anything else (an empty
line or one without a code is a ValueError, a usage text of several lines shifts every reply after it), so framing and
codes are here.
"""

import re
from dataclasses import dataclass
from typing import Final

from panoramisk.utils import parse_agi_result

from agi.errors import HungUpError, ReplyError

HANGUP: Final = "HANGUP"
USAGE: Final = "520-"
USAGE_END: Final = "520 End of proper usage."
"""Ends a usage text; when that does not end in a newline itself, this stands at the end of its last line."""

_LINE: Final = re.compile(r"([0-9]{3})(?: .*)?")
_TRYING: Final = 100
_OK: Final = 200
_DEAD_CHANNEL: Final = 511


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, and for 200 what stands after `result=` and in brackets."""

    code: int
    result: str = ""
    data: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command was understood and permitted."""
        return self.code == _OK

    @property
    def preliminary(self) -> bool:
        """Whether the reply proper is still to come."""
        return self.code == _TRYING


def parse(line: str) -> Reply:
    """Read one line; raises HungUpError if it says that the caller is gone, ReplyError if it says nothing known."""
    if line == HANGUP:
        raise HungUpError("the caller hung up")
    match = _LINE.fullmatch(line)
    if match is None:
        raise ReplyError("a line that is no reply")
    code = int(match[1])
    if code == _DEAD_CHANNEL:
        raise HungUpError("the channel is dead")
    if code != _OK:
        return Reply(code)
    fields = parse_agi_result(line)
    if fields.get("error") == "AGIResultHangup":
        raise HungUpError("the caller hung up")
    if "error" in fields:  # panoramisk's word for -1
        return Reply(code, "-1")
    result, data = fields["result"]
    return Reply(code, result, data)
