"""Placing a call and following it to its end.

The order that no person's second call can slip through: the rule is asked and the attempt is committed (`place_call`,
from the panel); the bridge asks the rule again and marks the attempt as sent (`authorize`), commits, and only then sends
Originate. Whatever is lost after that leaves the attempt *unknown*, for a person to settle; nothing dials it again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Update, bindparam, exists, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from db.outbox import publish, publish_each
from db.rules.eligibility import Reason
from db.rules.retry import result_of
from db.rules.telephony import (
    LIVE_CALLS,
    OPEN_ATTEMPTS,
    AttemptResult,
    AttemptState,
    CallState,
    DialMode,
    Direction,
    EndedBy,
    MonitorMode,
    RecordingState,
)
from db.rules.terms import Area, Channel, Right, TaskKind
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Attempt, Call, Duty, Recording
from db.schema.people import Phone
from db.schema.work import Task
from db.store import access_log, calls, campaigns, debtors, lines, monitors, staff, transfers
from db.store.calls import CallRow
from db.store.kin import hold, kin
from db.store.many import among
from db.usecases import duty
from db.usecases.commands import CommandKind, want, withdraw
from db.usecases.eligibility import Target, check_contact
from db.usecases.office import Office
from db.writer import urgent

TOPIC: Final = "call"
NO_FREE_LINE: Final = (
    "一般の電話用に回線を空けておくため、発信しませんでした（使用中{used}回線、上限{most}回線）。"
    "少し待ってから、もう一度発信してください。"
)
CAMPAIGN_AT_REST: Final = "キャンペーンが実施中ではないため、発信しませんでした。"
UNKNOWN_TASK: Final = TaskKind.CALL_UNKNOWN
KEEP_RECORDING: Final = timedelta(days=31)


class CallError(Exception):
    """A call cannot be placed or changed; the sentence is for the operator."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ContactRefusedError(CallError):
    """The person may not be called now. `deliberate_may` says whether the viewer could insist."""

    def __init__(self, reasons: tuple[Reason, ...], *, deliberate_may: bool) -> None:
        super().__init__("contact_refused", " ".join(reason.text for reason in reasons))
        self.reasons = reasons
        self.deliberate_may = deliberate_may


@dataclass(frozen=True, slots=True)
class Go:
    """What the bridge needs to send an Originate."""

    attempt_id: uuid.UUID
    number: str
    seat: str
    leg_id: uuid.UUID
    recording: str


def place_call(
    tx: Connection, viewer: Viewer, debtor_id: int, phone_id: int, area: Area, now: datetime, office: Office, *,
    deliberate: bool = False, mode: DialMode = DialMode.CLICK, campaign_id: uuid.UUID | None = None,
) -> uuid.UUID:  # fmt: skip
    """Prepare an operator's call: ask the rule, take the operator, write the attempt, and ask the bridge to dial.

    `mode` and `campaign_id` say for which campaign, if for any. Only a number on the person's record can be dialled.
    Raises CallError, ContactRefusedError, DutyError.
    """
    viewer.require(Right.CALL, area)
    of_person = [debtor_id, *(hit.id for hit in debtors.joined(tx, viewer, debtor_id, office.today(now)))]
    phone = tx.execute(
        select(Phone.number).where(Phone.id == phone_id, Phone.debtor_id.in_(of_person))
    ).scalar_one_or_none()
    if phone is None or area not in calls_areas(tx, viewer, debtor_id):
        raise CallError("not_on_record", "この電話番号は対象者の記録にありません。")
    hold(tx, kin(tx, debtor_id), phone)
    target = Target(debtor_id, area, Channel.CALL_OUT, phone_id)
    decision = check_contact(tx, viewer, target, now, office, deliberate=deliberate)
    if not decision.allowed:
        may_insist = not viewer.contracted and all(reason.soft for reason in decision.reasons)
        raise ContactRefusedError(decision.reasons, deliberate_may=may_insist)
    attempt_id = new_id()
    seat = duty.required(tx, viewer)
    tx.execute(
        insert(Attempt).values(
            id=attempt_id,
            debtor_id=debtor_id,
            area=area,
            phone_id=phone_id,
            number=phone,
            mode=mode,
            campaign_id=campaign_id,
            pbx=seat.pbx,
            state=AttemptState.PREPARED,
            prepared_at=now,
            deliberate=deliberate,
        )
    )
    tx.execute(
        insert(Call).values(
            id=attempt_id,
            direction=Direction.OUT,
            attempt_id=attempt_id,
            debtor_id=debtor_id,
            area=area,
            number=phone,
            user_id=viewer.user_id,
            seat=seat.seat,
            state=CallState.PLACING,
            started_at=now,
        )
    )
    duty.reserve(tx, viewer, attempt_id, now)
    want(tx, seat.pbx, CommandKind.PLACE, attempt_id, viewer.user_id, now)
    waived = " ".join(f"承知の上で発信: {reason.text}" for reason in decision.waived)
    access_log.append(tx, viewer, now, "call.place", debtor_id=debtor_id, detail=f"{phone} {waived}".strip())
    publish(tx, now, TOPIC, attempt_id, viewer.user_id)
    return attempt_id


