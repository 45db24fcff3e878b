"""Tasks: what a person has to look at. They are raised and settled by the use cases that know of the matter."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.outbox import publish
from db.rules.terms import Area, TaskKind
from db.schema.base import new_id
from db.schema.work import Assignment, Task
from db.store.many import among

TOPIC: Final = "recall"
"""Tasks stand beside the recalls on the home screen and are looked at together."""

BROKEN_PROMISE: Final = TaskKind.PROMISE_BROKEN
OFFERED_PROMISE: Final = TaskKind.PROMISE_OFFERED


def raise_task(
    tx: Connection, kind: TaskKind, debtor_id: int, area: Area, subject_id: uuid.UUID, now: datetime, note: str = ""
) -> None:
    """Raise a task about a person, for whom the case is assigned to, or else for anyone of the area."""
    user_id, group_id = _assigned(tx, debtor_id, area)
    raise_for(tx, kind, debtor_id, area, subject_id, now, note, user_id=user_id, group_id=group_id)


def raise_for(
    tx: Connection, kind: TaskKind, debtor_id: int, area: Area, subject_id: uuid.UUID, now: datetime, note: str = "", *,
    user_id: int | None = None, group_id: int | None = None,
) -> None:  # fmt: skip
    """Raise a task about a person for one user, for one group, or (neither) for anyone of the area."""
    tx.execute(
        insert(Task).values(
            id=new_id(), kind=kind, debtor_id=debtor_id, area=area, subject_id=subject_id, made_at=now, note=note,
            user_id=user_id, group_id=group_id,
        )
    )  # fmt: skip
    publish(tx, now, TOPIC, "")


def raise_once(
    tx: Connection, rule_key: str, kind: TaskKind, debtor_id: int, area: Area, subject_id: uuid.UUID, now: datetime,
    note: str,
) -> bool:  # fmt: skip
    """Raise a task by a rule that does so once for ever; False if it has, whatever became of the task since."""
    user_id, group_id = _assigned(tx, debtor_id, area)
    begun = sqlite.insert(Task) if tx.dialect.name == "sqlite" else postgresql.insert(Task)
    new = begun.values(
        id=new_id(), kind=kind, debtor_id=debtor_id, area=area, subject_id=subject_id, made_at=now, note=note,
        user_id=user_id, group_id=group_id, instruction="", word="", rule_key=rule_key,
    )  # fmt: skip
    once = new.on_conflict_do_nothing(index_elements=["rule_key"]).returning(Task.id)
    if tx.execute(once).scalar_one_or_none() is None:
        return False
    publish(tx, now, TOPIC, "")
    return True


def settle(
    tx: Connection, kind: TaskKind, debtor_id: int, area: Area, now: datetime, by: int | None = None, *,
    but_not: uuid.UUID | None = None,
) -> int:  # fmt: skip
    """Settle the open tasks of a kind about a person, all but those about `but_not`; returns how many there were."""
    open_ones = update(Task).where(
        Task.kind == kind, Task.debtor_id == debtor_id, Task.area == area, Task.done_at.is_(None)
    )
    if but_not is not None:
        open_ones = open_ones.where(Task.subject_id != but_not)
    settled = tx.execute(open_ones.values(done_at=now, done_by=by)).rowcount
    if settled:
        publish(tx, now, TOPIC, "")
    return settled


def settle_subject(tx: Connection, kind: TaskKind, subject_id: uuid.UUID, now: datetime, by: int | None) -> None:
    """Settle the open task of a kind about one matter, if there is one."""
    settle_subjects(tx, kind, [subject_id], now, by)


def settle_subjects(
    tx: Connection, kind: TaskKind, subject_ids: Collection[uuid.UUID], now: datetime, by: int | None
) -> None:  # fmt: skip
    """Settle the open tasks of a kind about some matters, if there are any."""
    about = {"subjects": subject_ids, "kind_": kind, "now": now, "by": by}
    if subject_ids and tx.execute(_SETTLED, about).rowcount:
        publish(tx, now, TOPIC, "")


_SETTLED: Final = (
    update(Task)
    .where(among(Task.subject_id, "subjects"), Task.kind == bindparam("kind_", type_=Task.kind.type))
    .where(Task.done_at.is_(None))
    .values(done_at=bindparam("now", type_=Task.done_at.type), done_by=bindparam("by", type_=Task.done_by.type))
)


def _assigned(tx: Connection, debtor_id: int, area: Area) -> tuple[int | None, int | None]:
    """The user or the group to whom a case is assigned."""
    row = tx.execute(
        select(Assignment.user_id, Assignment.group_id)
        .where(Assignment.debtor_id == debtor_id, Assignment.area == area, Assignment.ended_at.is_(None))
        .order_by(Assignment.assigned_at.desc())
        .limit(1)
    ).one_or_none()
    return (row.user_id, row.group_id) if row else (None, None)
