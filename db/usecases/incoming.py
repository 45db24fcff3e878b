"""Return calls (T5): from the first ring to the end, and whose call it is. Who gets one is in `giving`.

Calls are taken in the office's hours (`Office.opening`); at other times they hear why, and may wish to be called back. The
look-up's candidates are proposals; the operator's choice decides whose record the call belongs to, and the record stays
masked until the identity gate.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.reference.phones import PhoneError, parse_phone
from db.rules.callers import ADVICE, Caller, CallerKind
from db.rules.opening import Opening
from db.rules.telephony import (
    LIVE_CALLS,
    OPEN_INCOMING,
    UNSERVED_INCOMING,
    CallState,
    Direction,
    EndedBy,
    IncomingState,
    RecordingState,
)
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Incoming, Recording
from db.store import access_log, callers, calls, debtors
from db.store import incoming as store
from db.store import office as rules
from db.store.calls import CallRow
from db.store.debtors import ContactRow, Hit
from db.store.incoming import IncomingRow
from db.store.kin import persons_once
from db.usecases import calls as following
from db.usecases import duty
from db.usecases.calls import KEEP_RECORDING, TOPIC, CallError, own_call, recording_path
from db.usecases.giving import WAITING_TOPIC, give, people
from db.usecases.missed import leave_task, settle
from db.usecases.office import Office
from db.usecases.policies import policy_of
from db.usecases.records import NotFoundError

LEFT_DIGITS: Final = 20
"""No number has more (E.164 allows 15 after the prefixes that one dials)."""
_IDS: Final = uuid.UUID("6e7cf10a-5b0e-4c6c-9a3e-3d5f0e3a7b11")


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

    @property
    def advice(self) -> str:
        """What to do about a caller whom the number does not name."""
        return ADVICE.get(self.kind, "")


def call_id_of(pbx: str, channel: str) -> uuid.UUID:
    """The id of the call on a channel (its Uniqueid): the same however often the bridge hears of it."""
    return uuid.uuid5(_IDS, f"{pbx}/{channel}")


# -- what the bridge says ---------------------------------------------------------------------------------------------


def arrived(
    tx: Connection, call_id: uuid.UUID, pbx: str, channel: str, caller: Caller, now: datetime, office: Office
) -> Opening:
    """A call rings; who it may be is kept for the screen. Returns whether it is taken. Told twice, it is the same call."""
    known = store.find(tx, call_id)
    if known is not None:
        return known.opening
    caller = _each_once(tx, caller)
    opening = office.opening(now, policy_of(tx, caller.area, office), stopped=rules.emergency_stop(tx))
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
            state=IncomingState.WAITING if opening is Opening.OPEN else IncomingState.CLOSED,
            opening=opening,
            arrived_at=now,
        )
    )
    publish(tx, now, WAITING_TOPIC, call_id)
    return opening


def _each_once(tx: Connection, caller: Caller) -> Caller:
    """The same with each person once, under the likeliest of their numbers (名寄せ)."""
    people = persons_once(tx, caller.candidates)
    if caller.kind is CallerKind.SEVERAL and len(people) == 1:
        return replace(caller, kind=CallerKind.KNOWN, candidates=people)
    return replace(caller, candidates=people)


def receive(
    tx: Connection, call_id: uuid.UUID, pbx: str, channel: str, caller: Caller, now: datetime, office: Office
) -> None:
    """A call rings, and goes to an operator in the same breath if one is ready: their screen pops one commit earlier."""
    if arrived(tx, call_id, pbx, channel, caller, now, office) is Opening.OPEN:
        give(tx, call_id, now)


def ask_back(tx: Connection, call_id: uuid.UUID, digits: str, now: datetime, office: Office) -> bool:
    """A caller for whom nobody is there wishes to be called back, on the number that they show or have keyed in.

    False if that cannot be written down: there is no number, or somebody takes the call at this moment.
    """
    row = store.find(tx, call_id, lock=True)
    if row is None or row.state is IncomingState.ASKED_BACK:
        return row is not None
    left = _number_in(digits)
    if row.state not in UNSERVED_INCOMING or (left is None and row.number is None):
        return False
    tx.execute(
        update(Incoming)
        .where(Incoming.id == call_id)
        .values(state=IncomingState.ASKED_BACK, left_number=left, ended_at=now)
    )
    leave_task(tx, replace(row, left_number=left), now, office, asked=True)
    publish(tx, now, WAITING_TOPIC, call_id)
    return True


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
        leave_task(tx, row, now, office)
    publish(tx, now, WAITING_TOPIC, call_id)


# -- what the operator does -------------------------------------------------------------------------------------------


def pop(tx: Connection, viewer: Viewer, call: CallRow) -> Pop | None:
    """What the screen shows of the viewer's own call; None for a call out. Whoever they may not see is left out."""
    row = store.find(tx, call.id) if call.direction is Direction.IN else None
    if row is None:
        return None
    chosen = () if call.debtor_id is None or call.debtor_id in row.candidates else (call.debtor_id,)
    candidates = [
        Candidate(hit, _answers(tx, viewer, hit.id, row), hit.id == call.debtor_id)
        for hit in people(tx, viewer, row, chosen)
    ]
    return Pop(call.id, row.kind, candidates, store.missed_before(tx, row))


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
    settle(tx, viewer, call, now, reached=True)
    access_log.append(tx, viewer, now, "call.dismiss", detail=str(call_id))
    duty.after_call(tx, viewer.user_id, call_id, now)
    publish(tx, now, TOPIC, call_id, viewer.user_id)


def answered(tx: Connection, viewer: Viewer, call: CallRow) -> uuid.UUID | None:
    """The contact that a call answers, now that it is known whose it is; None for a call out."""
    row = store.find(tx, call.id) if call.direction is Direction.IN else None
    if row is None or call.debtor_id is None or not viewer.may(Right.DEBTOR_VIEW, row.area):
        return None
    return callers.answered(tx, viewer, call.debtor_id, row.area, row.arrived_at, row.answers_since)


# --


def _number_in(digits: str) -> str | None:
    """What a caller keyed in: E.164 where it is a number, as it is otherwise; None for nothing."""
    keyed = digits.strip()[:LEFT_DIGITS]
    try:
        return parse_phone(keyed).e164
    except PhoneError:
        return keyed or None


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
