"""Batches of messages: the batch itself, whom of its list nobody has looked at yet, and what became of it."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.sms import SmsState
from db.rules.sms_batches import SLICE, BatchSettings, BatchState
from db.rules.terms import Area
from db.schema.claims import Payment
from db.schema.contacts import ORIGINAL, Contact
from db.schema.extraction import Target, TargetList
from db.schema.sms import SmsBatch, SmsBatchTarget, SmsMessage, SmsTemplate
from db.schema.staff import Staff

LISTED: Final = 30
_MOST_IN_A_MINUTE: Final = 100_000
"""More than any links send; a limit keeps the inner query as it is."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch. `total`: people of its area on the list when it was prepared."""

    id: uuid.UUID
    area: Area
    state: BatchState
    settings: BatchSettings
    list_id: uuid.UUID
    list_name: str
    template_name: str
    body: str
    units: int
    place: int
    total: int
    made_by: int
    maker: str
    made_at: datetime
    approver: str | None
    approved_at: datetime | None
    ended_at: datetime | None
    reason: str

    def scheduled(self, now: datetime) -> bool:
        """Whether it was let go, and its time has not come."""
        begins = self.settings.starts_at
        return self.state is BatchState.RUNNING and begins is not None and begins > now


def find(tx: Connection, batch_id: uuid.UUID, *, lock: bool = False) -> BatchRow | None:
    """One batch, or None. `lock`: nobody else changes it until the transaction is over."""
    if lock:
        tx.execute(select(SmsBatch.id).where(SmsBatch.id == batch_id).with_for_update())
    row = tx.execute(_rows().where(SmsBatch.id == batch_id)).one_or_none()
    return None if row is None else _row(row)


def listed(tx: Connection, areas: Collection[Area]) -> list[BatchRow]:
    """The newest batches of some areas."""
    query = _rows().where(SmsBatch.area.in_(areas)).order_by(SmsBatch.made_at.desc(), SmsBatch.id.desc()).limit(LISTED)
    return [_row(row) for row in tx.execute(query)]


def waiting_for_approval(tx: Connection, areas: Collection[Area]) -> list[BatchRow]:
    """The batches of some areas that were prepared and not let go yet, oldest first."""
    query = _rows().where(SmsBatch.state == BatchState.WAITING, SmsBatch.area.in_(areas))
    return [_row(row) for row in tx.execute(query.order_by(SmsBatch.made_at, SmsBatch.id).limit(LISTED))]


def running(tx: Connection, now: datetime) -> list[BatchRow]:
    """The batches that were let go and whose time has come, oldest first. None of them stops until the transaction is over."""
    keys = (
        select(SmsBatch.id, SmsBatch.starts_at)
        .where(SmsBatch.state == BatchState.RUNNING)
        .order_by(SmsBatch.id)
        .with_for_update(read=True)
    )
    due = [row.id for row in tx.execute(keys).all() if row.starts_at is None or row.starts_at <= now]
    return [_row(row) for row in tx.execute(_rows().where(SmsBatch.id.in_(due)).order_by(SmsBatch.id))] if due else []


def any_running(tx: Connection, now: datetime) -> bool:
    """Whether any batch was let go and its time has come."""
    begun = or_(SmsBatch.starts_at.is_(None), SmsBatch.starts_at <= now)
    return bool(tx.execute(select(exists().where(SmsBatch.state == BatchState.RUNNING, begun))).scalar_one())


def unfinished(tx: Connection) -> list[uuid.UUID]:
    """The batches that need `prepare`: people to be looked at, or (once stopped) messages to be taken back."""
    waiting = exists().where(SmsMessage.batch_id == SmsBatch.id, SmsMessage.state == SmsState.QUEUED)
    query = select(SmsBatch.id).where(
        (SmsBatch.state == BatchState.PREPARING) | ((SmsBatch.state == BatchState.STOPPED) & waiting)
    )
    return list(tx.execute(query.order_by(SmsBatch.id)).scalars())


