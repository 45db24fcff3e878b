"""Tasks: what a person has to look at. They are raised and settled by the use cases that know of the matter."""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.terms import Area
from db.schema.base import new_id
from db.schema.work import Assignment, Task

TOPIC: Final = "recall"
"""Tasks stand beside the recalls on the home screen and are looked at together."""

BROKEN_PROMISE: Final = "promise_broken"
OFFERED_PROMISE: Final = "promise_offered"


def raise_task(
    tx: Connection, kind: str, debtor_id: int, area: Area, subject_id: uuid.UUID, now: datetime, note: str = ""
) -> None:
    """Raise a task about a person, for whom the case is assigned to, or else for anyone of the area."""
    assigned = tx.execute(
        select(Assignment.user_id, Assignment.group_id)
        .where(Assignment.debtor_id == debtor_id, Assignment.area == area, Assignment.ended_at.is_(None))
        .order_by(Assignment.assigned_at.desc())
        .limit(1)
    ).one_or_none()
    tx.execute(
        insert(Task).values(
            id=new_id(), kind=kind, debtor_id=debtor_id, area=area, subject_id=subject_id, made_at=now, note=note,
            user_id=assigned.user_id if assigned else None, group_id=assigned.group_id if assigned else None,
        )
    )  # fmt: skip
    publish(tx, now, TOPIC, "")


def settle(
    tx: Connection, kind: str, debtor_id: int, area: Area, now: datetime, by: int | None = None, *,
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
