"""What a citizen's phone does when it is dialled, and the last two digits that stand for it.

The lab's carrier decides by the last two digits of the dialled number (`saikoku.lab.carrier`); the city takes them from
its table.

The numbers themselves belong to nobody as far as can be known: mobiles with a 0 after 060, 070 or 090, IP telephones
with a 0 after 050 and land lines with a local exchange beginning with 1, none of which the numbering plan gives out.
They are dialled in the lab only.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from saikoku.lab.carrier import BEHAVIOURS


class Reaction(IntEnum):
    """What comes of calling a number, again and again."""

    SELF = 0
    OTHER = 1
    HANGS_UP = 2
    VOICEMAIL = 3
    RINGS_OUT = 4
    BUSY = 5
    UNALLOCATED = 6


_IN_THE_LAB: Final[Mapping[Reaction, tuple[str, ...]]] = {
    Reaction.SELF: ("talks", "at-once", "slow"),
    Reaction.OTHER: ("talks",),
    Reaction.HANGS_UP: ("short", "rejected"),
    Reaction.VOICEMAIL: ("voicemail",),
    Reaction.RINGS_OUT: ("no-answer",),
    Reaction.BUSY: ("busy",),
    Reaction.UNALLOCATED: ("unallocated", "changed"),
}

SUFFIXES: Final[Mapping[Reaction, tuple[int, ...]]] = {
    reaction: tuple(
        suffix
        for behaviour in BEHAVIOURS
        if behaviour.name in names
        for suffix in range(behaviour.first, behaviour.last + 1)
    )
    for reaction, names in _IN_THE_LAB.items()
}
"""The last two digits with which the lab's carrier plays each reaction. Who it is that talks, a tone cannot say."""

_MOBILES: Final = ("+81900", "+81700", "+81600")
_LANDLINES: Final = ("+81981", "+81921", "+81971", "+81951", "+81961")
_IP: Final = "+81500"
_MOBILE_STEP: Final = 7_919  # a prime, so that neighbours in the register have distant numbers
_LANDLINE_STEP: Final = 389


def mobile(serial: int, suffix: int) -> str:
    """The mobile number of the person `serial`; 300,000 people in a row have different ones."""
    return f"{_MOBILES[serial // 100_000 % 3]}{serial * _MOBILE_STEP % 100_000:05d}{suffix:02d}"


def ip_phone(serial: int, suffix: int) -> str:
    """The IP telephone number of the person `serial`."""
    return f"{_IP}{serial * _MOBILE_STEP % 100_000:05d}{suffix:02d}"


def landline(serial: int, suffix: int) -> str:
    """The land line of the household `serial`; 50,000 in a row have different ones."""
    return f"{_LANDLINES[serial // 10_000 % 5]}{serial * _LANDLINE_STEP % 10_000:04d}{suffix:02d}"
