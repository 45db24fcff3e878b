"""Booked calls (再コール予約) as lists show them. A viewer sees those of their areas."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.contacts import Recall, RecallPutAway
from db.schema.people import Debtor, Phone
from db.schema.staff import Staff
from db.store.bound import AREAS, DEBTOR_ID

LISTED: Final = 50
"""Bookings that a list shows at most, soonest first."""
POPPED: Final = 3
"""Bookings that pop up at a time; the others follow when these are dealt with."""


@dataclass(frozen=True, slots=True)
class RecallRow:
    """One open booking. `user_id` None: anyone's. `number`: the one to be called, if one was chosen."""

    id: uuid.UUID
    area: Area
    debtor_id: int
    debtor_name: str
    due_at: datetime
    for_name: str | None
    note: str
    user_id: int | None = None
    phone_id: int | None = None
    number: str | None = None
    made_by: str | None = None
    escalated_at: datetime | None = None


def find(tx: Connection, viewer: Viewer, recall_id: uuid.UUID) -> RecallRow | None:
    """An open booking that the viewer may see."""
    return next(iter(_recalls(tx, viewer, Recall.id == recall_id, limit=1)), None)


def lock(tx: Connection, recall_id: uuid.UUID) -> bool:
    """Hold an open booking for the rest of the transaction; False if it is not open any more."""
    query = select(Recall.id).where(Recall.id == recall_id, Recall.closed_at.is_(None)).with_for_update()
    return tx.execute(query).one_or_none() is not None


def of_debtor(tx: Connection, viewer: Viewer, debtor_id: int) -> list[RecallRow]:
    """Open bookings of a person, soonest first."""
    return _rows(tx, _OF_DEBTOR, viewer, debtor_id=debtor_id)


def due(tx: Connection, viewer: Viewer, until: datetime) -> list[RecallRow]:
    """Open bookings of the viewer, or of anyone, that are due by `until`, soonest first."""
    return _recalls(tx, viewer, and_(_for_me(viewer), Recall.due_at <= until), limit=LISTED)


def ahead(tx: Connection, viewer: Viewer, now: datetime, until: datetime, limit: int) -> list[RecallRow]:
    """Open bookings of the viewer, or of anyone, whose time comes by `until`, soonest first."""
    return _recalls(tx, viewer, and_(_for_me(viewer), Recall.due_at > now, Recall.due_at <= until), limit=limit)


def overdue(tx: Connection, viewer: Viewer, now: datetime, limit: int) -> list[RecallRow]:
    """Those whose time went past last, in the order of their times: what was missed long ago is a task by now."""
    late = _RECALLS.where(_for_me(viewer), Recall.due_at <= now).limit(limit)
    return _rows(tx, late.order_by(None).order_by(Recall.due_at.desc(), Recall.id.desc()), viewer)[::-1]


def listed(tx: Connection, viewer: Viewer, until: datetime, *, everyones: bool) -> list[RecallRow]:
    """Open bookings due by `until`: the viewer's and anyone's, or `everyones` in areas where the viewer may act on them."""
    return _recalls(tx, viewer, and_(_whose(viewer, everyones=everyones), Recall.due_at <= until), limit=LISTED)


def count(tx: Connection, viewer: Viewer, until: datetime, *, everyones: bool = False) -> int:
    """How many bookings `listed` could show without its limit."""
    query = select(func.count()).where(
        _open_in(viewer.areas()), _whose(viewer, everyones=everyones), Recall.due_at <= until
    )  # fmt: skip
    return tx.execute(query.select_from(Recall)).scalar_one()


def popping(tx: Connection, viewer: Viewer, now: datetime, *, anyones: bool) -> list[RecallRow]:
    """Bookings whose time has come and that the viewer has not put away: their own, and with `anyones` those of anyone.

    One that nobody kept in time is a task by then, and pops up no more.
    """
    whose = _for_me(viewer) if anyones else Recall.user_id == viewer.user_id
    away = exists().where(
        RecallPutAway.recall_id == Recall.id,
        RecallPutAway.user_id == viewer.user_id,
        or_(RecallPutAway.until.is_(None), RecallPutAway.until > now),
    )
    callable_areas = Recall.area.in_(viewer.areas(Right.CALL))
    return _recalls(
        tx,
        viewer,
        and_(whose, Recall.due_at <= now, Recall.escalated_at.is_(None), ~away, callable_areas),
        limit=POPPED,
    )


def next_pop(tx: Connection, viewer: Viewer, now: datetime) -> datetime | None:
    """When the next of the viewer's or anyone's bookings has its time, or comes back into sight."""
    ahead = select(func.min(Recall.due_at)).where(_open_in(viewer.areas()), _for_me(viewer), Recall.due_at > now)
    back = (
        select(func.min(RecallPutAway.until))
        .join(Recall, Recall.id == RecallPutAway.recall_id)
        .where(RecallPutAway.user_id == viewer.user_id, RecallPutAway.until > now, Recall.closed_at.is_(None))
    )
    times = [tx.execute(query).scalar_one() for query in (ahead, back)]
    return min((at for at in times if at is not None), default=None)


def _for_me(viewer: Viewer) -> ColumnElement[bool]:
    return or_(Recall.user_id.is_(None), Recall.user_id == viewer.user_id)


def _whose(viewer: Viewer, *, everyones: bool) -> ColumnElement[bool]:
    if not everyones:
        return _for_me(viewer)
    return or_(_for_me(viewer), Recall.area.in_(viewer.areas(Right.RECALL_ANYONE)))


def _open_in(areas: Any) -> ColumnElement[bool]:
    return and_(Recall.closed_at.is_(None), Recall.area.in_(areas))


def _recalls(tx: Connection, viewer: Viewer, condition: ColumnElement[bool], limit: int) -> list[RecallRow]:
    return _rows(tx, _RECALLS.where(condition).limit(limit), viewer)


def _rows(tx: Connection, query: Select[*tuple[Any, ...]], viewer: Viewer, **more: Any) -> list[RecallRow]:
    return [RecallRow(*tuple(row)) for row in tx.execute(query, {"areas": viewer.areas(), **more})]


_MAKER = aliased(Staff)
_RECALLS: Final = (
    select(
        Recall.id, Recall.area, Recall.debtor_id, Debtor.name, Recall.due_at, Staff.name, Recall.note,
        Recall.user_id, Recall.phone_id, Phone.number, _MAKER.name, Recall.escalated_at,
    )
    .join(Debtor, Debtor.id == Recall.debtor_id)
    .outerjoin(Staff, Staff.id == Recall.user_id)
    .outerjoin(_MAKER, _MAKER.id == Recall.made_by)
    .outerjoin(Phone, Phone.id == Recall.phone_id)
    .where(_open_in(AREAS))
    .order_by(Recall.due_at, Recall.id)
)  # fmt: skip
_OF_DEBTOR: Final = _RECALLS.where(Recall.debtor_id == DEBTOR_ID).limit(20)
