"""The office's own rules, as a value handed to use cases: its zone, calendar and terms."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from db.clock import office_date
from db.reference.calendar import Calendar
from db.rules.eligibility import ContactPolicy
from db.rules.opening import Opening, opening
from db.settings import OfficeSettings, SettingError


@dataclass(frozen=True, slots=True)
class Office:
    """What differs from city to city. Days are calendar days; the numbers are assumptions that each city sets.

    `payment_lag_days`: for so long after a payment was reported another may be on its way, and contact is held.
    `return_call_days`: a return call answers an outbound contact no older than that.
    """

    zone: ZoneInfo
    calendar: Calendar = field(default_factory=Calendar)
    policy: ContactPolicy = field(default_factory=ContactPolicy)
    grace_days: int = 3
    payment_lag_days: int = 3
    identity_tries: int = 3
    return_call_days: int = 14
    recall_expires: timedelta = timedelta(minutes=60)

    @classmethod
    def of(cls, settings: OfficeSettings) -> Self:
        """The office as it is set up. Raises SettingError for hours that never open."""
        if settings.opens >= settings.closes:
            raise SettingError("office.closes", settings.closes, f"must be later than office.opens, {settings.opens}")
        return cls(
            zone=settings.zone,
            policy=ContactPolicy(opens=settings.opens, closes=settings.closes, closed_days=settings.closed_days),
            grace_days=settings.grace_days,
            return_call_days=settings.return_call_days,
            recall_expires=timedelta(minutes=settings.recall_minutes),
        )

    def today(self, now: datetime) -> date:
        """The calendar day in the office."""
        return office_date(now, self.zone)

    def day_begins(self, now: datetime) -> datetime:
        """Midnight in the office, at the start of today."""
        return datetime.combine(self.today(now), time(), self.zone)

    def is_closed(self, day: date) -> bool:
        """Whether the office is closed on a day."""
        return self.calendar.is_closed(day)

    def opening(self, now: datetime, policy: ContactPolicy, *, stopped: bool = False) -> Opening:
        """Whether calls are taken: in the hours of a contact policy, and on closed days if that lets the office call."""
        at = now.astimezone(self.zone)
        closed = self.is_closed(at.date()) and not policy.closed_days
        return opening(at, policy.opens, policy.closes, closed_day=closed, stopped=stopped)
