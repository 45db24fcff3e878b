"""Operators on duty: taking a seat, pausing, coming back, going home; and what the PBX says of their phones.

The standing leg is the operator's phone, called once and kept connected in a room of its own (see `ami_bridge.legs`).
Every change of state closes a line of `duty_log` and is published to the operator's screens. What a supervisor does with an
operator (`usecases.floor_acts`) goes through `send_away`, `bring_back`, `end` and `follow`.
"""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from db.outbox import publish
from db.rules.telephony import LIVE_CALLS, AfterCall, CallState, DutyState, TransferState
from db.rules.terms import Right
from db.rules.viewer import Viewer, system_viewer
from db.schema.base import new_id
from db.schema.calls import Call, Duty, DutyLog, Monitor, Seat, Transfer
from db.schema.staff import Staff
from db.store import access_log, calls, monitors, staff
from db.store.calls import DutyRow
from db.usecases.commands import CommandKind, want

TOPIC: Final = "duty"
PAUSE_REASONS: Final = ("休憩", "昼休み", "打合せ", "事務処理", "その他")
_FLOOR: Final = system_viewer("floor")


class DutyError(Exception):
    """The operator's state does not allow it; the sentence says why and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def take_seat(tx: Connection, viewer: Viewer, extension: str, now: datetime) -> DutyRow:
    """Go on duty at a seat: its phone is called. Raises DutyError when the seat is taken or the user is elsewhere."""
    viewer.require(Right.CALL)
    seat = tx.execute(select(Seat).where(Seat.extension == extension)).one_or_none()
    if seat is None:
        raise DutyError("no_such_seat", f"席「{extension}」はありません。席を選び直してください。")
    present = calls.duty(tx, viewer.user_id)
    if present is not None:
        raise DutyError("on_duty", f"すでに席{present.seat}で業務中です。先に退席してください。")
    leg_id = new_id()
    try:
        with tx.begin_nested():
            tx.execute(
                insert(Duty).values(
                    user_id=viewer.user_id, seat=extension, state=DutyState.CALLING_PHONE, since=now, leg_id=leg_id
                )
            )
    except IntegrityError:
        taken_by = tx.execute(
            select(Staff.name).join(Duty, Duty.user_id == Staff.id).where(Duty.seat == extension)
        ).scalar_one_or_none()
        raise DutyError("seat_taken", f"席{extension}は{taken_by or '他の利用者'}さんが使用中です。") from None
    want(tx, seat.pbx, CommandKind.RING_PHONE, leg_id, viewer.user_id, now)
    publish(tx, now, TOPIC, viewer.user_id, viewer.user_id)
    access_log.append(tx, viewer, now, "duty.start", detail=extension)
    return required(tx, viewer)


def ring_again(tx: Connection, viewer: Viewer, now: datetime) -> None:
    """Call the operator's phone again after it did not answer or was lost."""
    duty = _required_held(tx, viewer)
    if duty.leg_up or duty.state is DutyState.CALLING_PHONE:
        raise DutyError("phone_is_up", "電話機は接続済み、または呼出中です。")
    leg_id = new_id()
    tx.execute(update(Duty).where(Duty.user_id == duty.user_id).values(leg_id=leg_id))
    keeps = duty.call_id is not None or duty.state is DutyState.PAUSED
    _enter(tx, duty, duty.state if keeps else DutyState.CALLING_PHONE, now, duty.reason if keeps else "")
    want(tx, duty.pbx, CommandKind.RING_PHONE, leg_id, viewer.user_id, now)


def pause(tx: Connection, viewer: Viewer, reason: str, now: datetime) -> None:
    """Leave the line for a while; no call comes until `resume`."""
    duty = _required_held(tx, viewer)
    if reason not in PAUSE_REASONS:
        raise DutyError("no_such_reason", "離席理由を選んでください。")
    if duty.call_id is not None:
        raise DutyError("call_open", "通話または後処理が残っています。結果を登録してから離席してください。")
    _not_taken(duty)
    send_away(tx, duty, reason, now)


