"""Days the law counts from: due dates on closed days, fiscal years, 出納整理期間 and the 督促状."""

from collections.abc import Callable
from datetime import date, timedelta

IsClosed = Callable[[date], bool]
"""Tells whether the office is closed on a day; `db.reference.calendar.Calendar.is_closed` is one."""

_APRIL = 4
_LONGEST_CLOSURE = 366
_REMINDER_DAYS = 20


def open_day_from(day: date, is_closed: IsClosed) -> date:
    """Return `day`, or the first open day after it when it is closed: how a due date moves (地方税法20条の5第2項).

    Raises ValueError when nothing opens within a year, so that a broken calendar cannot hang a batch.
    """
    for days in range(_LONGEST_CLOSURE):
        candidate = day + timedelta(days=days)
        if not is_closed(candidate):
            return candidate
    raise ValueError(f"no open day within a year of {day.isoformat()}")


def fiscal_year(day: date) -> int:
    """Return the fiscal year of `day`, named by the year of its 1 April (地方自治法208条)."""
    return day.year if day.month >= _APRIL else day.year - 1


def fiscal_year_start(year: int) -> date:
    """Return the first day of fiscal year `year`."""
    return date(year, _APRIL, 1)


def fiscal_year_end(year: int) -> date:
    """Return the last day of fiscal year `year`."""
    return date(year + 1, 3, 31)


def settlement_end(year: int) -> date:
    """Return the last day of the 出納整理期間 of fiscal year `year`: 31 May after it (地方自治法235条の5)."""
    return date(year + 1, 5, 31)


def reminder_deadline(due: date) -> date:
    """Return the last day on which the 督促状 may go out: 20 days after the (moved) due date (地方税法329条ほか)."""
    return due + timedelta(days=_REMINDER_DAYS)
