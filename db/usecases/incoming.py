"""Return calls (T5): given to an operator, told whose they may be, and kept as a task when nobody could take them.

Presence decides: whoever is on duty and ready gets the call, at any hour. The look-up's candidates are proposals; the
operator's choice decides whose record the call belongs to, and the record stays masked until the identity gate.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from db.outbox import publish
from db.reference.phones import PhoneError, parse_phone
from db.rules.callers import Caller, CallerKind
from db.rules.telephony import (
    LIVE_CALLS,
    OPEN_INCOMING,
    CallState,
    Direction,
    DutyState,
    EndedBy,
    IncomingState,
    RecordingState,
)
from db.rules.terms import Right
from db.rules.viewer import Viewer, system_viewer
from db.schema.base import new_id
from db.schema.calls import Call, Incoming, Recording
from db.schema.work import Task
from db.store import access_log, callers, calls, debtors, staff
from db.store import incoming as store
from db.store.calls import CallRow, DutyRow
from db.store.debtors import ContactRow, Hit
from db.store.incoming import IncomingRow
from db.usecases import calls as following
from db.usecases import duty
from db.usecases.calls import KEEP_RECORDING, CallError, own_call, recording_path
from db.usecases.duty import DutyError
from db.usecases.office import Office
from db.usecases.records import NotFoundError

TOPIC: Final = "call"
WAITING_TOPIC: Final = "incoming"
TASK_TOPIC: Final = "recall"
"""Missed calls are anyone's, and shown with the recalls that are anyone's."""

MISSED_TASK: Final = "call_missed"
_IDS: Final = uuid.UUID("6e7cf10a-5b0e-4c6c-9a3e-3d5f0e3a7b11")


@dataclass(frozen=True, slots=True)
class Given:
    """What the bridge needs to join a caller to an operator."""

    call_id: uuid.UUID
    channel: str
    seat: str
    recording: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whose number it is. `answers` is the contact that their call would answer."""

    hit: Hit
    answers: ContactRow | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Pop:
    """What the screen shows of a call that came in. `missed_at`: the same number has called in vain before."""

    call_id: uuid.UUID
    kind: CallerKind
    candidates: Sequence[Candidate]
    missed_at: datetime | None


def call_id_of(pbx: str, channel: str) -> uuid.UUID:
    """The id of the call on a channel (its Uniqueid): the same however often the bridge hears of it."""
    return uuid.uuid5(_IDS, f"{pbx}/{channel}")


# -- what the bridge says ---------------------------------------------------------------------------------------------


def arrived(
    tx: Connection, call_id: uuid.UUID, pbx: str, channel: str, caller: Caller, now: datetime, office: Office
) -> None:
    """A call rings; who it may be is kept for the screen. Told twice, it is the same call."""
    if store.find(tx, call_id) is not None:
        return
    tx.execute(
        insert(Incoming).values(
            id=call_id,
            pbx=pbx,
            channel=channel,
            kind=caller.kind,
            number=caller.number or None,
            area=caller.area,
            candidates=list(caller.candidates),
            last_operator=caller.last_operator,
            answers_since=now - timedelta(days=office.return_call_days),
            state=IncomingState.WAITING,
            arrived_at=now,
        )
    )
    publish(tx, now, WAITING_TOPIC, call_id)


def give(tx: Connection, call_id: uuid.UUID, now: datetime) -> Given | None:
    """Reserve an operator for a call that waits: who last spoke with the person, else who has waited longest.

    None if nobody is ready who may take calls of the area, or the call is over. Asked twice, it is the same operator.
    """
    row = store.find(tx, call_id, lock=True)
    if row is None or row.state not in OPEN_INCOMING:
        return None
    if row.state is IncomingState.GIVEN:
        return _given(tx, row)
    for ready in _ready(tx, row):
        viewer = staff.viewer(tx, ready.user_id)
        if viewer is not None and viewer.may(Right.CALL, row.area) and _reserve(tx, viewer, ready, row, now):
            return _given(tx, row)
    return None