def send_away(tx: Connection, duty: DutyRow, reason: str, now: datetime, word: str = "") -> None:
    """Take somebody without an open call off the line. `word`: what they are told if it was not they who wanted it."""
    _enter(tx, duty, DutyState.PAUSED, now, reason)
    say(tx, duty.user_id, word, now)


def resume(tx: Connection, viewer: Viewer, now: datetime) -> None:
    """Come back from a pause."""
    bring_back(tx, _required_held(tx, viewer), now)


def bring_back(tx: Connection, duty: DutyRow, now: datetime, word: str = "") -> None:
    """End a pause; the calls go on."""
    if duty.state is not DutyState.PAUSED:
        raise DutyError("not_paused", "離席中ではありません。")
    _enter(tx, duty, _without_call(duty), now)
    say(tx, duty.user_id, word, now)


def say(tx: Connection, user_id: int, word: str, now: datetime) -> None:
    """Show an operator what a supervisor has done with them, until `seen`; an empty word takes the last one away."""
    tx.execute(update(Duty).where(Duty.user_id == user_id).values(word=word))
    publish(tx, now, TOPIC, user_id, user_id)


def seen(tx: Connection, viewer: Viewer, now: datetime) -> None:
    """The operator has seen what the supervisor has done with them."""
    say(tx, viewer.user_id, "", now)


def follow(tx: Connection, duty: DutyRow, after: AfterCall | None, by: int | None, reason: str, now: datetime) -> None:
    """Let something follow once nothing of a call is open, or (None) nothing any more."""
    values = {"after": after, "after_by": by, "after_reason": reason}
    tx.execute(update(Duty).where(Duty.user_id == duty.user_id).values(values))
    publish(tx, now, TOPIC, duty.user_id, duty.user_id)


def go_home(tx: Connection, viewer: Viewer, now: datetime) -> None:
    """End the duty; the phone is hung up. Not while a call or its result is open."""
    duty = _required_held(tx, viewer)
    if duty.call_id is not None:
        raise DutyError("call_open", "通話または後処理が残っています。結果を登録してから退席してください。")
    _not_taken(duty)
    end(tx, duty, now)
    access_log.append(tx, viewer, now, "duty.end", detail=duty.seat)


def end(tx: Connection, duty: DutyRow, now: datetime, word: str = "") -> None:
    """End the duty of somebody without an open call: the seat is free, the phone is hung up."""
    _log(tx, duty, now, word)
    tx.execute(delete(Duty).where(Duty.user_id == duty.user_id))
    want(tx, duty.pbx, CommandKind.DROP_PHONE, duty.leg_id, duty.user_id, now)
    publish(tx, now, TOPIC, duty.user_id, duty.user_id)


def leg_answered(tx: Connection, leg_id: uuid.UUID, now: datetime, seat: str | None = None) -> DutyRow | None:
    """The PBX says that an operator's phone is connected, in the room of `seat`. None if that leg is nobody's any more.

    Whoever waited in its room is talked to again. A supervisor's phone that has come home hears no other call any more.
    """
    duty = _hold_of_leg(tx, leg_id)
    if duty is None:
        return None
    if duty.leg_up and duty.state is DutyState.MONITORING and seat == duty.seat:
        stop_monitoring(tx, now, "電話機が席に戻りました", user_id=duty.user_id)
        return duty
    tx.execute(update(Duty).where(Duty.user_id == duty.user_id).values(leg_up=True))
    _move_call(tx, duty, CallState.PARTED, CallState.TALKING, now)
    waiting = duty.state in {DutyState.CALLING_PHONE, DutyState.PHONE_LOST}
    _enter(tx, duty, DutyState.READY if waiting else duty.state, now, duty.reason)
    return duty


