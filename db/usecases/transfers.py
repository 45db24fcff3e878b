"""A call is taken to an officer who may decide (T3): they speak about it first, while the person hears music; then it is
the officer's, who owes the result. Until then everything can be taken back.

The operator's phone goes to the officer's room and home again; the person follows once it has left, so that a room never
holds more than two (the bridge's `Transfers`).
"""

import uuid
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.telephony import LIVE_CALLS, CallState, TransferState
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Transfer
from db.store import access_log, calls, staff
from db.store import transfers as store
from db.store.calls import CallRow
from db.store.transfers import Legs, OfficerRow, TransferRow
from db.usecases import duty
from db.usecases.calls import TOPIC, CallError, not_in_threes, own_call
from db.usecases.commands import CommandKind, want


def officers(tx: Connection, viewer: Viewer, call: CallRow) -> list[OfficerRow]:
    """Whom the viewer might take a call to: everybody else on duty at the PBX who may decide in the call's area."""
    at = calls.duty(tx, viewer.user_id)
    others = store.on_duty(tx, at.pbx) if at else []
    return [one for one in others if one.user_id != viewer.user_id and _officer(tx, one.user_id, call.area)]


def begin(tx: Connection, viewer: Viewer, call_id: uuid.UUID, officer_id: int, now: datetime) -> None:
    """Speak with an officer about the viewer's own call. Raises CallError, or DutyError if the officer is not free."""
    call = own_call(tx, viewer, call_id)
    at = duty.required(tx, viewer)
    if call.state not in {CallState.TALKING, CallState.HELD}:
        raise CallError("call_state", f"通話が「{call.state.label}」のため転送できません。")
    if call.result_at is not None:
        raise CallError("already_saved", "この通話の結果は登録済みのため転送できません。")
    if store.of_call(tx, call_id) is not None:
        raise CallError("consulting", "この通話は転送の相談中です。")
    not_in_threes(tx, call_id)
    officer = _officer(tx, officer_id, call.area)
    there = calls.duty(tx, officer_id)
    if officer is None or officer_id == viewer.user_id or there is None or there.pbx != at.pbx:
        raise CallError("no_such_officer", "転送先の職員は業務中ではないか、判断する権限がありません。")
    duty.consult(tx, officer, now)
    tx.execute(
        insert(Transfer).values(
            id=new_id(), call_id=call_id, from_user=viewer.user_id, to_user=officer_id,
            state=TransferState.CONSULTING, began_at=now,
        )
    )  # fmt: skip
    want(tx, at.pbx, CommandKind.CONSULT, call_id, viewer.user_id, now)
    access_log.append(tx, viewer, now, "call.consult", debtor_id=call.debtor_id, detail=f"{call_id} {officer.login}")
    if call.debtor_id is not None:
        access_log.append(tx, officer, now, "call.pop", debtor_id=call.debtor_id, detail=str(call_id))
    for user_id in (viewer.user_id, officer_id):
        publish(tx, now, TOPIC, call_id, user_id)


def complete(tx: Connection, viewer: Viewer, call_id: uuid.UUID, now: datetime) -> None:
    """Leave the call to the officer: the operator's phone goes home, then the person is brought to the officer."""
    call, under_way = own_call(tx, viewer, call_id), _under_way(tx, call_id)
    if call.result_at is not None:
        raise CallError("already_saved", "この通話の結果は登録済みのため転送できません。")
    leaving = update(Transfer).where(Transfer.id == under_way.id, Transfer.state == TransferState.CONSULTING)
    if call.state not in LIVE_CALLS or tx.execute(leaving.values(state=TransferState.LEAVING)).rowcount != 1:
        raise CallError("call_state", "引継ぎはすでに始まっているか、通話が終了しています。")
    want(tx, duty.required(tx, viewer).pbx, CommandKind.HAND_OVER, call_id, viewer.user_id, now)
    access_log.append(
        tx, viewer, now, "call.transfer", debtor_id=call.debtor_id, detail=f"{call_id} {under_way.to_name}"
    )
    publish(tx, now, TOPIC, call_id, viewer.user_id)


def cancel(tx: Connection, viewer: Viewer, call_id: uuid.UUID, now: datetime) -> None:
    """Take the call back; the person and the operator are brought together again."""
    call = own_call(tx, viewer, call_id)
    _under_way(tx, call_id)
    duty.stop_consulting(tx, call_id, now)
    access_log.append(tx, viewer, now, "call.take_back", debtor_id=call.debtor_id, detail=str(call_id))


# -- what the bridge says ---------------------------------------------------------------------------------------------


def give_up(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """The operator's phone could not be brought to the officer."""
    duty.stop_consulting(tx, call_id, now)


def operator_left(tx: Connection, leg_id: uuid.UUID, seat: str | None, now: datetime) -> Legs | None:
    """An operator's phone is in the room of `seat` (None: gone). If it has left an officer who is to have the call, the
    call is theirs now."""
    moved = store.legs_of(tx, leg_id)
    if moved is None or moved.state is not TransferState.LEAVING or seat == moved.to_seat:
        return None
    return _hand_over(tx, moved, now)


def _hand_over(tx: Connection, moved: Legs, now: datetime) -> Legs | None:
    done = (
        update(Transfer)
        .where(Transfer.id == moved.transfer_id, Transfer.ended_at.is_(None))
        .values(state=TransferState.DONE, ended_at=now)
        .returning(Transfer.from_user, Transfer.to_user)
    )
    row = tx.execute(done).one_or_none()
    if row is None:
        return None
    tx.execute(select(Call.id).where(Call.id == moved.call_id).with_for_update())
    tx.execute(update(Call).where(Call.id == moved.call_id).values(user_id=row.to_user, seat=moved.to_seat))
    duty.hand_over(tx, moved.call_id, row.from_user, row.to_user, now)
    for user_id in row:
        publish(tx, now, TOPIC, moved.call_id, user_id)
    return moved


def _under_way(tx: Connection, call_id: uuid.UUID) -> TransferRow:
    found = store.of_call(tx, call_id)
    if found is None:
        raise CallError("not_consulting", "この通話は転送の相談中ではありません。")
    return found


def _officer(tx: Connection, user_id: int, area: Area) -> Viewer | None:
    """A user as one who may decide on a call of the area, and take it."""
    found = staff.viewer(tx, user_id)
    may = found is not None and found.may(Right.PROMISE_DECIDE, area) and found.may(Right.CALL, area)
    return found if may else None
