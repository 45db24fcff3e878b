"""Campaigns as the bridge, the jobs daemon and the screens read them, and the queue that a campaign works off.

The queue names people to the system only; what shows people to users takes a `Viewer`.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)

from db.rules.campaigns import CampaignSettings, CampaignState, MachineRule, TargetOrder, TargetState, retry_from_json
from db.rules.officetime import JST
from db.rules.telephony import OPEN_ATTEMPTS, AttemptState, DialMode
from db.rules.terms import Area
from db.schema.calls import Attempt, Call
from db.schema.campaigns import Campaign, CampaignList, CampaignOperator, CampaignTarget
from db.schema.contacts import Recall
from db.schema.extraction import Target
from db.schema.summaries import CaseSummary
from db.store.bound import USER_ID
from db.store.many import among

WORTH: Final = timedelta(seconds=60)
"""An attempt that no bridge has authorized after so long is given up."""
LISTED: Final = 50
LAST: Final = 2**62
"""The order key of whoever has nothing to be ordered by."""


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as it is set."""

    id: uuid.UUID
    area: Area
    state: CampaignState
    settings: CampaignSettings
    made_by: int
    made_at: datetime
    changed_by: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One person of a campaign."""

    debtor_id: int
    area: Area
    list_id: uuid.UUID
    state: TargetState
    due_at: datetime | None
    tries: int
    attempt_id: uuid.UUID | None
    user_id: int | None
    since: datetime


def find(tx: Connection, campaign_id: uuid.UUID, *, lock: bool = False) -> CampaignRow | None:
    """A campaign; `lock` holds it until the end of the transaction."""
    query = select(Campaign).where(Campaign.id == campaign_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _row(row) if row else None


def get(tx: Connection, campaign_id: uuid.UUID) -> CampaignRow:
    """A campaign that is known to be there."""
    return _row(tx.execute(select(Campaign).where(Campaign.id == campaign_id)).one())


def listed(tx: Connection, areas: Collection[Area], states: Collection[CampaignState]) -> list[CampaignRow]:
    """Campaigns of some areas and states, newest first, LISTED at most."""
    query = select(Campaign).where(Campaign.area.in_(areas), Campaign.state.in_(states))
    return [_row(row) for row in tx.execute(query.order_by(Campaign.made_at.desc()).limit(LISTED))]


def running(tx: Connection, pbx: str | None = None) -> list[CampaignRow]:
    """Campaigns that run on a PBX, or on all, oldest first."""
    query = select(Campaign).where(Campaign.state == CampaignState.RUNNING).order_by(Campaign.made_at)
    return [_row(row) for row in tx.execute(query if pbx is None else query.where(Campaign.pbx == pbx))]


def is_running(tx: Connection, campaign_id: uuid.UUID) -> bool:
    """Whether a campaign runs."""
    found = select(Campaign.state).where(Campaign.id == campaign_id)
    return tx.execute(found).scalar_one_or_none() is CampaignState.RUNNING


def lists(tx: Connection, campaign_id: uuid.UUID) -> dict[uuid.UUID, tuple[int, int]]:
    """The lists of a campaign: weight, and how many of it were taken."""
    query = select(CampaignList.list_id, CampaignList.weight, CampaignList.taken)
    rows = tx.execute(query.where(CampaignList.campaign_id == campaign_id).order_by(CampaignList.list_id))
    return {row.list_id: (row.weight, row.taken) for row in rows}


def operators(tx: Connection, campaign_id: uuid.UUID) -> frozenset[int]:
    """Who has joined a campaign."""
    query = select(CampaignOperator.user_id).where(CampaignOperator.campaign_id == campaign_id)
    return frozenset(tx.execute(query).scalars())


def joined(tx: Connection, user_id: int) -> list[uuid.UUID]:
    """The campaigns that a user has joined and that are not over, the one joined first first."""
    return list(tx.execute(_JOINED, {"user_id": user_id}).scalars())


_JOINED: Final = (
    select(CampaignOperator.campaign_id)
    .join(Campaign, Campaign.id == CampaignOperator.campaign_id)
    .where(CampaignOperator.user_id == USER_ID, Campaign.state != CampaignState.STOPPED)
    .order_by(CampaignOperator.since)
)


# -- the queue


def fill(tx: Connection, campaign: CampaignRow, list_id: uuid.UUID, now: datetime) -> int:
    """Put the cases of a list that are in the campaign's area and not in it yet onto its queue; returns how many."""
    there = exists().where(
        CampaignTarget.campaign_id == campaign.id,
        CampaignTarget.debtor_id == Target.debtor_id,
        CampaignTarget.area == Target.area,
    )
    values: Mapping[str, Any] = {
        "campaign_id": literal(campaign.id, CampaignTarget.campaign_id.type),
        "debtor_id": Target.debtor_id,
        "area": Target.area,
        "list_id": Target.list_id,
        "state": literal(TargetState.OPEN, CampaignTarget.state.type),
        "order_key": _order_key(campaign.settings.order),
        "tries": literal(0),
        "last_result": literal(""),
        "reason": literal(""),
        "since": literal(now, CampaignTarget.since.type),
    }
    found = (
        select(*values.values())
        .join(CaseSummary, and_(CaseSummary.debtor_id == Target.debtor_id, CaseSummary.area == Target.area))
        .where(Target.list_id == list_id, Target.area == campaign.area, ~there)
    )
    filling = insert(CampaignTarget).from_select(list(values), found).execution_options(preserve_rowcount=True)
    return tx.execute(filling).rowcount