def leg_lost(tx: Connection, leg_id: uuid.UUID, now: datetime, reason: str) -> DutyRow | None:
    """The PBX says that an operator's phone is gone, or never answered. A call of theirs goes on: the person waits.

    Returns the duty as it was before.
    """
    duty = _hold_of_leg(tx, leg_id)
    if duty is None:
        return None
    tx.execute(update(Duty).where(Duty.user_id == duty.user_id).values(leg_up=False))
    _part(tx, duty, now)
    _move_call(tx, duty, CallState.TALKING, CallState.PARTED, now)
    free = duty.state in {DutyState.CALLING_PHONE, DutyState.READY}
    _enter(tx, duty, DutyState.PHONE_LOST if free else duty.state, now, reason if free else duty.reason)
    return duty


def call_back(tx: Connection, leg_id: uuid.UUID, now: datetime) -> None:
    """Call an operator's phone again by itself, after its leg was lost; nothing if that leg is not the last one."""
    duty = _hold_of_leg(tx, leg_id)
    if duty is None or duty.leg_up:
        return
    new_leg = new_id()
    tx.execute(update(Duty).where(Duty.user_id == duty.user_id).values(leg_id=new_leg))
    state = DutyState.CALLING_PHONE if duty.state is DutyState.PHONE_LOST else duty.state
    _enter(tx, duty, state, now, duty.reason if state is duty.state else "")
    want(tx, duty.pbx, CommandKind.RING_PHONE, new_leg, duty.user_id, now)


def after_call(tx: Connection, user_id: int, call_id: uuid.UUID, now: datetime) -> None:
    """Put an operator where a call's end or its result leaves them: result owed, or free (`_free`)."""
    duty = _held(tx, user_id)
    if duty is None or duty.call_id != call_id:
        return
    call = tx.execute(select(Call.state, Call.wrapped_at).where(Call.id == call_id)).one()
    if call.state in LIVE_CALLS:
        return
    stop_consulting(tx, call_id, now)
    stop_monitoring(tx, now, "通話の終了", call_id=call_id)
    if call.wrapped_at is None:
        _enter(tx, duty, DutyState.WRAP_UP, now)
        return
    tx.execute(update(Duty).where(Duty.user_id == user_id).values(call_id=None))
    _free(tx, duty, now)


def reserve(tx: Connection, viewer: Viewer, call_id: uuid.UUID, now: datetime) -> DutyRow:
    """Take the operator for a call, by one conditional UPDATE: of two that try at once, one gets DutyError."""
    duty = required(tx, viewer)
    reserved = (
        update(Duty)
        .where(
            Duty.user_id == viewer.user_id,
            Duty.state == DutyState.READY,
            Duty.leg_up.is_(True),
            Duty.call_id.is_(None),
        )
        .values(state=DutyState.BUSY, call_id=call_id, since=now)
    )
    if tx.execute(reserved).rowcount != 1:
        raise DutyError("not_ready", f"現在「{duty.state.label}」のため発信できません。")
    _log(tx, duty, now)
    publish(tx, now, TOPIC, viewer.user_id, viewer.user_id)
    return duty


def consult(tx: Connection, officer: Viewer, now: datetime) -> None:
    """Take an officer for a talk about a call, as `reserve` does for a call."""
    duty = required(tx, officer)
    reserved = (
        update(Duty)
        .where(Duty.user_id == officer.user_id, Duty.state == DutyState.READY, Duty.leg_up, Duty.call_id.is_(None))
        .values(state=DutyState.CONSULTING, since=now)
    )
    if tx.execute(reserved).rowcount != 1:
        raise DutyError("officer_not_ready", f"{officer.name}さんは現在「{duty.state.label}」のため転送できません。")
    _log(tx, duty, now)
    publish(tx, now, TOPIC, officer.user_id, officer.user_id)


def stop_consulting(tx: Connection, call_id: uuid.UUID, now: datetime) -> bool:
    """End the talk about a call without a transfer, if there is one: the officer is free, the operator's phone goes home."""
    ending = (
        update(Transfer)
        .where(Transfer.call_id == call_id, Transfer.ended_at.is_(None))
        .values(state=TransferState.CANCELLED, ended_at=now)
        .returning(Transfer.from_user, Transfer.to_user)
    )
    row = tx.execute(ending).one_or_none()
    if row is None:
        return False
    officer, operator = _held(tx, row.to_user), calls.duty(tx, row.from_user)
    if officer is not None and officer.state is DutyState.CONSULTING:
        _free(tx, officer, now)
    if operator is not None:
        want(tx, operator.pbx, CommandKind.TAKE_BACK, call_id, row.from_user, now)
    for user_id in row:
        publish(tx, now, "call", call_id, user_id)
    return True


