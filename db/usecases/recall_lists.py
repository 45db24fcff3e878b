"""The list of booked calls (T6), with what stands in the way of each, and with its rows in the access log."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from db.rules.eligibility import Decision
from db.rules.terms import Term
from db.rules.viewer import Viewer
from db.store import recalls, shown
from db.store.recalls import RecallRow
from db.usecases.office import Office
from db.usecases.recalls import FURTHEST, hindrances, masked

ASKED: Final = 20
"""Of so many of the soonest bookings it is asked whether the person may be called at the time booked (some 10 ms each)."""
SCREEN: Final = "再コールの一覧"


class Period(Term):
    """How far ahead the list looks."""

    TODAY = "today", "本日まで"
    WEEK = "week", "7日間"
    ALL = "all", "すべて"


@dataclass(frozen=True, slots=True)
class RecallList:
    """Bookings, soonest first; `booked` is how many there are, `hindrances` what stands in the way of some."""

    rows: Sequence[RecallRow]
    booked: int
    hindrances: Mapping[uuid.UUID, Decision]
    now: datetime

    @property
    def overdue(self) -> int:
        """How many of the rows are past their time."""
        return sum(row.due_at <= self.now for row in self.rows)


def read_list(
    tx: Connection, viewer: Viewer, period: Period, everyones: bool, now: datetime, office: Office, *, opened: bool
) -> RecallList:
    """Read the list and log who is on it."""
    found = _read(tx, viewer, period, everyones, now, office)
    shown.note(tx, viewer, now, SCREEN, [row.debtor_id for row in found.rows], opened=opened)
    return found


def peek_list(
    tx: Connection, viewer: Viewer, period: Period, everyones: bool, now: datetime, office: Office
) -> RecallList | None:
    """The list as it is fetched again, if the log already tells of all who are on it; otherwise None."""
    found = _read(tx, viewer, period, everyones, now, office)
    return found if shown.is_logged(tx, viewer, SCREEN, [row.debtor_id for row in found.rows]) else None


def _read(tx: Connection, viewer: Viewer, period: Period, everyones: bool, now: datetime, office: Office) -> RecallList:
    days = {Period.TODAY: timedelta(days=1), Period.WEEK: timedelta(days=7), Period.ALL: FURTHEST + timedelta(days=1)}
    until = office.day_begins(now) + days[period]
    rows = masked(viewer, recalls.listed(tx, viewer, until, everyones=everyones))
    booked = recalls.count(tx, viewer, until, everyones=everyones)
    return RecallList(rows, booked, hindrances(tx, viewer, rows[:ASKED], now, office), now)
