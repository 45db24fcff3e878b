"""The office's own rules, as a value handed to use cases: its zone, calendar and terms."""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from db.clock import office_date
from db.reference.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Office:
    """What differs from city to city. Days are calendar days."""

    zone: ZoneInfo
    calendar: Calendar = field(default_factory=Calendar)
    grace_days: int = 3

    def today(self, now: datetime) -> date:
        """The calendar day in the office."""
        return office_date(now, self.zone)

    def is_closed(self, day: date) -> bool:
        """Whether the office is closed on a day."""
        return not self.calendar.is_business_day(day)
