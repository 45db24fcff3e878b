"""Time, passed in. Everything that needs "now" takes a Clock, so that tests and the demo decide what time it is."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands where it was put; `set` moves it."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        """Move the clock to `at` (aware)."""
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The time it was set to, in UTC."""
        return self._at


def office_date(at: datetime, zone: ZoneInfo) -> date:
    """The calendar day in the office at the moment `at`."""
    return at.astimezone(zone).date()
