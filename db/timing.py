"""A clock for what daemons wait for, passed in so that tests can hold it; how long to wait before trying again, and even turns.

For the links to Asterisk and to carriers alike. The time of day is in `db.clock`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Backoff:
    """Waits that double from `first` to `longest`, each between half and all of it by chance.

    The chance keeps several daemons from knocking in step at a peer that has just come back.
    """

    first: float
    longest: float
    chance: Callable[[], float] = random.random
    _failures: int = field(default=0, init=False)

    def reset(self) -> None:
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait now."""
        ceiling = min(self.longest, self.first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return ceiling * (0.5 + 0.5 * self.chance())


@dataclass(slots=True)
class Spacing:
    """Hands out turns at an even pace of `per_second`; None means at once."""

    per_second: float | None
    _next: float = field(default=float("-inf"), init=False)

    def wait(self, now: float) -> float:
        """Take the next turn; it comes in this many seconds."""
        if self.per_second is None:
            return 0.0
        turn = max(now, self._next)
        self._next = turn + 1.0 / self.per_second
        return turn - now
