"""The home screen's question: what is due for the viewer, and what have they done today.

Whoever opens it sees names of people, so the opening is written to the access log in the same transaction.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from db.rules.eligibility import Decision
from db.rules.telephony import Direction
from db.rules.terms import Area, Right, TaskKind
from db.rules.viewer import Viewer
from db.schema.calls import Call
from db.schema.contacts import Contact, Disposition, Promise
from db.schema.people import Debtor
from db.schema.work import Task
from db.store import access_log, recalls, shown
from db.store.recalls import RecallRow
from db.usecases import tasks
from db.usecases.call_backs import ClosedRow, closed_since
from db.usecases.missed import CALL_TASKS
from db.usecases.office import Office
from db.usecases.recalls import hindrances, masked

TASKS: Final = 50
ASKED_AHEAD: Final = 20
"""Of so many of the soonest bookings it is asked whether the person may be called at the time booked."""
SCREEN: Final = "本日"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """An open task of the viewer, of a group of theirs, or of anyone who telephones in its area."""

    id: uuid.UUID
    name: str
    area: Area
    debtor_id: int | None
    debtor_name: str | None
    due_on: date | None
    note: str
    tab: str
    """The part of the record that it is about, "" for the whole."""
    of_call: bool
    """Whether a caller left it: it has a page of its own."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the viewer did since midnight. `results`: how often each result was given, most frequent first."""

    dialled: int
    talked: int
    contacts: int
    promises: int
    results: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Today:
    """The home screen. `recalls` are the soonest of `booked`; `overdue` counts those shown whose time is past, `hindrances`
    says of the first of them what stands in the way of calling at the time booked. `closed` are callers dealt with today."""

    recalls: Sequence[RecallRow]
    booked: int
    overdue: int
    hindrances: Mapping[uuid.UUID, Decision]
    tasks: Sequence[TaskRow]
    closed: Sequence[ClosedRow]

    @property
    def people(self) -> list[int]:
        """Whose names are on it."""
        about = [row.debtor_id for row in self.tasks if row.debtor_id is not None]
        return [*(row.debtor_id for row in self.recalls), *about]


def open_today(tx: Connection, viewer: Viewer, now: datetime, office: Office, *, again: bool = False) -> Today:
    """Read the home screen of the viewer, and log that it was opened and who is on it.

    `again`: it is open, and fetches its parts anew; then only those who were not on it are logged.
    """
    found = _today(tx, viewer, now, office)
    if not again:
        detail = f"再コール{len(found.recalls)}件 確認{len(found.tasks)}件"
        access_log.append(tx, viewer, now, "today.view", detail=detail)
    shown.note(tx, viewer, now, SCREEN, found.people, opened=not again)
    return found


def peek_today(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Today | None:
    """The home screen as it is fetched again, if the log already tells of all who are on it; otherwise None."""
    found = _today(tx, viewer, now, office)
    return found if shown.is_logged(tx, viewer, SCREEN, found.people) else None


def _today(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Today:
    ends = office.day_begins(now) + timedelta(days=1)
    rows = masked(viewer, recalls.due(tx, viewer, ends))
    return Today(
        recalls=rows,
        booked=recalls.count(tx, viewer, ends),
        overdue=sum(row.due_at <= now for row in rows),
        hindrances=hindrances(tx, viewer, rows[:ASKED_AHEAD], now, office),
        tasks=_tasks(tx, viewer),
        closed=closed_since(tx, viewer, office.day_begins(now)),
    )


def _tasks(tx: Connection, viewer: Viewer) -> list[TaskRow]:
    anyones = and_(Task.user_id.is_(None), Task.group_id.is_(None), Task.area.in_(viewer.areas(Right.CALL)))
    query = (
        select(Task.id, Task.kind, Task.area, Task.debtor_id, Debtor.name, Task.due_on, Task.note)
        .outerjoin(Debtor, Debtor.id == Task.debtor_id)
        .where(
            Task.done_at.is_(None),
            Task.area.in_(viewer.areas()),
            _readable(viewer),
            or_(Task.user_id == viewer.user_id, Task.group_id.in_(viewer.group_ids), anyones),
        )
        .order_by(Task.due_on.is_(None), Task.due_on, Task.made_at)
        .limit(TASKS)
    )
    return [
        TaskRow(
            task_id, TaskKind(kind).label, area, debtor_id, debtor_name, due_on, note,
            tab="promises" if kind in _OF_PROMISES else "", of_call=kind in CALL_TASKS,
        )
        for task_id, kind, area, debtor_id, debtor_name, due_on, note in tx.execute(query)
    ]  # fmt: skip


_OF_PROMISES: Final = {tasks.BROKEN_PROMISE: Right.ARREARS_VIEW, tasks.OFFERED_PROMISE: Right.PROMISE_DECIDE}
"""Tasks that tell of what is owed, or that only some can do, with the right that it takes to see them."""


def _readable(viewer: Viewer) -> ColumnElement[bool]:
    restricted = [
        and_(Task.kind == kind, Task.area.in_(viewer.areas(right))) for kind, right in _OF_PROMISES.items()
    ]  # fmt: skip
    return or_(Task.kind.not_in(_OF_PROMISES), *restricted)


def own_numbers(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Numbers:
    """What the viewer did today. It names nobody, so it is not logged."""
    since = office.day_begins(now)

    def count(*conditions: ColumnElement[bool]) -> int:
        return tx.execute(select(func.count()).where(*conditions)).scalar_one()

    mine = (Call.user_id == viewer.user_id, Call.started_at >= since)
    written = (Contact.user_id == viewer.user_id, Contact.recorded_at >= since, Contact.corrects_id.is_(None))
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
