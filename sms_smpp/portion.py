"""How many messages are written in one transaction, and how many are claimed before the carriers have room for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HELD: Final = 0.03
"""Seconds for which the register's one writer is kept from others, a call among them, at a time."""
HELD_BY_ONE_OF_MANY: Final = 0.06
"""The same on PostgreSQL, where others write meanwhile; each of its questions takes a way there and back."""
CLAIMING: Final = 0.04
"""The same for a claim there."""
LEAST: Final = 50
MOST: Final = 200
SOON: Final = 0.05
"""What goes out within so many seconds is claimed beforehand, so that a fast carrier need not wait for a claim."""


@dataclass(slots=True)
class Portion:
    """As many as are written within `held` seconds: what a transaction took tells how many the next may hold."""

    held: float = HELD
    size: int = LEAST

    def took(self, count: int, seconds: float) -> None:
        """A transaction of `count` held the writer for so long. One that was too long shrinks the next at once; one that was
        short enlarges it by half, if it was full."""
        if seconds > self.held:
            self.size = max(LEAST, min(self.size, int(count * self.held / seconds)))
        elif 2 * count > self.size:
            self.size = min(MOST, max(self.size, int(self.size * min(1.5, self.held / max(seconds, 0.001)))))


@dataclass(slots=True)
class Flow:
    """How many messages went out, and from that how many to have at hand besides those that the carriers have room for."""

    since: float
    ended: int = 0
    ahead: int = 0

    def look(self, now: float) -> None:
        """Count anew from `now` on."""
        if now > self.since:
            self.ahead = min(MOST, int(self.ended * SOON / (now - self.since)))
            self.since, self.ended = now, 0