def due_recalls(tx: Connection, campaign_id: uuid.UUID, area: Area, now: datetime, limit: int) -> list[TargetRow]:
    """Open targets who have a booking of anyone's whose time has come, held; those that others hold are left out."""
    booked = (
        select(Recall.debtor_id)
        .where(Recall.closed_at.is_(None), Recall.due_at <= now, Recall.user_id.is_(None), Recall.area == area)
        .order_by(Recall.due_at)
        .limit(10 * limit)
    )
    people = list(dict.fromkeys(tx.execute(booked).scalars()))
    if not people:
        return []
    query = _targets().where(
        CampaignTarget.campaign_id == campaign_id,
        CampaignTarget.debtor_id.in_(people),
        CampaignTarget.area == area,
        CampaignTarget.state == TargetState.OPEN,
    )
    return sorted(_held(tx, query.limit(limit)), key=lambda row: people.index(row.debtor_id))


def due_again(tx: Connection, campaign_id: uuid.UUID, list_id: uuid.UUID, now: datetime, limit: int) -> list[TargetRow]:
    """Open targets of a list that were put off until now, the longest overdue first, held."""
    return _held(tx, _queue(campaign_id, list_id).where(CampaignTarget.due_at <= now).limit(limit))


def fresh(tx: Connection, campaign_id: uuid.UUID, list_id: uuid.UUID, limit: int) -> list[TargetRow]:
    """Open targets of a list at whom nobody has looked yet, in the campaign's order, held."""
    return _held(tx, _queue(campaign_id, list_id).where(CampaignTarget.due_at.is_(None)).limit(limit))


def claims_of(tx: Connection, campaign_id: uuid.UUID, attempt_ids: Collection[uuid.UUID]) -> list[TargetRow]:
    """The targets that attempts have claimed, held; those that another process has in hand are left out."""
    query = _targets().join(Attempt, Attempt.id == CampaignTarget.attempt_id).where(
        among(Attempt.id, "attempts"),
        CampaignTarget.debtor_id == Attempt.debtor_id,  # as the key has it
        CampaignTarget.area == Attempt.area,
        CampaignTarget.campaign_id == campaign_id,
        CampaignTarget.state == TargetState.CLAIMED,
    )  # fmt: skip
    return _held(tx, query, {"attempts": attempt_ids})


def target(tx: Connection, campaign_id: uuid.UUID, debtor_id: int, area: Area) -> TargetRow | None:
    """One person of a campaign."""
    query = _targets().where(
        CampaignTarget.campaign_id == campaign_id, CampaignTarget.debtor_id == debtor_id, CampaignTarget.area == area
    )
    row = tx.execute(query).one_or_none()
    return TargetRow(*tuple(row)) if row else None


def of_attempt(tx: Connection, attempt_id: uuid.UUID) -> uuid.UUID | None:
    """The campaign of a dial, if it has one."""
    return tx.execute(select(Attempt.campaign_id).where(Attempt.id == attempt_id)).scalar_one_or_none()


