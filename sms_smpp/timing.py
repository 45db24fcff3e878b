"""The clock of the link, passed in so that tests can hold it; how long to wait after a failure; turns at an even pace.

The AMI link has the like of its own: the two never import each other, and the register below both knows nothing of links.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Time(Protocol):
    """Seconds on a clock that never goes back, and a way to let them pass."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class RealTime:
    """The machine's own monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def pause(failures: int, first: float, longest: float, chance: float = 1.0) -> float:
    """Seconds to wait after so many failures in a row: doubling, and between half and all of it by `chance` (0 to 1)."""
    return min(longest, first * 2.0 ** min(failures, 30)) * (0.5 + 0.5 * chance)


class Pace:
    """Turns spread evenly over a second, never two at once; None means no limit."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1.0 / per_second if per_second else 0.0
        self._free_at = float("-inf")

    def wait(self, now: float) -> float:
        """Take the next turn; it comes in this many seconds."""
        turn = max(now, self._free_at)
        self._free_at = turn + self._gap
        return turn - now
