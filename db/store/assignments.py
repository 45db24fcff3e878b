"""Cases given to officers and groups (担当): who has which, and who had them before."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.people import Debtor
from db.schema.staff import Staff, StaffGroup
from db.schema.summaries import CaseSummary
from db.schema.work import Assignment
from db.store.bound import AREAS, DEBTOR_ID

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One assignment of a case; the open one has no `ended_at`."""

    area: Area
    user_id: int | None
    group_id: int | None
    holder: str
    instructions: str
    due_on: date | None
    assigned_by: str
    assigned_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One assigned case. `principal` (yen, past due and open) is None for a viewer who may not see it."""

    debtor_id: int
    number: str
    name: str
    area: Area
    holder: str
    instructions: str
    due_on: date | None
    assigned_at: datetime
    principal: int | None
    last_at: datetime | None


def of_debtor(tx: Connection, viewer: Viewer, debtor_id: int) -> list[AssignmentRow]:
    """All assignments of a person's cases in the viewer's areas, newest first."""
    return [AssignmentRow(*row) for row in tx.execute(_OF_DEBTOR, {"debtor_id": debtor_id, "areas": viewer.areas()})]


_BY = aliased(Staff)
_OF_DEBTOR: Final = (
    select(
        Assignment.area, Assignment.user_id, Assignment.group_id,
        func.coalesce(Staff.name, StaffGroup.name, ""), Assignment.instructions, Assignment.due_on,
        func.coalesce(_BY.name, ""), Assignment.assigned_at, Assignment.ended_at,
    )
    .outerjoin(Staff, Staff.id == Assignment.user_id)
    .outerjoin(StaffGroup, StaffGroup.id == Assignment.group_id)
    .outerjoin(_BY, _BY.id == Assignment.assigned_by)
    .where(Assignment.debtor_id == DEBTOR_ID, Assignment.area.in_(AREAS))
    .order_by(Assignment.assigned_at.desc(), Assignment.id.desc())
    .limit(50)
)  # fmt: skip


def held(tx: Connection, viewer: Viewer, user_id: int, groups: Collection[int], page: int) -> list[CaseLine]:
    """A page of the cases of a user and of groups, those due first."""
    insight = viewer.areas(Right.ARREARS_VIEW)
    seen = Assignment.area.in_(insight)
    query = (
        select(
            Assignment.debtor_id, Debtor.number, Debtor.name, Assignment.area,
            func.coalesce(Staff.name, StaffGroup.name, ""), case((seen, Assignment.instructions), else_=""),
            Assignment.due_on, Assignment.assigned_at, case((seen, CaseSummary.principal)),
            func.coalesce(CaseSummary.last_at, 0),
        )
        .join(Debtor, Debtor.id == Assignment.debtor_id)
        .outerjoin(Staff, Staff.id == Assignment.user_id)
        .outerjoin(StaffGroup, StaffGroup.id == Assignment.group_id)
        .outerjoin(
            CaseSummary, and_(CaseSummary.debtor_id == Assignment.debtor_id, CaseSummary.area == Assignment.area)
        )
        .where(*_held(viewer, user_id, groups))
        .order_by(Assignment.due_on.is_(None), Assignment.due_on, Assignment.assigned_at, Assignment.id)
        .limit(PAGE)
        .offset(page * PAGE)
    )  # fmt: skip
    return [_line(tuple(row)) for row in tx.execute(query)]


def count_held(tx: Connection, viewer: Viewer, user_id: int, groups: Collection[int]) -> int:
    """How many cases there are on all pages."""
    query = select(func.count()).select_from(Assignment).where(*_held(viewer, user_id, groups))
    return tx.execute(query).scalar_one()


def open_of(tx: Connection, area: Area, debtor_ids: Collection[int]) -> dict[int, list[tuple[uuid.UUID, Any, Any]]]:
    """The open assignments of some people in an area: id, user and group, held until the transaction ends."""
    query = (
        select(Assignment.debtor_id, Assignment.id, Assignment.user_id, Assignment.group_id)
        .where(Assignment.debtor_id.in_(debtor_ids), Assignment.area == area, Assignment.ended_at.is_(None))
        .with_for_update()
    )
    found: dict[int, list[tuple[uuid.UUID, Any, Any]]] = {}
    for row in tx.execute(query):
        found.setdefault(row.debtor_id, []).append((row.id, row.user_id, row.group_id))
    return found


def _held(viewer: Viewer, user_id: int, groups: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    whose = or_(Assignment.user_id == user_id, Assignment.group_id.in_(groups))
    return whose, Assignment.ended_at.is_(None), Assignment.area.in_(viewer.areas())


def _line(values: tuple[Any, ...]) -> CaseLine:
    at = datetime.fromtimestamp(values[-1], UTC) if values[-1] else None
    return CaseLine(*(*values[:-1], at))