def over(tx: Connection, campaign_id: uuid.UUID, now: datetime) -> list[TargetRow]:
    """Claimed targets whose dial is not under way any more, was not sent within WORTH, or whose reservation ran out, held.

    Not while an operator owes the result: it decides.
    """
    return _held(tx, _over(_targets(), campaign_id, now))


def with_claims(tx: Connection) -> list[uuid.UUID]:
    """Campaigns that have claimed targets."""
    claimed = exists().where(CampaignTarget.campaign_id == Campaign.id, CampaignTarget.state == TargetState.CLAIMED)
    return list(tx.execute(select(Campaign.id).where(claimed)).scalars())


def reserved_for(
    tx: Connection, user_id: int, campaign_ids: Collection[uuid.UUID]
) -> list[tuple[uuid.UUID, TargetRow]]:
    """Who is reserved for an operator without a dial yet, by campaign."""
    if not campaign_ids:
        return []
    query = _targets().add_columns(CampaignTarget.campaign_id).where(
        CampaignTarget.campaign_id.in_(campaign_ids),
        CampaignTarget.state == TargetState.CLAIMED,
        CampaignTarget.attempt_id.is_(None),
        CampaignTarget.user_id == user_id,
    )  # fmt: skip
    return [(row.campaign_id, TargetRow(*tuple(row)[:-1])) for row in tx.execute(query)]


# -- figures


def dialled_since(tx: Connection, campaign_id: uuid.UUID, since: datetime) -> int:
    """How many dials of a campaign were sent since a moment."""
    query = select(func.count(Attempt.sent_at)).where(Attempt.campaign_id == campaign_id, Attempt.prepared_at >= since)
    return tx.execute(query).scalar_one()


def lines_in_use(tx: Connection, campaign_id: uuid.UUID, now: datetime) -> int:
    """Outside lines that a campaign's dials use."""
    on_a_line = OPEN_ATTEMPTS - {AttemptState.PREPARED}
    query = select(func.count()).where(
        Attempt.campaign_id == campaign_id,
        Attempt.prepared_at > now - timedelta(hours=6),
        Attempt.state.in_(on_a_line),
    )
    return tx.execute(query).scalar_one()


def ledger(tx: Connection, campaign_id: uuid.UUID, day: date) -> tuple[int, int]:
    """How many people (no machines) answered dials of a day of the office's, and how many of them found nobody."""
    begins = datetime.combine(day, time(), JST)
    query = select(func.count(Attempt.answered_at), func.count(Attempt.abandoned_at)).where(
        Attempt.machine_at.is_(None),
        Attempt.campaign_id == campaign_id,
        Attempt.prepared_at >= begins,
        Attempt.prepared_at < begins + timedelta(days=1),
    )
    answered, abandoned = tx.execute(query).one()
    return answered, abandoned


def answered_at_last_loss(tx: Connection, campaign_id: uuid.UUID, day: date) -> int:
    """How many of a day had answered when the last of them was lost."""
    begins = datetime.combine(day, time(), JST)
    of_day = (
        Attempt.campaign_id == campaign_id,
        Attempt.machine_at.is_(None),
        Attempt.prepared_at >= begins,
        Attempt.prepared_at < begins + timedelta(days=1),
    )
    last = select(func.max(Attempt.abandoned_at)).where(*of_day).scalar_subquery()
    return tx.execute(select(func.count()).where(*of_day, Attempt.answered_at <= last)).scalar_one()


def detecting(tx: Connection, pbx: str) -> bool:
    """Whether a campaign on a PBX that is not over tells answering machines from people."""
    query = select(Campaign.id).where(
        Campaign.pbx == pbx, Campaign.state != CampaignState.STOPPED, Campaign.machines != MachineRule.IGNORE
    )
    return tx.execute(query.limit(1)).first() is not None


def figures(tx: Connection, campaign_id: uuid.UUID) -> list[tuple[TargetState, str, str, int]]:
    """(state, reason, last result, how many) of all targets of a campaign."""
    keys = (CampaignTarget.state, CampaignTarget.reason, CampaignTarget.last_result)
    query = select(*keys, func.count()).where(CampaignTarget.campaign_id == campaign_id).group_by(*keys)
    return [(row[0], row[1], row[2], row[3]) for row in tx.execute(query)]


