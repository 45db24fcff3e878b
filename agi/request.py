"""The head of a FastAGI session: what Asterisk says of the channel before the first command.

Lines `name: value`, closed by an empty one (Asterisk, res_agi.c, setup_env). Values come from the telephone network and
are believed in nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agi.errors import RequestError

END: Final = b"\n\n"
HEAD_BYTES: Final = 16_384
"""Asterisk sends about 700."""
LINE_BYTES: Final = 8_192
HEADERS: Final = 100

_HEADER: Final = re.compile(rf"^agi_(\w+): *([^\n\r]{{0,{LINE_BYTES}}})\r?$", re.MULTILINE | re.ASCII)
_UNFIT_FOR_A_LOG: Final = re.compile(r"[^0-9A-Za-z.;-]")
_RESTRICTION: Final = 0x60  # Asterisk, callerid.h: AST_PRES_RESTRICTION
_RESTRICTED: Final = 0x20


@dataclass(frozen=True, slots=True)
class Request:
    """The channel that asks. `headers` keep their names without `agi_`."""

    headers: Mapping[str, str]

    @property
    def script(self) -> str:
        """The path in the URL: which handler is wanted."""
        return self.headers.get("network_script", "")

    @property
    def channel_id(self) -> str:
        """The channel's Uniqueid, cut to what an Asterisk gives; for the log."""
        return _UNFIT_FOR_A_LOG.sub("", self.headers.get("uniqueid", "")[:80])

    @property
    def caller(self) -> str:
        """The caller's number as it came; empty if there is none."""
        number = self.headers.get("callerid", "")
        return "" if number == "unknown" else number

    @property
    def withheld(self) -> bool:
        """Whether the caller wished the number not to be shown. It may have come all the same, for the carrier's use."""
        presentation = self.headers.get("callingpres", "")
        return presentation.isdecimal() and int(presentation[:9]) & _RESTRICTION == _RESTRICTED

    def argument(self, number: int) -> str:
        """An argument given to AGI(), counted from 1; empty if it is absent."""
        return self.headers.get(f"arg_{number}", "")


def parse(head: bytes) -> Request:
    """Read a head, with or without its empty line; raises RequestError.

    Bytes that are not UTF-8 become marks: a display name in another encoding must not stop a call.
    """
    text = head.decode("utf-8", "replace").rstrip("\n")
    found = _HEADER.findall(text)
    if len(found) > HEADERS:
        raise RequestError(f"more than {HEADERS} headers")
    if len(found) != text.count("\n") + 1:
        raise RequestError("a line that is no AGI header")
    return Request(dict(found))