def authorize(
    tx: Connection, attempt_id: uuid.UUID, now: datetime, office: Office, *, max_lines: int = 0
) -> Go | None:  # fmt: skip
    """The last question before Originate. On yes the attempt is marked as sent; on no it is refused and the call ends.

    `max_lines`: so many outside lines of the PBX may be in use, this one included; 0 for any number.
    """
    row = tx.execute(select(Attempt).where(Attempt.id == attempt_id).with_for_update()).one()
    call = tx.execute(select(Call).where(Call.id == attempt_id)).one()
    actor = staff.viewer(tx, call.user_id)
    seat = calls.duty(tx, call.user_id)
    if row.state is not AttemptState.PREPARED:
        return None
    if actor is None or seat is None or not seat.leg_up:
        refuse(tx, attempt_id, now, "電話機が接続されていません。")
        return None
    if row.campaign_id is not None and not campaigns.is_running(tx, row.campaign_id):
        refuse(tx, attempt_id, now, CAMPAIGN_AT_REST)
        return None
    target = Target(row.debtor_id, row.area, Channel.CALL_OUT, row.phone_id, attempt_id)
    decision = check_contact(tx, actor, target, now, office, deliberate=row.deliberate)
    if not decision.allowed:
        refuse(tx, attempt_id, now, " ".join(reason.text for reason in decision.reasons))
        return None
    if max_lines and (used := lines.in_use(tx, row.pbx)) >= max_lines:
        refuse(tx, attempt_id, now, NO_FREE_LINE.format(used=used, most=max_lines))
        return None
    send(tx, attempt_id, now)
    return Go(attempt_id, row.number, call.seat, seat.leg_id, recording_path(attempt_id, now))


