"""The tasks that callers leave: opened, called back from the record, and closed by somebody whose name stays with them (T5).

Who is called back is the viewer's choice among the people whose number it is; the call itself goes through the record, and
so through every rule of contact. A wish to be called back stays open until somebody was reached, or it is closed here.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, select, update

from db.outbox import publish
from db.rules.callers import CallerKind
from db.rules.opening import Opening
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.staff import Staff
from db.schema.work import Task
from db.store import access_log
from db.store import incoming as store
from db.store.debtors import Hit
from db.usecases.calls import CallError
from db.usecases.giving import people
from db.usecases.missed import CALL_BACK_TASK, CALL_TASKS, TASK_TOPIC
from db.usecases.records import NotFoundError

CLOSED_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class CallBack:
    """A task of a caller. `asked`: they wish it; `left_number` is what they keyed in; `done_by` closed it, if anybody has."""

    id: uuid.UUID
    asked: bool
    area: Area
    arrived_at: datetime
    opening: Opening
    kind: CallerKind
    number: str | None
    left_number: str | None
    people: Sequence[Hit]
    done_at: datetime | None
    done_by: str | None


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """A task that was dealt with."""

    id: uuid.UUID
    asked: bool
    note: str
    done_at: datetime
    done_by: str | None


def open_task(tx: Connection, viewer: Viewer, task_id: uuid.UUID, now: datetime) -> CallBack:
    """Open a task of an area that the viewer telephones in; whose number it may be is written to the access log."""
    row = tx.execute(_tasks(viewer).where(Task.id == task_id)).one_or_none()
    call = store.find(tx, row.subject_id) if row is not None and row.subject_id is not None else None
    if row is None or call is None:
        raise NotFoundError
    hits = people(tx, viewer, call)
    for hit in hits:
        access_log.append(tx, viewer, now, "task.view", debtor_id=hit.id, detail=str(task_id))
    return CallBack(
        id=task_id, asked=row.kind == CALL_BACK_TASK, area=row.area, arrived_at=call.arrived_at, opening=call.opening,
        kind=call.kind, number=call.number, left_number=call.left_number, people=hits, done_at=row.done_at,
        done_by=row.done_by,
    )  # fmt: skip


def close(tx: Connection, viewer: Viewer, task_id: uuid.UUID, now: datetime) -> None:
    """Close a task: nobody need call back any more. Raises CallError if somebody else has closed it."""
    row = tx.execute(_tasks(viewer).where(Task.id == task_id)).one_or_none()
    if row is None:
        raise NotFoundError
    open_one = update(Task).where(Task.id == task_id, Task.done_at.is_(None))
    if tx.execute(open_one.values(done_at=now, done_by=viewer.user_id)).rowcount != 1:
        raise CallError("task_done", f"すでに{row.done_by or '他の担当者'}さんが対応済みにしています。")
    access_log.append(tx, viewer, now, "task.close", debtor_id=row.debtor_id, detail=f"{task_id} {row.kind}")
    publish(tx, now, TASK_TOPIC, "")


def closed_since(tx: Connection, viewer: Viewer, since: datetime) -> list[ClosedRow]:
    """What was dealt with since a moment, by anybody, newest first; at most CLOSED_SHOWN."""
    query = _tasks(viewer).where(Task.done_at >= since).order_by(Task.done_at.desc()).limit(CLOSED_SHOWN)
    return [
        ClosedRow(row.id, row.kind == CALL_BACK_TASK, row.note, row.done_at, row.done_by) for row in tx.execute(query)
    ]  # fmt: skip


def _tasks(viewer: Viewer) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Task.id, Task.kind, Task.area, Task.debtor_id, Task.subject_id, Task.note, Task.done_at,
            Staff.name.label("done_by"),
        )
        .outerjoin(Staff, Staff.id == Task.done_by)
        .where(Task.kind.in_(CALL_TASKS), Task.area.in_(viewer.areas(Right.CALL)))
    )  # fmt: skip