def due_now(tx: Connection, campaign_id: uuid.UUID, now: datetime) -> int:
    """How many targets could be looked at now."""
    query = select(func.count()).where(
        CampaignTarget.campaign_id == campaign_id,
        CampaignTarget.state == TargetState.OPEN,
        CampaignTarget.list_id.in_(list(lists(tx, campaign_id))),  # as the index has it
        or_(CampaignTarget.due_at.is_(None), CampaignTarget.due_at <= now),
    )
    return tx.execute(query).scalar_one()


def to_come(tx: Connection, campaign: CampaignRow) -> int:
    """How many cases would come onto the queue of a campaign that was never started."""
    found = select(Target.debtor_id).where(
        Target.list_id.in_(list(lists(tx, campaign.id))), Target.area == campaign.area
    )
    return tx.execute(select(func.count()).select_from(found.distinct().subquery())).scalar_one()


# --


def _over(query: Select[Any], campaign_id: uuid.UUID, now: datetime) -> Select[Any]:
    owed = exists().where(Call.id == CampaignTarget.attempt_id, Call.result_at.is_(None)).correlate(CampaignTarget)
    return query.outerjoin(Attempt, Attempt.id == CampaignTarget.attempt_id).where(
        CampaignTarget.campaign_id == campaign_id,
        CampaignTarget.state == TargetState.CLAIMED,
        or_(
            and_(CampaignTarget.attempt_id.is_(None), CampaignTarget.due_at <= now),
            and_(Attempt.state.not_in(OPEN_ATTEMPTS), or_(Attempt.state == AttemptState.UNKNOWN, ~owed)),
            and_(Attempt.state == AttemptState.PREPARED, Attempt.prepared_at <= now - WORTH),
        ),
    )


def _row(row: Any) -> CampaignRow:
    settings = CampaignSettings(
        name=row.name,
        mode=DialMode(row.mode),
        group_id=row.group_id,
        pbx=row.pbx,
        days=frozenset(day for day in range(7) if row.days >> day & 1),
        opens=row.opens,
        closes=row.closes,
        order=row.order,
        tries=row.tries,
        lines=row.lines,
        calls_per_second=row.calls_per_second,
        target_abandonment=row.target_abandonment,
        cap=row.cap,
        ring_seconds=row.ring_seconds,
        caller_id=row.caller_id,
        script=row.script,
        abandoned_prompt=row.abandoned_prompt,
        machines=row.machines,
        voicemail_prompt=row.voicemail_prompt,
        **retry_from_json(row.retry),
    )
    return CampaignRow(
        row.id, row.area, row.state, settings, row.made_by, row.made_at, row.changed_by, row.changed_at
    )  # fmt: skip


def _order_key(order: TargetOrder) -> ColumnElement[int]:
    """The smallest first. Days that are 0 are not known, and come last."""
    if order is TargetOrder.PROMISE_DUE:
        return func.coalesce(func.nullif(CaseSummary.promise_open_due, 0), LAST)
    if order is TargetOrder.OLDEST:
        return func.coalesce(func.nullif(CaseSummary.oldest_due, 0), LAST)
    return -CaseSummary.principal


def _queue(campaign_id: uuid.UUID, list_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    return (
        _targets()
        .where(
            CampaignTarget.campaign_id == campaign_id,
            CampaignTarget.state == TargetState.OPEN,
            CampaignTarget.list_id == list_id,
        )
        .order_by(CampaignTarget.due_at, CampaignTarget.order_key)
    )


def _targets() -> Select[*tuple[Any, ...]]:
    return select(
        CampaignTarget.debtor_id, CampaignTarget.area, CampaignTarget.list_id, CampaignTarget.state,
        CampaignTarget.due_at, CampaignTarget.tries, CampaignTarget.attempt_id, CampaignTarget.user_id,
        CampaignTarget.since,
    )  # fmt: skip


def _held(tx: Connection, query: Select[*tuple[Any, ...]], asked: Mapping[str, Any] | None = None) -> list[TargetRow]:
    held = query.with_for_update(skip_locked=True, of=CampaignTarget)
    return [TargetRow(*tuple(row)) for row in tx.execute(held, asked)]