def send(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> None:
    """From here on an Originate may be under way."""
    _move(tx, attempt_id, AttemptState.SENT, now, sent_at=now)


def send_each(tx: Connection, attempt_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """The same for dials of a campaign, which are nobody's calls and held as PREPARED by this transaction."""
    tx.execute(_SEND, {"attempts": attempt_ids, "at": now})
    publish_each(tx, now, "attempt", attempt_ids)


_SEND: Final = (
    update(Attempt).where(among(Attempt.id, "attempts")).values(state=AttemptState.SENT, sent_at=bindparam("at"))
)


def refuse(tx: Connection, attempt_id: uuid.UUID, now: datetime, why: str) -> None:
    """Give an attempt up of which it is certain that nothing was sent; nothing is owed for it."""
    if not _move(tx, attempt_id, AttemptState.REFUSED, now, refusal=why, sent_at=None, ended_at=now):
        return
    _end_call(tx, attempt_id, now, by=EndedBy.SYSTEM, wrapped=True)


def ringing(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> None:
    """The person's phone rings."""
    moved = _move(tx, attempt_id, AttemptState.RINGING, now, ringing_at=now)
    if moved is not None and moved.owner is not None:
        _call(tx, attempt_id, now, state=CallState.RINGING)


@urgent
def answered(tx: Connection, attempt_id: uuid.UUID, now: datetime, *, at: datetime | None = None) -> None:
    """The person answered (`at`: earlier, by the PBX's record); a recording is expected where `authorize` said so."""
    answered_at = at or now
    moved = _move(tx, attempt_id, AttemptState.ANSWERED, now, answered_at=answered_at)
    if moved is not None and moved.owner is not None:
        expect_recording(tx, attempt_id)


def expect_recording(tx: Connection, attempt_id: uuid.UUID) -> None:
    """There will be a recording of a dial that was answered, as soon as it is somebody's call."""
    query = select(Attempt.debtor_id, Attempt.area, Attempt.sent_at, Attempt.answered_at)
    row = tx.execute(query.where(Attempt.id == attempt_id)).one()
    tx.execute(
        insert(Recording).values(
            id=new_id(),
            call_id=attempt_id,
            debtor_id=row.debtor_id,
            area=row.area,
            path=recording_path(attempt_id, row.sent_at or row.answered_at),
            state=RecordingState.RUNNING,
            started_at=row.answered_at,
            keep_until=row.answered_at + KEEP_RECORDING,
        )
    )


@urgent
def joined(tx: Connection, call_id: uuid.UUID, now: datetime) -> bool:
    """The person is in the operator's room (again): they talk, or (returns True) the person waits there for the operator's phone."""
    answered(tx, call_id, now)
    row = tx.execute(select(Call.user_id, Call.joined_at).where(Call.id == call_id).with_for_update()).one()
    leg_up = tx.execute(select(Duty.leg_up).where(Duty.user_id == row.user_id).with_for_update()).scalar_one_or_none()
    if leg_up:
        _call(tx, call_id, now, state=CallState.TALKING, joined_at=row.joined_at or now)
    else:
        _call(tx, call_id, now, state=CallState.PARTED)
    return not leg_up


def held(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """The person hears the hold music."""
    _call(tx, call_id, now, state=CallState.HELD)


def ended(
    tx: Connection, attempt_id: uuid.UUID, now: datetime, cause: int | None, *, by: EndedBy | None = None,
    at: datetime | None = None,
) -> None:  # fmt: skip
    """The person's channel is gone, with its cause (ITU-T Q.850; None: not known). The operator owes the result.

    `at`: it has been gone since then, by the PBX's record. The cause of a call that we took back before anyone answered says nothing of the person.
    """
    row = tx.execute(select(Attempt.state, Attempt.answered_at).where(Attempt.id == attempt_id)).one()
    if row.state not in OPEN_ATTEMPTS:
        return
    result = result_of(cause, answered=row.answered_at is not None)
    if by is EndedBy.SCREEN and row.answered_at is None:
        result = AttemptResult.CANCELLED
    moved = _move(tx, attempt_id, AttemptState.ENDED, now, ended_at=at or now, cause=cause, result=result)
    if moved is None or moved.owner is not None:
        _end_call(tx, attempt_id, now, by=by, at=at)


def machine(tx: Connection, attempt_id: uuid.UUID, now: datetime, *, at: datetime | None = None) -> None:
    """An answering machine has answered a dial of a campaign: nobody is wanted for it. `at`: since then, by the PBX's record."""
    told = update(Attempt).where(
        Attempt.id == attempt_id,
        Attempt.campaign_id.is_not(None),
        Attempt.machine_at.is_(None),
        ~exists().where(Call.id == attempt_id),
    )
    answered(tx, attempt_id, now, at=at)
    if tx.execute(told.values(machine_at=at or now)).rowcount:
        publish(tx, now, "attempt", attempt_id)


def unknown(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> None:
    """What became of a dial cannot be known. It is never dialled again by itself: a task asks a person to settle it.

    A dial of a campaign that was nobody's call yet leaves a task for anyone of the area.
    """
    if not _move(tx, attempt_id, AttemptState.UNKNOWN, now, ended_at=now):
        return
    row = tx.execute(select(Attempt.debtor_id, Attempt.area).where(Attempt.id == attempt_id)).one()
    owner = tx.execute(select(Call.user_id).where(Call.id == attempt_id)).scalar_one_or_none()
    tx.execute(
        insert(Task).values(
            id=new_id(), kind=UNKNOWN_TASK, debtor_id=row.debtor_id, area=row.area, subject_id=attempt_id,
            user_id=owner, made_at=now, note="回線断のため発信の結果を確認できませんでした。",
        )
    )  # fmt: skip
    _call(tx, attempt_id, now, state=CallState.UNKNOWN, ended_at=now)
    if owner is not None:
        duty.after_call(tx, owner, attempt_id, now)


def request(tx: Connection, viewer: Viewer, call_id: uuid.UUID, kind: CommandKind, now: datetime) -> None:
    """Ask the bridge to hang up, hold or resume the viewer's own call.

    A call that no bridge has taken up yet (the bridge may be down) is taken back here, before anything was dialled.
    """
    call = own_call(tx, viewer, call_id)
    allowed = {
        CommandKind.HANG_UP: LIVE_CALLS,
        CommandKind.HOLD: frozenset({CallState.TALKING}),
        CommandKind.RESUME: frozenset({CallState.HELD}),
    }[kind]
    if call.state not in allowed:
        raise CallError("call_state", f"通話が「{call.state.label}」のため操作できません。")
    if kind is not CommandKind.HANG_UP and transfers.of_call(tx, call_id) is not None:
        raise CallError("consulting", "転送の相談中です。先に［転送する］か［取りやめ］を選んでください。")
    if kind is CommandKind.HOLD:
        not_in_threes(tx, call_id)
    at = duty.required(tx, viewer)
    unsent = kind is CommandKind.HANG_UP and call.state is CallState.PLACING
    if unsent and withdraw(tx, at.pbx, CommandKind.PLACE, call_id, now):
        refuse(tx, call_id, now, "発信前に取り消しました。")
    else:
        want(tx, at.pbx, kind, call_id, viewer.user_id, now)
    access_log.append(tx, viewer, now, kind.value, debtor_id=call.debtor_id)


def not_in_threes(tx: Connection, call_id: uuid.UUID) -> None:
    """Refuse to part those in a room with a supervisor who speaks with both: whoever left could not come in again."""
    if any(one.mode is MonitorMode.BARGE for one in monitors.open_ones(tx, call_id=call_id)):
        raise CallError(
            "in_threes", "三者通話中のため、保留・転送はできません。管理者が三者通話を終えてから操作してください。"
        )


def own_call(tx: Connection, viewer: Viewer, call_id: uuid.UUID) -> CallRow:
    """The viewer's call by its id; raises CallError for anybody else's, as for one that does not exist."""
    call = calls.own(tx, viewer, call_id)
    if call is None:
        raise CallError("no_such_call", "該当する通話がありません。")
    return call


def calls_areas(tx: Connection, viewer: Viewer, debtor_id: int) -> list[Area]:
    """The areas in which the viewer may call a person."""
    return [area for area in debtors.areas_of(tx, viewer, debtor_id) if viewer.may(Right.CALL, area)]


def recording_path(call_id: uuid.UUID, now: datetime) -> str:
    """Where a call's recording goes, relative to the recordings directory: by day (UTC), named by the call."""
    return f"{now:%Y/%m/%d}/{call_id}.wav"


@dataclass(frozen=True, slots=True)
class _Moved:
    """An attempt was moved. `owner`: whose call it is; None while it is nobody's, which only `give_answered` changes, and it holds
    the attempt's row, as does whoever moves it."""

    owner: int | None


def _move(tx: Connection, attempt_id: uuid.UUID, to: AttemptState, now: datetime, **values: Any) -> _Moved | None:
    """Move an attempt forward; None if it is past that already (events may come twice, or late)."""
    moving = _moving(to, tuple(values))
    if tx.execute(moving, {"attempt": attempt_id, **{f"to_{name}": one for name, one in values.items()}}).rowcount != 1:
        return None
    owner = tx.execute(
        _OWNER, {"attempt": attempt_id}
    ).scalar_one_or_none()  # asked afterwards: it may have changed meanwhile
    publish(tx, now, "attempt", attempt_id, owner)
    return _Moved(owner)


_BEFORE: Final = {
    AttemptState.SENT: {AttemptState.PREPARED},
    AttemptState.REFUSED: {AttemptState.PREPARED, AttemptState.SENT},
    AttemptState.RINGING: {AttemptState.SENT},
    AttemptState.ANSWERED: {AttemptState.SENT, AttemptState.RINGING},
    AttemptState.ENDED: OPEN_ATTEMPTS,
    AttemptState.UNKNOWN: OPEN_ATTEMPTS,
}


@cache
def _moving(to: AttemptState, names: tuple[str, ...]) -> Update:
    move = update(Attempt).where(Attempt.id == bindparam("attempt"), Attempt.state.in_(_BEFORE[to]))
    return move.values(state=to, **{name: bindparam(f"to_{name}") for name in names})


_OWNER: Final = select(Call.user_id).where(Call.attempt_id == bindparam("attempt"))


def _call(tx: Connection, call_id: uuid.UUID, now: datetime, **values: Any) -> None:
    asked = {"call": call_id, **{f"to_{name}": one for name, one in values.items()}}
    owner = tx.execute(_changing(tuple(values)), asked).scalar_one_or_none()
    if owner is not None:
        publish(tx, now, TOPIC, call_id, owner)


@cache
def _changing(names: tuple[str, ...]) -> ReturningUpdate[int]:
    change = update(Call).where(Call.id == bindparam("call"), Call.state.in_(LIVE_CALLS))
    return change.values({name: bindparam(f"to_{name}") for name in names}).returning(Call.user_id)


def _end_call(
    tx: Connection, call_id: uuid.UUID, now: datetime, *, by: EndedBy | None, wrapped: bool = False,
    at: datetime | None = None,
) -> None:  # fmt: skip
    _call(tx, call_id, now, state=CallState.ENDED, ended_at=at or now, ended_by=by)
    tx.execute(_WRAP if wrapped else _WRAP_TOLD, {"call": call_id, "now": now})
    owner = tx.execute(_USER, {"call": call_id}).scalar_one_or_none()
    if owner is not None:  # a dial of a campaign is nobody's call until somebody answers and an operator has them
        duty.after_call(tx, owner, call_id, now)


_WRAP: Final = (
    update(Call).where(Call.id == bindparam("call"), Call.wrapped_at.is_(None)).values(wrapped_at=bindparam("now"))
)
_WRAP_TOLD: Final = _WRAP.where(Call.result_at.is_not(None))
_USER: Final = select(Call.user_id).where(Call.id == bindparam("call"))
