"""What happened since the last export and is in none yet, and the rows of an export as its file has them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, exists, func, literal, select, union_all
from sqlalchemy.orm import aliased

from db.rules.exports import ExportMapping
from db.rules.terms import ExportKind
from db.schema.calls import Attempt
from db.schema.contacts import Contact, Disposition, Promise, PromiseLine
from db.schema.exchange import ExportItem
from db.schema.people import Debtor
from db.schema.staff import Staff

MADE, CANCELLED = "made", "cancelled"
EVENTS = {MADE: "新規", CANCELLED: "取消"}


def new_events(
    tx: Connection, mapping: ExportMapping, since: datetime | None, until: datetime, limit: int
) -> list[tuple[uuid.UUID, str]]:
    """Events from `since` to `until` that no export of this stream holds, oldest first."""
    sources = [_source(mapping, since, until, *columns) for columns in _SOURCES[mapping.kind]]
    events = union_all(*sources).subquery() if len(sources) > 1 else sources[0].subquery()
    query = select(events.c.id, events.c.event).order_by(events.c.at, events.c.id, events.c.event).limit(limit)
    return [(row.id, row.event) for row in tx.execute(query)]


def rows(
    tx: Connection, kind: ExportKind, export_id: uuid.UUID, after: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows of an export by its fields, from a position on, and the position to go on from (that given: no more)."""
    query = _ROWS[kind]().add_columns(ExportItem.position)
    query = query.where(
        ExportItem.export_id == export_id, ExportItem.position > after, ExportItem.position <= after + limit
    )
    query = query.order_by(ExportItem.position, *([PromiseLine.number] if kind is ExportKind.PROMISES else []))
    found: list[dict[str, Any]] = [dict(row) for row in tx.execute(query).mappings()]
    reached = tx.execute(
        select(func.max(ExportItem.position)).where(
            ExportItem.export_id == export_id, ExportItem.position > after, ExportItem.position <= after + limit
        )
    ).scalar_one()
    for row in found:
        if "event" in row:
            row["event"] = EVENTS[row["event"]]
    return found, after if reached is None else reached


_SOURCES: Mapping[ExportKind, Sequence[tuple[Any, Any, str]]] = {
    ExportKind.CONTACTS: ((Contact, Contact.recorded_at, MADE),),
    ExportKind.PROMISES: ((Promise, Promise.made_at, MADE), (Promise, Promise.cancelled_at, CANCELLED)),
    ExportKind.RESULTS: ((Attempt, Attempt.ended_at, MADE),),
}


def _source(
    mapping: ExportMapping, since: datetime | None, until: datetime, model: Any, at: Any, event: str
) -> Select[Any]:
    told = exists().where(
        ExportItem.stream == mapping.name, ExportItem.subject_id == model.id, ExportItem.event == event
    )
    query = select(model.id, at.label("at"), literal(event, String).label("event"))
    query = query.where(at <= until, model.area.in_(mapping.areas), ~told)
    return query.where(at >= since) if since is not None else query


def _contacts() -> Any:
    return (
        select(
            Contact.id, Debtor.number.label("person"), Debtor.name, Contact.area, Contact.channel, Contact.at,
            Staff.name.label("staff"), Contact.number, Contact.answered_by, Disposition.name.label("disposition"),
            Contact.note, Contact.next_step, Contact.corrects_id.label("corrects"),
        )
        .join(ExportItem, ExportItem.subject_id == Contact.id)
        .join(Debtor, Debtor.id == Contact.debtor_id)
        .join(Disposition, Disposition.code == Contact.disposition)
        .outerjoin(Staff, Staff.id == Contact.user_id)
    )  # fmt: skip


def _promises() -> Any:
    every = aliased(PromiseLine)
    count = select(func.count()).where(every.promise_id == Promise.id).correlate(Promise).scalar_subquery()
    total = select(func.sum(every.amount)).where(every.promise_id == Promise.id).correlate(Promise).scalar_subquery()
    return (
        select(
            Promise.id, ExportItem.event, Debtor.number.label("person"), Debtor.name, Promise.area,
            Promise.made_at.label("at"), Staff.name.label("staff"), PromiseLine.number.label("line"), count.label("lines"),
            PromiseLine.due_on, PromiseLine.amount, total.label("total"),
        )
        .join(ExportItem, ExportItem.subject_id == Promise.id)
        .join(PromiseLine, PromiseLine.promise_id == Promise.id)
        .join(Debtor, Debtor.id == Promise.debtor_id)
        .join(Staff, Staff.id == Promise.made_by)
    )  # fmt: skip


def _results() -> Any:
    return (
        select(
            Attempt.id, Debtor.number.label("person"), Debtor.name, Attempt.area, Attempt.prepared_at.label("at"),
            Attempt.number, Attempt.result,
        )
        .join(ExportItem, ExportItem.subject_id == Attempt.id)
        .join(Debtor, Debtor.id == Attempt.debtor_id)
    )  # fmt: skip


_ROWS = {ExportKind.CONTACTS: _contacts, ExportKind.PROMISES: _promises, ExportKind.RESULTS: _results}
