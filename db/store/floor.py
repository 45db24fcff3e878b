"""What supervisors see of the floor: who is on duty and does what, how many calls ring and wait, and what was reached.

It names operators and nobody who is called. What is read grows with the operators and the calls of the moment, except the
counts of contacts and of people left, which walk a day, or a campaign, of one index.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, or_, select

from db.rules.campaigns import TargetState
from db.rules.telephony import AfterCall, AttemptState, CallState, DialMode, Direction, DutyState
from db.rules.terms import Area, Right
from db.rules.workflow import ENTITLED
from db.schema.calls import Attempt, Call, Duty, Seat
from db.schema.campaigns import Campaign, CampaignOperator, CampaignTarget
from db.schema.contacts import ORIGINAL, Contact, Promise
from db.schema.ops import Listening
from db.schema.staff import Grant, LevelRight, Membership, Staff

_RINGS = (AttemptState.SENT, AttemptState.RINGING)


@dataclass(frozen=True, slots=True)
class FloorRow:
    """Somebody on duty. What is None of the call is so when there is none; `campaign` is the one that dialled it."""

    user_id: int
    name: str
    seat: str
    pbx: str
    state: DutyState
    reason: str
    since: datetime
    leg_up: bool
    call: CallState | None
    area: Area | None
    direction: Direction | None
    started_at: datetime | None
    joined_at: datetime | None
    ended_at: datetime | None
    campaign: str | None
    after: AfterCall | None


@dataclass(frozen=True, slots=True)
class Dials:
    """Dials that ring, and people who have answered a campaign and whom nobody serves yet, with the first one's moment."""

    ringing: int
    unserved: int
    unserved_since: datetime | None


@dataclass(frozen=True, slots=True)
class Reached:
    """Contacts (corrections left out), those with the persons themselves, and promises."""

    contacts: int
    spoken: int
    promises: int


def on_duty(tx: Connection, areas: Collection[Area]) -> list[FloorRow]:
    """Those on duty who may telephone in any of some areas, by their seats."""
    groups = select(Membership.user_id).join(Grant, Grant.group_id == Membership.group_id)
    may_call = (LevelRight.right == Right.CALL, Grant.area.in_(areas))
    by_group = groups.join(LevelRight, LevelRight.level_code == Grant.level_code).where(*may_call)
    alone = select(Grant.user_id).join(LevelRight, LevelRight.level_code == Grant.level_code)
    by_level = alone.where(*may_call, Grant.user_id.is_not(None))
    query = (
        select(
            Duty.user_id, Staff.name, Duty.seat, Seat.pbx, Duty.state, Duty.reason, Duty.since, Duty.leg_up,
            Call.state, Call.area, Call.direction, Call.started_at, Call.joined_at, Call.ended_at, Campaign.name, Duty.after,
        )
        .join(Staff, Staff.id == Duty.user_id)
        .join(Seat, Seat.extension == Duty.seat)
        .outerjoin(Call, Call.id == Duty.call_id)
        .outerjoin(Attempt, Attempt.id == Call.attempt_id)
        .outerjoin(Campaign, Campaign.id == Attempt.campaign_id)
        .where(or_(Duty.user_id.in_(by_level), Duty.user_id.in_(by_group)))
        .order_by(Duty.seat)
    )  # fmt: skip
    return [FloorRow(*tuple(row)) for row in tx.execute(query)]


def joined(tx: Connection, campaign_ids: Collection[uuid.UUID]) -> Mapping[int, list[uuid.UUID]]:
    """On which of some campaigns each operator on duty is."""
    query = select(CampaignOperator.user_id, CampaignOperator.campaign_id).join(
        Duty, Duty.user_id == CampaignOperator.user_id
    )
    found: dict[int, list[uuid.UUID]] = {}
    for user_id, campaign_id in tx.execute(query.where(CampaignOperator.campaign_id.in_(campaign_ids))):
        found.setdefault(user_id, []).append(campaign_id)
    return found


def dials(tx: Connection, areas: Collection[Area]) -> Dials:
    """The dials of some areas that are under way and nobody talks on."""
    rings = select(func.count()).where(Attempt.state.in_(_RINGS), Attempt.area.in_(areas))
    unserved = (
        select(func.count(), func.min(Attempt.answered_at))
        .outerjoin(Call, Call.attempt_id == Attempt.id)
        .where(
            Attempt.state == AttemptState.ANSWERED,
            Attempt.mode == DialMode.PREDICTIVE,
            Attempt.area.in_(areas),
            Attempt.abandoned_at.is_(None),
            Attempt.machine_at.is_(None),
            Call.id.is_(None),
        )
    )
    count, since = tx.execute(unserved).one()
    return Dials(tx.execute(rings).scalar_one(), count, since)


def left(tx: Connection, campaign_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, int]:
    """How many people of each campaign are still to be called."""
    query = select(CampaignTarget.campaign_id, func.count()).where(
        CampaignTarget.campaign_id.in_(campaign_ids), CampaignTarget.state == TargetState.OPEN
    )
    return {row[0]: row[1] for row in tx.execute(query.group_by(CampaignTarget.campaign_id))}


def reached(tx: Connection, areas: Collection[Area], day: datetime, hour: datetime) -> tuple[Reached, Reached]:
    """What was reached in some areas since the beginning of the day, and of the hour."""
    spoken = Contact.answered_by.in_(ENTITLED)
    contacts = select(
        func.count(),
        func.count(case((spoken, 1))),
        func.count(case((Contact.at >= hour, 1))),
        func.count(case((spoken & (Contact.at >= hour), 1))),
    ).where(Contact.area.in_(areas), Contact.at >= day, ORIGINAL)
    promises = select(func.count(), func.count(case((Promise.made_at >= hour, 1)))).where(
        Promise.made_at >= day, Promise.area.in_(areas)
    )
    of_day, spoken_day, of_hour, spoken_hour = tx.execute(contacts).one()
    promised_day, promised_hour = tx.execute(promises).one()
    return Reached(of_day, spoken_day, promised_day), Reached(of_hour, spoken_hour, promised_hour)


def heard(tx: Connection) -> Mapping[str, datetime | None]:
    """When the bridge of each PBX with seats last said that it has it; None if it never did."""
    query = select(Seat.pbx, func.max(Listening.until)).outerjoin(Listening, Listening.pbx == Seat.pbx)
    return {row[0]: row[1] for row in tx.execute(query.group_by(Seat.pbx).order_by(Seat.pbx))}
