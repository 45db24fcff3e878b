"""Seats, operators on duty, attempts and calls, as the panel and the bridge read them."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Select, bindparam, false, func, or_, select, union_all

from db.rules.telephony import (
    LIVE_CALLS,
    OPEN_ATTEMPTS,
    AfterCall,
    AttemptState,
    CallState,
    Direction,
    DutyState,
    RecordingState,
)
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.calls import Attempt, Call, Duty, DutyLog, Incoming, Recording, Seat
from db.schema.people import Debtor
from db.schema.staff import Staff
from db.store.bound import DEBTOR_ID, USER_ID
from db.store.kin import person_ids
from db.store.many import among


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A desk, and who is on duty there."""

    extension: str
    name: str
    channel: str
    pbx: str
    taken_by: str | None


@dataclass(frozen=True, slots=True)
class DutyRow:
    """An operator on duty. `after`: what `after_by` (`after_name`) wants to follow once no call is open; `word`: what a
    supervisor has done with them, until they have seen it."""

    user_id: int
    seat: str
    channel: str
    pbx: str
    state: DutyState
    reason: str
    since: datetime
    leg_id: uuid.UUID
    leg_up: bool
    call_id: uuid.UUID | None
    after: AfterCall | None = None
    after_reason: str = ""
    after_by: int | None = None
    after_name: str | None = None
    word: str = ""

    @property
    def busy(self) -> bool:
        """Whether a call, a result or another's call is open: what a supervisor wants then follows afterwards."""
        return self.call_id is not None or self.state in {DutyState.CONSULTING, DutyState.MONITORING}


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call that an operator is on or owes a result for. `debtor_name` is None for a call of nobody known."""

    id: uuid.UUID
    direction: Direction
    debtor_id: int | None
    debtor_name: str | None
    area: Area
    number: str | None
    user_id: int
    seat: str
    state: CallState
    started_at: datetime
    joined_at: datetime | None
    ended_at: datetime | None
    identity_confirmed_at: datetime | None
    identity_failures: int
    result_at: datetime | None
    result: str | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """Where a call stands, as the bridge needs it: what may be done to its channel, and whether its operator is there.

    `attempt` is ANSWERED for a call that came in.
    """

    attempt: AttemptState
    call: CallState
    seat: str
    user_id: int
    leg_up: bool

    @property
    def forsaken(self) -> bool:
        """Whether the person waits, in the room or on hold, and the operator's phone is gone."""
        return not self.leg_up and self.call in {CallState.PARTED, CallState.HELD}


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One dial; `campaign_id`: of which campaign, if of any."""

    id: uuid.UUID
    debtor_id: int
    area: Area
    phone_id: int
    number: str
    state: AttemptState
    pbx: str
    prepared_at: datetime
    campaign_id: uuid.UUID | None


def seats(tx: Connection) -> list[SeatRow]:
    """All seats, in order of their extensions."""
    return [SeatRow(*row) for row in tx.execute(_SEATS)]


def duty(tx: Connection, user_id: int) -> DutyRow | None:
    """The duty of one user, or None if they are not on duty."""
    return _one_duty(tx, _DUTY, user_id=user_id)


def duty_of_leg(tx: Connection, leg_id: uuid.UUID) -> DutyRow | None:
    """The duty whose standing leg is the channel of that Uniqueid."""
    return _one_duty(tx, _DUTIES.where(Duty.leg_id == leg_id))


def last_word(tx: Connection, user_id: int) -> str:
    """What a supervisor said who ended a user's last duty; empty if it was not one who did."""
    return tx.execute(_LAST_WORD, {"user_id": user_id}).scalar_one_or_none() or ""


def duties(tx: Connection, pbx: str | None = None) -> list[DutyRow]:
    """Everyone on duty, on one PBX or on all."""
    query = _DUTIES if pbx is None else _DUTIES.where(Seat.pbx == pbx)
    return [DutyRow(*tuple(row)) for row in tx.execute(query.order_by(Duty.seat))]


def current(tx: Connection, viewer: Viewer) -> CallRow | None:
    """The call that the viewer is on, or owes a result for; the oldest first, so that none is forgotten."""
    row = tx.execute(_CURRENT, {"user_id": viewer.user_id}).one_or_none()
    return CallRow(*tuple(row)) if row else None


def own(tx: Connection, viewer: Viewer, call_id: uuid.UUID) -> CallRow | None:
    """A call of the viewer's own, by its id; nobody else's is found."""
    row = tx.execute(_CALLS.where(Call.id == call_id, Call.user_id == viewer.user_id)).one_or_none()
    return CallRow(*tuple(row)) if row else None