def monitor(tx: Connection, viewer: Viewer, now: datetime) -> DutyRow:
    """Take a supervisor for another's call, as `reserve` does for one of their own; who was away is so again afterwards."""
    duty = required(tx, viewer)
    rests = (DutyState.READY, DutyState.PAUSED)
    taken = (
        update(Duty)
        .where(Duty.user_id == viewer.user_id, Duty.state.in_(rests), Duty.leg_up, Duty.call_id.is_(None))
        .values(state=DutyState.MONITORING, reason="", since=now)
    )
    if tx.execute(taken).rowcount != 1:
        raise DutyError(
            "not_ready", f"現在「{duty.state.label}」のためモニタリングできません。待機か離席のときに操作してください。"
        )
    if duty.state is DutyState.PAUSED:
        follow(tx, duty, AfterCall.PAUSE, viewer.user_id, duty.reason, now)
    _log(tx, duty, now)
    publish(tx, now, TOPIC, viewer.user_id, viewer.user_id)
    return duty


def stop_monitoring(
    tx: Connection, now: datetime, why: str, *, call_id: uuid.UUID | None = None, user_id: int | None = None
) -> bool:
    """End what supervisors hear of a call, or what one of them hears: their phones go home, and the log says how long it was.

    First the supervisors' duties, then the rest, as everything that a leg does.
    """
    found = monitors.open_ones(tx, call_id=call_id, user_id=user_id)
    held = {row.user_id: _held(tx, row.user_id) for row in found}
    for row in found:
        supervisor = held[row.user_id]
        ending = update(Monitor).where(Monitor.id == row.id, Monitor.ended_at.is_(None))
        if tx.execute(ending.values(ended_at=now, why=why)).rowcount != 1:
            continue
        by = staff.viewer(tx, row.user_id) or _FLOOR
        detail = f"{row.mode.label} {row.of_login} {row.call_id} {int((now - row.began_at).total_seconds())}秒 {why}"
        access_log.append(tx, by, now, "call.monitor_end", debtor_id=row.debtor_id, detail=detail)
        want(tx, row.pbx, CommandKind.STOP_MONITORING, row.id, row.user_id, now)
        if supervisor is not None and supervisor.state is DutyState.MONITORING:
            _free(tx, supervisor, now)
    return bool(found)


def hand_over(tx: Connection, call_id: uuid.UUID, from_user: int, to_user: int, now: datetime) -> None:
    """A call changes from one operator to another, who is taken for it already."""
    stop_monitoring(tx, now, "転送", call_id=call_id)
    giver, taker = _held(tx, from_user), calls.duty(tx, to_user)
    if giver is not None and giver.call_id == call_id:
        tx.execute(update(Duty).where(Duty.user_id == from_user).values(call_id=None))
        _free(tx, giver, now)
    if taker is not None:
        tx.execute(update(Duty).where(Duty.user_id == to_user).values(call_id=call_id))
        _enter(tx, taker, DutyState.BUSY, now)


def held(tx: Connection, user_id: int) -> DutyRow:
    """Somebody's duty, locked, for a supervisor; raises DutyError when they are not on duty."""
    duty = _held(tx, user_id)
    if duty is None:
        raise DutyError("not_on_duty", "この方は業務中ではありません。")
    return duty


def required(tx: Connection, viewer: Viewer) -> DutyRow:
    """The viewer's duty; raises DutyError when they are not on duty."""
    duty = calls.duty(tx, viewer.user_id)
    if duty is None:
        raise DutyError("off_duty", "業務を開始していません。席を選んで業務を開始してください。")
    return duty


def _required_held(tx: Connection, viewer: Viewer) -> DutyRow:
    _held(tx, viewer.user_id)
    return required(tx, viewer)


