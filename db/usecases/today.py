"""The home screen's question: what is due for the viewer, and what have they done today.

Whoever opens it sees names of people, so the opening is written to the access log in the same transaction.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from db.rules.eligibility import Decision
from db.rules.telephony import Direction
from db.rules.viewer import Viewer
from db.schema.calls import Call
from db.schema.contacts import ORIGINAL, Contact, Disposition, Promise
from db.store import access_log, recalls, shown, tasks
from db.store.recalls import RecallRow
from db.store.tasks import Counts, TaskRow, Wanted, When
from db.usecases.call_backs import ClosedRow, closed_since
from db.usecases.office import Office
from db.usecases.recalls import hindrances, masked
from db.usecases.task_desk import masked as masked_tasks

NEAR: Final = timedelta(minutes=15)
ASKED_AHEAD: Final = 5
"""Of so many bookings that are due, or nearly so, it is asked whether the person may be called: everybody's home screen fetches
this again whenever a booking changes. The list of bookings asks of more."""
FEW: Final = 10
"""Of so many bookings that come, and tasks of each kind of due date, the home screen tells; of the others it tells how many and
where."""
LATE: Final = 5
"""Of so many bookings whose time is past, so that they do not hide those that come."""
SCREEN: Final = "本日"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the viewer did since midnight. `results`: how often each result was given, most frequent first."""

    dialled: int
    talked: int
    contacts: int
    promises: int
    results: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Pressing:
    """The first tasks of those that are due at a time, and how many there are."""

    when: When
    rows: Sequence[TaskRow]
    count: int


@dataclass(frozen=True, slots=True)
class Today:
    """The home screen. `recalls` are a few of `booked`: the latest of the `overdue`, whose time is past, and the next of those that
    come; `hindrances` says of the most pressing of them what stands in the way of calling. `tasks` are the overdue, those due today and those without a day, as
    far as there are any; those of `later` are only counted. `closed` are callers dealt with today."""

    recalls: Sequence[RecallRow]
    booked: int
    overdue: int
    hindrances: Mapping[uuid.UUID, Decision]
    tasks: Sequence[Pressing]
    later: int
    closed: Sequence[ClosedRow]

    @property
    def open_tasks(self) -> int:
        """How many tasks want something today."""
        return sum(part.count for part in self.tasks)

    @property
    def people(self) -> list[int]:
        """Whose names are on it."""
        about = [row.debtor_id for part in self.tasks for row in part.rows if row.debtor_id is not None]
        return [*(row.debtor_id for row in self.recalls), *about]


def open_today(tx: Connection, viewer: Viewer, now: datetime, office: Office, *, again: bool = False) -> Today:
    """Read the home screen of the viewer, and log that it was opened and who is on it.

    `again`: it is open, and fetches its parts anew; then only those who were not on it are logged.
    """
    found = _today(tx, viewer, now, office)
    if not again:
        detail = f"再コール{len(found.recalls)}件 確認{sum(len(part.rows) for part in found.tasks)}件"
        access_log.append(tx, viewer, now, "today.view", detail=detail)
    shown.note(tx, viewer, now, SCREEN, found.people, opened=not again)
    return found


def peek_today(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Today | None:
    """The home screen as it is fetched again, if the log already tells of all who are on it; otherwise None."""
    found = _today(tx, viewer, now, office)
    return found if shown.is_logged(tx, viewer, SCREEN, found.people) else None


def _today(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Today:
    ends, today = office.day_begins(now) + timedelta(days=1), office.today(now)
    late = recalls.overdue(tx, viewer, now, LATE)
    rows = masked(viewer, late + recalls.ahead(tx, viewer, now, ends, FEW))
    near = [row for row in rows if row.due_at <= now + NEAR]
    counts = tasks.counts(tx, viewer, Wanted(), today)
    return Today(
        recalls=rows,
        booked=recalls.count(tx, viewer, ends),
        overdue=recalls.count(tx, viewer, now),
        hindrances=hindrances(tx, viewer, near[:ASKED_AHEAD], now, office),
        tasks=[_pressing(tx, viewer, when, counts, today) for when in _PARTS if counts.of(when)],
        later=counts.later,
        closed=closed_since(tx, viewer, office.day_begins(now)),
    )


_PARTS: Final = (When.OVERDUE, When.TODAY, When.UNDATED)


def _pressing(tx: Connection, viewer: Viewer, when: When, counts: Counts, today: date) -> Pressing:
    rows = tasks.listed(tx, viewer, Wanted(when=when), today, limit=FEW)
    return Pressing(when, masked_tasks(viewer, rows), counts.of(when))


def own_numbers(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Numbers:
    """What the viewer did today. It names nobody, so it is not logged."""
    since = office.day_begins(now)

    def count(*conditions: ColumnElement[bool]) -> int:
        return tx.execute(select(func.count()).where(*conditions)).scalar_one()

    mine = (Call.user_id == viewer.user_id, Call.started_at >= since)
    written = (Contact.user_id == viewer.user_id, Contact.recorded_at >= since, ORIGINAL)
    results = tx.execute(
        select(Disposition.name, func.count())
        .select_from(Contact)
        .join(Disposition, Disposition.code == Contact.disposition)
        .where(*written)
        .group_by(Disposition.name, Disposition.rank)
        .order_by(func.count().desc(), Disposition.rank)
    )
    return Numbers(
        dialled=count(*mine, Call.direction == Direction.OUT),
        talked=count(*mine, Call.joined_at.is_not(None)),
        contacts=count(*written),
        promises=count(Promise.made_by == viewer.user_id, Promise.made_at >= since),
        results=[(name, number) for name, number in results],
    )
