"""Periods counted in months, as 民法143条 counts them, for late charges and instalment dates."""

from calendar import monthrange
from datetime import date, timedelta


def same_day_of_month(first: date, months: int) -> date:
    """Return the day `months` later with the number of `first`, or that month's last day when it has no such day."""
    year, month_index = divmod(first.year * 12 + first.month - 1 + months, 12)
    month = month_index + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def period_end(start: date, months: int) -> date:
    """Return the last day of a period of `months` whose first counted day is `start` (民法143条2項).

    It ends on the day before the day of the same number; when the last month has none, on that month's last day.
    """
    corresponding = same_day_of_month(start, months)
    return corresponding - timedelta(days=1) if corresponding.day == start.day else corresponding
