"""Promises to pay, as the rules read them."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select
from sqlalchemy.orm import aliased

from db.clock import office_date
from db.rules import promises as rules
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.contacts import Promise, PromiseLine
from db.schema.staff import Staff
from db.store.bound import AREAS, DEBTOR_ID


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One promise of a person, and where it stands among the others of its area. Newest first in lists."""

    id: uuid.UUID
    area: Area
    made_at: datetime
    made_by: str
    approved_by: str | None
    cancelled_by: str | None
    cancel_reason: str | None
    note: str
    promise: rules.Promise
    footing: rules.Footing


def of_debtor(tx: Connection, viewer: Viewer, debtor_id: int, zone: ZoneInfo) -> list[PromiseRow]:
    """A person's promises in the viewer's areas, newest first."""
    mine = {"debtor_id": debtor_id, "areas": viewer.areas()}
    rows = tx.execute(_PROMISES, mine).all()
    parts: defaultdict[uuid.UUID, list[rules.PromiseLine]] = defaultdict(list)
    for line in tx.execute(_LINES, mine) if rows else ():
        parts[line.promise_id].append(rules.PromiseLine(line.due_on, line.amount))
    made = {row.id: _promise(row, parts[row.id], zone) for row in rows}
    standing: dict[uuid.UUID, rules.Footing] = {}
    for area in {row.area for row in rows}:
        ids = [row.id for row in rows if row.area is area]
        standing.update(zip(ids, rules.footings(made[one] for one in ids), strict=True))
    return [
        PromiseRow(
            id=row.id,
            area=row.area,
            made_at=row.made_at,
            made_by=row.made_by,
            approved_by=row.approved_by,
            cancelled_by=row.cancelled_by,
            cancel_reason=row.cancel_reason,
            note=row.note,
            promise=made[row.id],
            footing=standing[row.id],
        )
        for row in rows
    ]


_APPROVER, _CANCELLER = aliased(Staff), aliased(Staff)
_PROMISES: Final = (
    select(
        Promise.id,
        Promise.area,
        Promise.made_at,
        Staff.name.label("made_by"),
        _APPROVER.name.label("approved_by"),
        _CANCELLER.name.label("cancelled_by"),
        Promise.cancelled_at,
        Promise.cancel_reason,
        Promise.note,
    )
    .join(Staff, Staff.id == Promise.made_by)
    .outerjoin(_APPROVER, _APPROVER.id == Promise.approved_by)
    .outerjoin(_CANCELLER, _CANCELLER.id == Promise.cancelled_by)
    .where(Promise.debtor_id == DEBTOR_ID, Promise.area.in_(AREAS))
    .order_by(Promise.made_at.desc(), Promise.id.desc())
)
_LINES: Final = (
    select(PromiseLine.promise_id, PromiseLine.due_on, PromiseLine.amount)
    .join(Promise, Promise.id == PromiseLine.promise_id)
    .where(Promise.debtor_id == DEBTOR_ID, Promise.area.in_(AREAS))
    .order_by(PromiseLine.promise_id, PromiseLine.number)
)


def _promise(row: Row[*tuple[object, ...]], lines: Sequence[rules.PromiseLine], zone: ZoneInfo) -> rules.Promise:
    return rules.Promise(
        made_on=office_date(row.made_at, zone),
        lines=tuple(lines),
        approved=row.approved_by is not None,
        cancelled=row.cancelled_at is not None,
    )