def candidates(tx: Connection, list_id: uuid.UUID, area: Area, after: int, most: int) -> list[int]:
    """People of an area on a list whose ids come after one."""
    query = (
        select(Target.debtor_id)
        .where(Target.list_id == list_id, Target.area == area, Target.debtor_id > after)
        .order_by(Target.debtor_id)
        .limit(most)
    )
    return list(tx.execute(query).scalars())


def size(tx: Connection, list_id: uuid.UUID, area: Area) -> int:
    """How many people of an area are on a list."""
    query = select(func.count()).select_from(Target).where(Target.list_id == list_id, Target.area == area)
    return tx.execute(query).scalar_one()


def taken(
    tx: Connection, batch_id: uuid.UUID, people: Collection[int], numbers: Collection[str]
) -> tuple[set[int], set[str]]:
    """Of some people and numbers those that have a message of a batch already."""
    with_one = select(SmsBatchTarget.person_id).where(
        SmsBatchTarget.batch_id == batch_id, SmsBatchTarget.person_id.in_(people)
    )
    written_to = select(SmsMessage.number).where(SmsMessage.batch_id == batch_id, SmsMessage.number.in_(numbers))
    there = {one for one in tx.execute(with_one).scalars() if one is not None}
    return there, set(tx.execute(written_to).scalars())


def waiting(tx: Connection, batch_id: uuid.UUID, most: int) -> list[Row[Any]]:
    """Messages of a batch that wait to be sent, locked."""
    query = (
        select(SmsMessage)
        .where(SmsMessage.batch_id == batch_id, SmsMessage.state == SmsState.QUEUED)
        .order_by(SmsMessage.not_before, SmsMessage.id)
        .limit(most)
        .with_for_update()
    )
    return list(tx.execute(query).all())


def under_way(tx: Connection, batch_id: uuid.UUID) -> bool:
    """Whether anything of a batch is still to be sent, or being sent."""
    open_ones = exists().where(
        SmsMessage.batch_id == batch_id, SmsMessage.state.in_((SmsState.QUEUED, SmsState.SUBMITTING))
    )
    return bool(tx.execute(select(open_ones)).scalar_one())


def paces(tx: Connection, now: datetime) -> Mapping[uuid.UUID, tuple[int, int]]:
    """How many messages each batch has sent in the last minute, and in the last SLICE seconds.

    First those of the minute, of all batches, then counted by batch: SQLite would rather walk through every message of a batch.
    """
    minute = (
        select(SmsMessage.batch_id, SmsMessage.submitting_at)
        .where(SmsMessage.submitting_at > now - timedelta(minutes=1))
        .limit(_MOST_IN_A_MINUTE)
        .subquery()
    )
    recent = minute.c.submitting_at > now - timedelta(seconds=SLICE)
    query = (
        select(minute.c.batch_id, func.count().label("minute"), func.count().filter(recent).label("slice"))
        .where(minute.c.batch_id.is_not(None))
        .group_by(minute.c.batch_id)
    )
    return {row.batch_id: (row.minute, row.slice) for row in tx.execute(query)}


# -- figures --------------------------------------------------------------------------------------------------------------------