def attempt(tx: Connection, attempt_id: uuid.UUID) -> AttemptRow | None:
    """An attempt by its id."""
    row = tx.execute(_attempts().where(Attempt.id == attempt_id)).one_or_none()
    return AttemptRow(*row) if row else None


def line(tx: Connection, call_id: uuid.UUID) -> LineRow | None:
    """Where a call stands; None if there is no such call."""
    query = (
        select(Attempt.state, Call.state, Call.seat, Call.user_id, func.coalesce(Duty.leg_up, false()))
        .select_from(Call)
        .outerjoin(Attempt, Attempt.id == Call.attempt_id)
        .outerjoin(Duty, Duty.user_id == Call.user_id)
        .where(Call.id == call_id)
    )
    row = tx.execute(query).one_or_none()
    return LineRow(row[0] or AttemptState.ANSWERED, *row[1:]) if row else None


def open_attempts(tx: Connection, pbx: str) -> Sequence[AttemptRow]:
    """Attempts on a PBX that have not come to an end, oldest first."""
    query = _attempts().where(Attempt.pbx == pbx, Attempt.state.in_(OPEN_ATTEMPTS)).order_by(Attempt.prepared_at)
    return [AttemptRow(*row) for row in tx.execute(query)]


def unknown_attempts(tx: Connection, pbx: str, since: datetime) -> Sequence[AttemptRow]:
    """Attempts on a PBX since a moment whose outcome nobody knows yet, oldest first."""
    query = _attempts().where(Attempt.pbx == pbx, Attempt.state == AttemptState.UNKNOWN, Attempt.prepared_at >= since)
    return [AttemptRow(*row) for row in tx.execute(query.order_by(Attempt.prepared_at))]


@dataclass(frozen=True, slots=True)
class Busy:
    """Who, and which numbers (whoever's they are), are being dialled or talked to at this moment, and by which attempts; a
    call that came in has an id of its own, no attempt's."""

    people: Mapping[int | None, set[uuid.UUID]]
    numbers: Mapping[str | None, set[uuid.UUID]]

    def with_any(self, people: Iterable[int], but_not: uuid.UUID | None = None) -> bool:
        """Whether any of some people is on the line, by another attempt than `but_not`."""
        return any(self.people.get(one, _NOBODY) - {but_not} for one in people)

    def at(self, number: str, but_not: uuid.UUID | None = None) -> bool:
        """Whether a number is on the line, by another attempt than `but_not`."""
        return bool(self.numbers.get(number, _NOBODY) - {but_not})


_NOBODY: Final[frozenset[uuid.UUID]] = frozenset()


def busy(tx: Connection, people: Collection[int], numbers: Collection[str]) -> Busy:
    """Which of some people and numbers are on the line, dialled or in a call that came in."""
    by_person: defaultdict[int | None, set[uuid.UUID]] = defaultdict(set)
    by_number: defaultdict[str | None, set[uuid.UUID]] = defaultdict(set)
    for row in tx.execute(_BUSY, {"people": people, "numbers": numbers}):
        by_person[row.debtor_id].add(row.id)
        by_number[row.number].add(row.id)
    return Busy(by_person, by_number)


_BUSY_OUT: Final = select(Attempt.id, Attempt.debtor_id, Attempt.number).where(
    or_(among(Attempt.debtor_id, "people"), among(Attempt.number, "numbers")), Attempt.state.in_(OPEN_ATTEMPTS)
)
_BUSY_IN: Final = select(Call.id, Call.debtor_id, Call.number).where(
    or_(among(Call.debtor_id, "people"), among(Call.number, "numbers")),
    Call.direction == Direction.IN,
    Call.wrapped_at.is_(None),
    Call.state.in_(LIVE_CALLS),
)
_BUSY: Final[CompoundSelect[*tuple[Any, ...]]] = union_all(_BUSY_OUT, _BUSY_IN)


def being_called(tx: Connection, people: Sequence[int], number: str) -> bool:
    """Whether any of some people, or the number, is on the line at this moment."""
    found = busy(tx, people, [number])
    return found.at(number) or found.with_any(people)


def unproven(tx: Connection, viewer: Viewer) -> frozenset[int]:
    """The person on the viewer's line who has not proved who they are, by all their ids (名寄せ), or nobody: nothing of their
    debts may show (C5)."""
    call = current(tx, viewer)
    if call is None or call.debtor_id is None or call.identity_confirmed_at is not None:
        return frozenset()
    return frozenset(person_ids(tx, call.debtor_id))