def _held(tx: Connection, user_id: int) -> DutyRow | None:
    """A user's duty, locked: whoever leaves a state by whether the phone is up must not pass the phone that comes up."""
    tx.execute(select(Duty.user_id).where(Duty.user_id == user_id).with_for_update())
    return calls.duty(tx, user_id)


def _free(tx: Connection, duty: DutyRow, now: datetime) -> None:
    """Nothing of a call is open any more: what a supervisor wants to follow does, otherwise the next call may come."""
    if duty.after is None:
        _enter(tx, duty, _without_call(duty), now)
        return
    follow(tx, duty, None, None, "", now)
    if duty.after is AfterCall.PAUSE:
        own = duty.after_by == duty.user_id
        send_away(tx, duty, duty.after_reason, now, "" if own else f"{duty.after_name}さんの指示で離席になりました。")
        return
    end(tx, duty, now, f"{duty.after_name}さんの指示で業務を終了しました（{duty.after_reason}）。")
    access_log.append(tx, _FLOOR, now, "duty.end", detail=f"{duty.seat} {duty.after_name}の指示")


def _without_call(duty: DutyRow) -> DutyState:
    return DutyState.READY if duty.leg_up else DutyState.PHONE_LOST


def _not_taken(duty: DutyRow) -> None:
    if duty.state is DutyState.CONSULTING:
        raise DutyError("consulting", "転送の相談中です。相談が終わってから操作してください。")
    if duty.state is DutyState.MONITORING:
        raise DutyError("monitoring", "モニタリング中です。［モニタリング終了］を押してから操作してください。")


def _part(tx: Connection, duty: DutyRow, now: datetime) -> None:
    """A phone is gone: whoever spoke over it about a call, or heard another's, does no more. An operator on the way out has
    left."""
    stop_monitoring(tx, now, "電話機の切断", user_id=duty.user_id)
    open_ones = select(Transfer.call_id).where(Transfer.ended_at.is_(None))
    as_officer = open_ones.where(Transfer.to_user == duty.user_id)
    as_operator = open_ones.where(Transfer.call_id == duty.call_id, Transfer.state == TransferState.CONSULTING)
    for call_id in [*tx.execute(as_officer).scalars(), *tx.execute(as_operator).scalars()]:
        stop_consulting(tx, call_id, now)


def _hold_of_leg(tx: Connection, leg_id: uuid.UUID) -> DutyRow | None:
    """The duty of a leg, locked: what the leg does and what the person's channel does must not pass each other.

    First the call, then the duty, as all who end a call or save its result: or two would wait for each other.
    """
    call = select(Duty.call_id).where(Duty.leg_id == leg_id).scalar_subquery()
    tx.execute(select(Call.id).where(Call.id == call).with_for_update())
    tx.execute(select(Duty.user_id).where(Duty.leg_id == leg_id).with_for_update())
    return calls.duty_of_leg(tx, leg_id)


def _move_call(tx: Connection, duty: DutyRow, before: CallState, after: CallState, now: datetime) -> None:
    moved = update(Call).where(Call.id == duty.call_id, Call.state == before).values(state=after)
    if duty.call_id is not None and tx.execute(moved).rowcount == 1:
        publish(tx, now, "call", duty.call_id, duty.user_id)


def _enter(tx: Connection, duty: DutyRow, state: DutyState, now: datetime, reason: str = "") -> None:
    if state is not duty.state or reason != duty.reason:
        _log(tx, duty, now)
        tx.execute(update(Duty).where(Duty.user_id == duty.user_id).values(state=state, reason=reason, since=now))
    publish(tx, now, TOPIC, duty.user_id, duty.user_id)


def _log(tx: Connection, duty: DutyRow, now: datetime, word: str = "") -> None:
    tx.execute(
        insert(DutyLog).values(
            user_id=duty.user_id,
            seat=duty.seat,
            state=duty.state,
            reason=duty.reason,
            began_at=duty.since,
            ended_at=now,
            word=word,
        )
    )
