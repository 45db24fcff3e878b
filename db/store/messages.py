"""Messages between staff (連絡): those who sent one, were sent it, or are in the group it went to, see it; nobody else."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.people import Debtor
from db.schema.staff import Staff, StaffGroup
from db.schema.work import Message, MessageRead

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
    return next(iter(_rows(tx, viewer, or_(_to(viewer), _from(viewer)), Message.id == message_id)), None)


def received(
    tx: Connection, viewer: Viewer, now: datetime, *, unread: bool = False, limit: int = LISTED
) -> list[MessageRow]:
    """What the viewer was sent lately, newest first."""
    found = [_to(viewer), Message.sent_at > now - LOOKED_BACK]
    return _rows(tx, viewer, *found, *([~_read_by(viewer)] if unread else []), limit=limit)


def sent(tx: Connection, viewer: Viewer, now: datetime) -> list[MessageRow]:
    """What the viewer sent lately, newest first, with who has read it."""
    return _with_readers(tx, _rows(tx, viewer, _from(viewer), Message.sent_at > now - LOOKED_BACK))


def of_debtor(tx: Connection, viewer: Viewer, debtor_id: int) -> list[MessageRow]:
    """What the viewer sent or was sent about a person, newest first."""
    rows = _rows(tx, viewer, or_(_to(viewer), _from(viewer)), Message.debtor_id == debtor_id, limit=20)
    return _with_readers(tx, rows)


def unread(tx: Connection, viewer: Viewer, now: datetime) -> int:
    """How many messages the viewer has not read."""
    conditions = (_to(viewer), Message.area.in_(viewer.areas()), ~_read_by(viewer), Message.sent_at > now - LOOKED_BACK)
    return tx.execute(select(func.count()).select_from(Message).where(*conditions)).scalar_one()


def _to(viewer: Viewer) -> ColumnElement[bool]:
    to_group = and_(Message.group_id.in_(viewer.group_ids), Message.from_id != viewer.user_id)
    return or_(Message.user_id == viewer.user_id, to_group)


def _from(viewer: Viewer) -> ColumnElement[bool]:
    return Message.from_id == viewer.user_id


def _read_by(viewer: Viewer) -> ColumnElement[bool]:
    return exists().where(MessageRead.message_id == Message.id, MessageRead.user_id == viewer.user_id)


def _rows(
    tx: Connection, viewer: Viewer, *conditions: ColumnElement[bool], limit: int = LISTED
) -> list[MessageRow]:  # fmt: skip
    sender, mine = aliased(Staff), aliased(MessageRead)
    query = (
        select(
            Message.id, Message.area, Message.debtor_id, Debtor.name, Message.from_id, sender.name,
            func.coalesce(Staff.name, StaffGroup.name, ""), Message.body, Message.sent_at, mine.read_at,
        )
        .join(Debtor, Debtor.id == Message.debtor_id)
        .join(sender, sender.id == Message.from_id)
        .outerjoin(Staff, Staff.id == Message.user_id)
        .outerjoin(StaffGroup, StaffGroup.id == Message.group_id)
        .outerjoin(mine, and_(mine.message_id == Message.id, mine.user_id == viewer.user_id))
        .where(Message.area.in_(viewer.areas()), *conditions)
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [MessageRow(*row) for row in tx.execute(query)]


def _with_readers(tx: Connection, rows: Sequence[MessageRow]) -> list[MessageRow]:
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
