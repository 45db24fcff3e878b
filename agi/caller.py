"""The caller's number, as the telephone network gave it: one E.164 number, or the reason why there is none."""

import re
from typing import Final

from agi.request import Request
from db.reference.phones import PhoneError, PhoneNumber, parse_phone
from db.rules.callers import CallerKind

_NO_NUMBER: Final = re.compile(r"(?:unavailable|unknown|out[ -]of[ -]area|coin[ -]?line.*|payphone|s)?", re.IGNORECASE)
_HIDDEN: Final = re.compile(r"anonymous|private|restricted|withheld|asserted|none", re.IGNORECASE)


def read_caller(request: Request) -> PhoneNumber | CallerKind:
    """Read who calls. A withheld number is not used even if the carrier sent it along: the caller did not give it to us."""
    text = request.caller.strip()
    if request.withheld or _HIDDEN.fullmatch(text):
        return CallerKind.HIDDEN
    if _NO_NUMBER.fullmatch(text):
        return CallerKind.NO_NUMBER
    try:
        return parse_phone(text)
    except PhoneError:
        return CallerKind.MALFORMED
