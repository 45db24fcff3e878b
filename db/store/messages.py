"""Messages between staff (連絡): those who sent one, were sent it, or are in the group it went to, see it; nobody else."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.people import Debtor
from db.schema.staff import Staff, StaffGroup
from db.schema.work import Message, MessageRead
from db.store.bound import AREAS, DEBTOR_ID, GROUP_IDS, USER_ID

LISTED: Final = 50
LOOKED_BACK: Final = timedelta(days=90)
"""Older messages are on the record of their case only."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message. `read_at`: when the viewer read it; `readers`: who has, for its sender."""

    id: uuid.UUID
    area: Area
    debtor_id: int
    debtor_name: str
    from_id: int
    from_name: str
    to_name: str
    body: str
    sent_at: datetime
    read_at: datetime | None
    readers: Sequence[tuple[str, datetime]] = ()


def find(tx: Connection, viewer: Viewer, message_id: uuid.UUID) -> MessageRow | None:
    """A message that the viewer sent or was sent."""
    return next(iter(_rows(tx, _MESSAGES.where(or_(_TO, _FROM), Message.id == message_id), viewer)), None)


def received(
    tx: Connection, viewer: Viewer, now: datetime, *, unread: bool = False, limit: int = LISTED
) -> list[MessageRow]:
    """What the viewer was sent lately, newest first."""
    query = _MESSAGES.where(_TO, Message.sent_at > now - LOOKED_BACK)
    return _rows(tx, (query.where(~_IS_READ) if unread else query).limit(limit), viewer)


def sent(tx: Connection, viewer: Viewer, now: datetime) -> list[MessageRow]:
    """What the viewer sent lately, newest first, with who has read it."""
    return _with_readers(tx, _rows(tx, _MESSAGES.where(_FROM, Message.sent_at > now - LOOKED_BACK), viewer))


def of_debtor(tx: Connection, viewer: Viewer, debtor_id: int) -> list[MessageRow]:
    """What the viewer sent or was sent about a person, newest first."""
    return _with_readers(tx, _rows(tx, _OF_DEBTOR, viewer, debtor_id=debtor_id))


def unread(tx: Connection, viewer: Viewer, now: datetime) -> int:
    """How many messages the viewer has not read."""
    return tx.execute(_UNREAD, {**_asker(viewer), "since": now - LOOKED_BACK}).scalar_one()


_TO: Final = or_(Message.user_id == USER_ID, and_(Message.group_id.in_(GROUP_IDS), Message.from_id != USER_ID))
_FROM: Final = Message.from_id == USER_ID
_IS_READ: Final = exists().where(MessageRead.message_id == Message.id, MessageRead.user_id == USER_ID)
_SENDER, _MINE = aliased(Staff), aliased(MessageRead)
_MESSAGES: Final = (
    select(
        Message.id, Message.area, Message.debtor_id, Debtor.name, Message.from_id, _SENDER.name,
        func.coalesce(Staff.name, StaffGroup.name, ""), Message.body, Message.sent_at, _MINE.read_at,
    )
    .join(Debtor, Debtor.id == Message.debtor_id)
    .join(_SENDER, _SENDER.id == Message.from_id)
    .outerjoin(Staff, Staff.id == Message.user_id)
    .outerjoin(StaffGroup, StaffGroup.id == Message.group_id)
    .outerjoin(_MINE, and_(_MINE.message_id == Message.id, _MINE.user_id == USER_ID))
    .where(Message.area.in_(AREAS))
    .order_by(Message.sent_at.desc(), Message.id.desc())
    .limit(LISTED)
)  # fmt: skip
_OF_DEBTOR: Final = _MESSAGES.where(or_(_TO, _FROM), Message.debtor_id == DEBTOR_ID).limit(20)
_UNREAD: Final = (
    select(func.count())
    .select_from(Message)
    .where(_TO, Message.area.in_(AREAS), ~_IS_READ, Message.sent_at > bindparam("since"))
)


def _asker(viewer: Viewer) -> dict[str, Any]:
    return {"user_id": viewer.user_id, "group_ids": viewer.group_ids, "areas": viewer.areas()}


def _rows(tx: Connection, query: Select[*tuple[Any, ...]], viewer: Viewer, **more: Any) -> list[MessageRow]:
    return [MessageRow(*tuple(row)) for row in tx.execute(query, _asker(viewer) | more)]


def _with_readers(tx: Connection, rows: Sequence[MessageRow]) -> list[MessageRow]:
    if not rows:
        return []
    query = (
        select(MessageRead.message_id, Staff.name, MessageRead.read_at)
        .join(Staff, Staff.id == MessageRead.user_id)
        .where(MessageRead.message_id.in_([row.id for row in rows]))
        .order_by(MessageRead.read_at)
    )
    found: dict[Any, list[tuple[str, datetime]]] = {}
    for message_id, name, at in tx.execute(query):
        found.setdefault(message_id, []).append((name, at))
    return [replace(row, readers=tuple(found.get(row.id, ()))) for row in rows]
