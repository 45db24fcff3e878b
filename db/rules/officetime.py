"""The office's clock: Japan Standard Time, which has no daylight saving and so needs no time zone database."""

from datetime import datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")


def office_time(at: datetime) -> datetime:
    """Return the aware moment `at` as the office's wall clock shows it; raise ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return at.astimezone(JST)
