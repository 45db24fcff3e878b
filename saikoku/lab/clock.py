"""The lab's clock: the machine's, moved by a fixed offset, so that the demo and the tests can work at any hour.

Nobody may be called at night, and no setting of the product reaches beyond that. The demo dials only its own carrier,
so it may pretend that it is morning; the offset comes from the demo alone, and each daemon says so when it starts.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from db.clock import Clock, SystemClock
from db.usecases.office import Office

VARIABLE: Final = "SAIKOKU_LAB_CLOCK_OFFSET"
MORNING: Final = time(10, 30)


class LabClock:
    """The machine's clock, `offset` away."""

    def __init__(self, offset: timedelta) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """The moved present, aware, in UTC."""
        return datetime.now(UTC) + self.offset


def clock_from(environ: Mapping[str, str]) -> Clock:
    """The machine's clock, or the lab's where the demo says so."""
    seconds = environ.get(VARIABLE)
    if seconds is None:
        return SystemClock()
    logging.getLogger(__name__).warning("lab clock: moved by %s seconds; never use this in an office", seconds)
    return LabClock(timedelta(seconds=int(seconds)))


def office_hours_offset(now: datetime, office: Office) -> timedelta:
    """How far to move the clock so that people may be called: nothing in office hours, else to an open morning before."""
    local = now.astimezone(office.zone)
    opens, closes = office.policy.opens, office.policy.closes
    last_hour = (datetime.combine(local.date(), closes) - timedelta(hours=2)).time()
    if opens <= local.time() < last_hour and not office.is_closed(local.date()):
        return timedelta()
    day = local.date()
    while office.is_closed(day) or datetime.combine(day, MORNING, office.zone) > local:
        day -= timedelta(days=1)
    return datetime.combine(day, MORNING, office.zone) - local