def fates(tx: Connection, batch_id: uuid.UUID) -> Mapping[SmsState, int]:
    """How many messages of a batch are in each state."""
    query = select(SmsMessage.state, func.count()).where(SmsMessage.batch_id == batch_id).group_by(SmsMessage.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def left_out(tx: Connection, batch_id: uuid.UUID) -> Mapping[str, int]:
    """How many people were left out, by the code of the reason."""
    query = (
        select(SmsBatchTarget.reason, func.count())
        .where(SmsBatchTarget.batch_id == batch_id, SmsBatchTarget.reason != "")
        .group_by(SmsBatchTarget.reason)
    )
    return dict(sorted(((row[0], row[1]) for row in tx.execute(query)), key=lambda one: -one[1]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """So many messages that went out over a route in an hour (its beginning, UTC) are in a state."""

    route: str
    hour: datetime
    state: SmsState
    count: int


def outcomes(tx: Connection, batch_id: uuid.UUID) -> list[Outcome]:
    """What became of the messages that went out. Counted by the database: a batch may be large."""
    at = SmsMessage.submitting_at
    hour = func.strftime("%Y-%m-%dT%H:00:00", at) if tx.dialect.name == "sqlite" else func.date_trunc("hour", at, "UTC")
    query = (
        select(SmsMessage.route, hour.label("hour"), SmsMessage.state, func.count().label("count"))
        .where(SmsMessage.batch_id == batch_id, at.is_not(None))
        .group_by(SmsMessage.route, "hour", SmsMessage.state)
    )
    return [Outcome(row.route, _hour(row.hour), row.state, row[3]) for row in tx.execute(query)]


def call_backs(tx: Connection, batch_id: uuid.UUID) -> list[tuple[datetime, datetime]]:
    """Of each message that was answered by a call: when it went out, and the first such call."""
    query = (
        select(SmsMessage.submitting_at, func.min(Contact.at).label("first"))
        .join(Contact, Contact.answers_id == SmsMessage.contact_id)
        .where(SmsMessage.batch_id == batch_id, SmsMessage.contact_id.is_not(None), ORIGINAL)
        .group_by(SmsMessage.id, SmsMessage.submitting_at)
    )
    return [(row.submitting_at, row.first) for row in tx.execute(query) if row.submitting_at is not None]


def payments(tx: Connection, batch: BatchRow, since: datetime) -> list[tuple[datetime, date, int]]:
    """Of each person who was written to and has paid since the first message: when they were, the day, and who (by number)."""
    query = select(SmsMessage.submitting_at, Payment.paid_on, SmsMessage.debtor_id).join(
        Payment, (Payment.debtor_id == SmsMessage.debtor_id) & (Payment.area == SmsMessage.area)
    )
    of_batch = query.where(
        SmsMessage.batch_id == batch.id,
        SmsMessage.contact_id.is_not(None),
        Payment.paid_on >= since.date(),
        Payment.amount > 0,
    )
    rows = tx.execute(of_batch)
    return [(row.submitting_at, row.paid_on, row.debtor_id) for row in rows if row.submitting_at is not None]


def _rows() -> Select[*tuple[Any, ...]]:
    maker, approver = aliased(Staff), aliased(Staff)
    return (
        select(
            SmsBatch,
            maker.name.label("maker"),
            approver.name.label("approver"),
            TargetList.name.label("list_name"),
            SmsTemplate.name.label("template_name"),
        )
        .join(maker, maker.id == SmsBatch.made_by)
        .outerjoin(approver, approver.id == SmsBatch.approved_by)
        .join(TargetList, TargetList.id == SmsBatch.list_id)
        .join(SmsTemplate, SmsTemplate.id == SmsBatch.template_id)
    )


def _row(row: Row[Any]) -> BatchRow:
    settings = BatchSettings(
        name=row.name, number_rule=row.number_rule, starts_at=row.starts_at, days=_days(row.days), opens=row.opens,
        closes=row.closes, per_minute=row.per_minute,
    )  # fmt: skip
    return BatchRow(
        id=row.id, area=row.area, state=row.state, settings=settings, list_id=row.list_id, list_name=row.list_name,
        template_name=row.template_name, body=row.body, units=row.units, place=row.place, total=row.total,
        made_by=row.made_by, maker=row.maker, made_at=row.made_at, approver=row.approver, approved_at=row.approved_at,
        ended_at=row.ended_at, reason=row.reason,
    )  # fmt: skip


def _hour(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _days(kept: int) -> frozenset[int]:
    return frozenset(day for day in range(7) if kept >> day & 1)