def last_refusal(tx: Connection, viewer: Viewer, debtor_id: int, since: datetime) -> str | None:
    """Why the viewer's latest dial of a person was given up before anything was sent, if that was after `since`."""
    asked = {"debtor_id": debtor_id, "user_id": viewer.user_id, "since": since}
    row = tx.execute(_LAST_REFUSAL, asked).one_or_none()
    return row.refusal if row and row.state is AttemptState.REFUSED else None


def dials_since(tx: Connection, debtor_id: int, since: datetime) -> int:
    """How often a person was dialled since a moment. Dials that never reached the carrier do not count."""
    query = select(func.count()).where(
        Attempt.debtor_id == debtor_id, Attempt.sent_at >= since, Attempt.state != AttemptState.REFUSED
    )
    return tx.execute(query).scalar_one()


def recording_of(tx: Connection, call_id: uuid.UUID) -> tuple[uuid.UUID, str] | None:
    """The id and relative path of a call's recording."""
    row = tx.execute(select(Recording.id, Recording.path).where(Recording.call_id == call_id)).one_or_none()
    return (row.id, row.path) if row else None


def unsettled_recordings(tx: Connection, pbx: str) -> list[tuple[uuid.UUID, str]]:
    """Calls that have ended and whose file was not looked at since, with its relative path."""
    query = (
        select(Recording.call_id, Recording.path)
        .join(Call, Call.id == Recording.call_id)
        .outerjoin(Attempt, Attempt.id == Call.attempt_id)
        .outerjoin(Incoming, Incoming.id == Call.id)
        .where(
            Recording.state == RecordingState.RUNNING,
            Call.ended_at.is_not(None),
            func.coalesce(Attempt.pbx, Incoming.pbx) == pbx,
        )
    )
    return [(row.call_id, row.path) for row in tx.execute(query)]


_DUTIES: Final = (
    select(
        Duty.user_id, Duty.seat, Seat.channel, Seat.pbx, Duty.state, Duty.reason, Duty.since, Duty.leg_id,
        Duty.leg_up, Duty.call_id, Duty.after, Duty.after_reason, Duty.after_by, Staff.name, Duty.word,
    )
    .join(Seat, Seat.extension == Duty.seat)
    .outerjoin(Staff, Staff.id == Duty.after_by)
)  # fmt: skip
_DUTY: Final = _DUTIES.where(Duty.user_id == USER_ID)
_SEATS: Final = (
    select(Seat.extension, Seat.name, Seat.channel, Seat.pbx, Staff.name)
    .outerjoin(Duty, Duty.seat == Seat.extension)
    .outerjoin(Staff, Staff.id == Duty.user_id)
    .order_by(Seat.extension)
)
_LAST_WORD: Final = (
    select(DutyLog.word).where(DutyLog.user_id == USER_ID).order_by(DutyLog.began_at.desc(), DutyLog.id.desc()).limit(1)
)
_LAST_REFUSAL: Final = (
    select(Attempt.state, Attempt.refusal)
    .join(Call, Call.attempt_id == Attempt.id)
    .where(Call.debtor_id == DEBTOR_ID, Call.user_id == USER_ID, Call.started_at >= bindparam("since"))
    .order_by(Call.started_at.desc())
    .limit(1)
)


def _one_duty(tx: Connection, query: Select[*tuple[Any, ...]], **asked: Any) -> DutyRow | None:
    row = tx.execute(query, asked).one_or_none()
    return DutyRow(*tuple(row)) if row else None


_CALLS: Final = (
    select(
        Call.id, Call.direction, Call.debtor_id, Debtor.name, Call.area, Call.number, Call.user_id, Call.seat,
        Call.state, Call.started_at, Call.joined_at, Call.ended_at, Call.identity_confirmed_at,
        Call.identity_failures, Call.result_at, Attempt.result,
    )
    .outerjoin(Debtor, Debtor.id == Call.debtor_id)
    .outerjoin(Attempt, Attempt.id == Call.attempt_id)
)  # fmt: skip
_CURRENT: Final = _CALLS.where(Call.user_id == USER_ID, Call.wrapped_at.is_(None)).order_by(Call.started_at).limit(1)


def _attempts() -> Select[uuid.UUID, int, Area, int, str, AttemptState, str, datetime, uuid.UUID | None]:
    return select(
        Attempt.id,
        Attempt.debtor_id,
        Attempt.area,
        Attempt.phone_id,
        Attempt.number,
        Attempt.state,
        Attempt.pbx,
        Attempt.prepared_at,
        Attempt.campaign_id,
    )