def joined(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """The caller is in the operator's room (again); from now on a recording is expected."""
    call = tx.execute(select(Call).where(Call.id == call_id)).one_or_none()
    if call is None:
        return
    if calls.recording_of(tx, call_id) is None:
        tx.execute(
            insert(Recording).values(
                id=new_id(),
                call_id=call_id,
                debtor_id=call.debtor_id,
                area=call.area,
                path=recording_path(call_id, call.started_at),
                state=RecordingState.RUNNING,
                started_at=now,
                keep_until=now + KEEP_RECORDING,
            )
        )
    following.joined(tx, call_id, now)


def gone(tx: Connection, call_id: uuid.UUID, now: datetime, office: Office, *, by: EndedBy | None = None) -> None:
    """The caller's channel is gone. Who spoke with them owes the result; if nobody did, a task is left."""
    row = store.find(tx, call_id, lock=True)
    if row is None or row.state not in OPEN_INCOMING:
        return
    call = tx.execute(select(Call.user_id, Call.joined_at).where(Call.id == call_id)).one_or_none()
    spoken = call is not None and call.joined_at is not None
    became = IncomingState.ENDED if spoken else IncomingState.MISSED
    tx.execute(update(Incoming).where(Incoming.id == call_id).values(state=became, ended_at=now))
    if call is not None:
        _end_call(tx, call_id, call.user_id, now, by, wrapped=not spoken)
    if not spoken:
        _leave_task(tx, row, now, office)


# -- what the operator does -------------------------------------------------------------------------------------------


def pop(tx: Connection, viewer: Viewer, call: CallRow) -> Pop | None:
    """What the screen shows of the viewer's own call; None for a call out. Whoever they may not see is left out."""
    row = store.find(tx, call.id) if call.direction is Direction.IN else None
    if row is None:
        return None
    chosen = () if call.debtor_id is None or call.debtor_id in row.candidates else (call.debtor_id,)
    people = [
        Candidate(hit, _answers(tx, viewer, hit.id, row), hit.id == call.debtor_id)
        for hit in _people(tx, viewer, row, chosen)
    ]
    return Pop(call.id, row.kind, people, store.missed_before(tx, row))


def choose(tx: Connection, viewer: Viewer, call_id: uuid.UUID, debtor_id: int, now: datetime) -> None:
    """Say whose call it is. The identity gate starts anew; tries that were used stay used.

    Raises CallError for a call that did not come in, or whose result is saved; NotFoundError for a person whom the
    viewer may not see, or who has no case in the area of the call.
    """
    call = own_call(tx, viewer, call_id)
    if call.direction is not Direction.IN:
        raise CallError("call_direction", "発信した通話の対象者は変更できません。")
    if call.result_at is not None:
        raise CallError("already_saved", "この通話の結果は登録済みです。訂正は交渉記録から行ってください。")
    if call.area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    if call.debtor_id == debtor_id:
        return
    tx.execute(update(Call).where(Call.id == call_id).values(debtor_id=debtor_id, identity_confirmed_at=None))
    tx.execute(update(Recording).where(Recording.call_id == call_id).values(debtor_id=debtor_id))
    access_log.append(tx, viewer, now, "call.choose", debtor_id=debtor_id, detail=str(call_id))
    publish(tx, now, TOPIC, call_id, viewer.user_id)


def dismiss(tx: Connection, viewer: Viewer, call_id: uuid.UUID, now: datetime) -> None:
    """Close a call that came in from nobody known, once it is over: there is no record to write a result on."""
    call = own_call(tx, viewer, call_id)
    if call.direction is not Direction.IN or call.debtor_id is not None or call.state in LIVE_CALLS:
        raise CallError("call_state", "終了した対象者未特定の着信だけを、結果なしで閉じることができます。")
    tx.execute(update(Call).where(Call.id == call_id, Call.wrapped_at.is_(None)).values(wrapped_at=now))
    settle(tx, viewer, call, now)
    access_log.append(tx, viewer, now, "call.dismiss", detail=str(call_id))
    duty.after_call(tx, viewer.user_id, call_id, now)
    publish(tx, now, TOPIC, call_id, viewer.user_id)


def answered(tx: Connection, viewer: Viewer, call: CallRow) -> uuid.UUID | None:
    """The contact that a call answers, now that it is known whose it is; None for a call out."""
    row = store.find(tx, call.id) if call.direction is Direction.IN else None
    if row is None or call.debtor_id is None or not viewer.may(Right.DEBTOR_VIEW, row.area):
        return None
    return callers.answered(tx, viewer, call.debtor_id, row.area, row.arrived_at, row.answers_since)


def settle(tx: Connection, viewer: Viewer, call: CallRow, now: datetime) -> None:
    """The person, or the number, of a call has been dealt with: its missed calls are nobody's task any more."""
    of_number = select(Incoming.id).where(Incoming.number == call.number, Incoming.area == call.area)
    concerned: ColumnElement[bool] = Task.subject_id.in_(of_number)
    if call.debtor_id is not None:
        concerned = or_(concerned, Task.debtor_id == call.debtor_id)
    missed = update(Task).where(
        Task.kind == MISSED_TASK,
        Task.done_at.is_(None),
        Task.area == call.area,
        concerned,
    )
    if tx.execute(missed.values(done_at=now, done_by=viewer.user_id)).rowcount:
        publish(tx, now, TASK_TOPIC, "")


# --


def _ready(tx: Connection, row: IncomingRow) -> list[DutyRow]:
    ready = [one for one in calls.duties(tx, row.pbx) if one.state is DutyState.READY and one.leg_up]
    return sorted(ready, key=lambda one: (one.user_id != row.last_operator, one.since))


def _reserve(tx: Connection, viewer: Viewer, at: DutyRow, row: IncomingRow, now: datetime) -> bool:
    """Take an operator for the call; False if something else was quicker."""
    people = _people(tx, viewer, row)
    known = people[0].id if row.kind is CallerKind.KNOWN and len(people) == 1 else None
    try:
        with tx.begin_nested():
            tx.execute(
                insert(Call).values(
                    id=row.id, direction=Direction.IN, debtor_id=known, area=row.area, number=row.number,
                    user_id=viewer.user_id, seat=at.seat, state=CallState.RINGING, started_at=now,
                )
            )  # fmt: skip
            duty.reserve(tx, viewer, row.id, now)
    except DutyError:
        return False
    tx.execute(update(Incoming).where(Incoming.id == row.id).values(state=IncomingState.GIVEN))
    for hit in people:
        access_log.append(tx, viewer, now, "call.pop", debtor_id=hit.id, detail=str(row.id))
    publish(tx, now, TOPIC, row.id, viewer.user_id)
    return True


def _given(tx: Connection, row: IncomingRow) -> Given | None:
    call = tx.execute(select(Call.seat, Call.state, Call.started_at).where(Call.id == row.id)).one()
    if call.state is not CallState.RINGING:
        return None
    return Given(row.id, row.channel, call.seat, recording_path(row.id, call.started_at))


def _people(tx: Connection, viewer: Viewer, row: IncomingRow, more: Sequence[int] = ()) -> list[Hit]:
    """The candidates, likeliest first, as far as the viewer may see them and they have a case in the call's area."""
    ids = [*more, *row.candidates]
    found = {hit.id: hit for hit in debtors.hits_of(tx, viewer.within({row.area}), ids)} if ids else {}
    return [found[one] for one in ids if one in found]


def _answers(tx: Connection, viewer: Viewer, debtor_id: int, row: IncomingRow) -> ContactRow | None:
    found = callers.answered(tx, viewer, debtor_id, row.area, row.arrived_at, row.answers_since)
    if found is None:
        return None
    return next(iter(debtors.contacts(tx, viewer, debtor_id, contact_id=found)), None)


def _end_call(
    tx: Connection, call_id: uuid.UUID, user_id: int, now: datetime, by: EndedBy | None, *, wrapped: bool
) -> None:
    ended = update(Call).where(Call.id == call_id, Call.state.in_(LIVE_CALLS))
    tx.execute(ended.values(state=CallState.ENDED, ended_at=now, ended_by=by))
    done = update(Call).where(Call.id == call_id, Call.wrapped_at.is_(None))
    tx.execute((done if wrapped else done.where(Call.result_at.is_not(None))).values(wrapped_at=now))
    publish(tx, now, TOPIC, call_id, user_id)
    duty.after_call(tx, user_id, call_id, now)


def _leave_task(tx: Connection, row: IncomingRow, now: datetime, office: Office) -> None:
    """A call nobody could take is everybody's task in the area. A number that was not given cannot be called back."""
    if row.number is None:
        return
    people = _people(tx, system_viewer("incoming"), row)
    tx.execute(
        insert(Task).values(
            id=new_id(),
            kind=MISSED_TASK,
            debtor_id=next((hit.id for hit in people), None) if row.kind is CallerKind.KNOWN else None,
            area=row.area,
            subject_id=row.id,
            note=_note(row, office),
            made_at=now,
        )
    )
    publish(tx, now, TASK_TOPIC, "")


def _note(row: IncomingRow, office: Office) -> str:
    at = row.arrived_at.astimezone(office.zone)
    open_now = not office.is_closed(at.date()) and office.policy.opens <= at.time() < office.policy.closes
    try:
        number = parse_phone(row.number or "").national
    except PhoneError:
        number = row.number or ""
    return f"{at:%m/%d %H:%M} {number} から着信（{'応対できず' if open_now else '時間外'}）。折り返してください。"
