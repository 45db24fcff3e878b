"""Messages to phones: those of a person with what became of them, replies, templates, and numbers that exist no more."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from db.rules.sms import SmsState
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.sms import SmsGone, SmsMessage, SmsPart, SmsReply, SmsTemplate
from db.schema.staff import Staff
from db.store.many import among

MOST: Final = 100
"""So many messages, and so many replies, of a person are shown: the newest."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part as the carrier knows it."""

    number: int
    state: SmsState
    reason: str
    submitted_at: datetime
    final_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message. `parts` is empty until it was submitted."""

    id: uuid.UUID
    debtor_id: int
    area: Area
    number: str
    body: str
    units: int
    by: str
    state: SmsState
    reason: str
    route: str
    queued_at: datetime
    not_before: datetime
    submitting_at: datetime | None
    final_at: datetime | None
    parts: Sequence[PartRow]


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """What came back from a number. `opted_out`: it refuses further messages."""

    id: uuid.UUID
    debtor_id: int
    area: Area
    number: str
    body: str
    received_at: datetime
    opted_out: bool
    message_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """One version of a template."""

    id: uuid.UUID
    template_id: uuid.UUID
    area: Area
    name: str
    body: str
    retired: bool
    by: str
    set_at: datetime


def messages(tx: Connection, viewer: Viewer, debtor_ids: Sequence[int]) -> list[MessageRow]:
    """The messages to a person under any of their numbers, newest first; those of the viewer's areas."""
    query = (
        select(SmsMessage, Staff.name.label("by"))
        .join(Staff, Staff.id == SmsMessage.user_id)
        .where(SmsMessage.debtor_id.in_(debtor_ids), SmsMessage.area.in_(viewer.areas()))
        .order_by(SmsMessage.queued_at.desc(), SmsMessage.id.desc())
        .limit(MOST)
    )
    rows = tx.execute(query).all()
    parts = _parts(tx, [row.id for row in rows])
    return [
        MessageRow(
            id=row.id, debtor_id=row.debtor_id, area=row.area, number=row.number, body=row.body, units=row.units, by=row.by,
            state=row.state, reason=row.reason, route=row.route, queued_at=row.queued_at, not_before=row.not_before,
            submitting_at=row.submitting_at, final_at=row.final_at, parts=parts.get(row.id, ()),
        )
        for row in rows
    ]  # fmt: skip


def replies(tx: Connection, viewer: Viewer, debtor_ids: Sequence[int]) -> list[ReplyRow]:
    """What came back from a person, newest first; in the viewer's areas."""
    query = (
        select(SmsReply)
        .where(SmsReply.debtor_id.in_(debtor_ids), SmsReply.area.in_(viewer.areas()))
        .order_by(SmsReply.received_at.desc(), SmsReply.id.desc())
        .limit(MOST)
    )
    return [
        ReplyRow(
            row.id, row.debtor_id, row.area, row.number, row.body, row.received_at, row.opted_out, row.message_id
        )
        for row in tx.execute(query)
    ]  # fmt: skip


def templates(tx: Connection, area: Area) -> list[TemplateRow]:
    """The templates of an area that are in force, in the order in which they were made."""
    newest: dict[uuid.UUID, TemplateRow] = {}
    for row in _versions(tx, area):
        newest[row.template_id] = row
    return [row for row in newest.values() if not row.retired]


def versions(tx: Connection, area: Area) -> list[TemplateRow]:
    """Every version of every template of an area, newest first."""
    return _versions(tx, area)[::-1]


def _versions(tx: Connection, area: Area) -> list[TemplateRow]:
    query = (
        select(SmsTemplate, Staff.name.label("by"))
        .join(Staff, Staff.id == SmsTemplate.set_by)
        .where(SmsTemplate.area == area)
        .order_by(SmsTemplate.set_at, SmsTemplate.id)
    )
    return [
        TemplateRow(row.id, row.template_id, row.area, row.name, row.body, row.retired, row.by, row.set_at)
        for row in tx.execute(query)
    ]


def next_reference(tx: Connection, number: str) -> int:
    """Counts the messages to a number, so that its phone never joins parts of two of them."""
    return next_references(tx, [number]).get(number, 0)


def next_references(tx: Connection, numbers: Sequence[str]) -> Mapping[str, int]:
    """The same for several numbers; those never written to are not there."""
    used = (
        select(SmsMessage.number, func.count().label("used"))
        .where(SmsMessage.number.in_(numbers))
        .group_by(SmsMessage.number)
    )
    return {row.number: row.used & 0xFFFF for row in tx.execute(used)}


# -- numbers that exist no more -----------------------------------------------------------------------------------------------


def gone(tx: Connection, numbers: Collection[str]) -> Mapping[str, datetime]:
    """Of some numbers those that a carrier said exist no more, and since when."""
    return {row.number: row.since for row in tx.execute(_GONE, {"numbers": numbers})}


def is_gone(number: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """The condition that a carrier said that a number exists no more."""
    return exists().where(SmsGone.number == number)


_GONE: Final = select(SmsGone.number, SmsGone.since).where(among(SmsGone.number, "numbers"))


def mark_gone(tx: Connection, number: str, reason: str, message_id: uuid.UUID, now: datetime) -> None:
    """Note that a number exists no more."""
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    new = upsert(SmsGone).values(number=number, reason=reason, message_id=message_id, since=now)
    tx.execute(new.on_conflict_do_nothing(index_elements=["number"]))


def unmark_gone(tx: Connection, number: str) -> bool:
    """Note that a number exists after all; False if nothing was said against it."""
    return tx.execute(delete(SmsGone).where(SmsGone.number == number)).rowcount == 1


def _parts(tx: Connection, message_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[PartRow]]:
    found: dict[uuid.UUID, list[PartRow]] = {}
    query = select(SmsPart).where(SmsPart.message_id.in_(message_ids)).order_by(SmsPart.message_id, SmsPart.number)
    for row in tx.execute(query):
        part = PartRow(row.number, row.state, row.reason, row.submitted_at, row.final_at)
        found.setdefault(row.message_id, []).append(part)
    return found
