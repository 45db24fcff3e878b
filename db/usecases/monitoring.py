"""A supervisor takes part in an operator's call (T14): listens, whispers to the operator, or speaks with both.

It needs the right `call.monitor` in the area of the call, and the phone of a seat of the same PBX, which the bridge moves
(`ami_bridge.monitoring`). Who hears whom on which call, how and how long, stands in the access log of the person on the line.
It ends with the call, and whatever else takes the supervisor's phone away (`duty.stop_monitoring`).
"""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, insert, select, update

from db.outbox import publish
from db.rules.telephony import CallState, MonitorMode
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Duty, Monitor
from db.store import access_log, calls, monitors
from db.store.calls import DutyRow
from db.store.monitors import MonitorRow
from db.usecases import duty
from db.usecases.commands import CommandKind, is_wanted, want
from db.usecases.duty import DutyError

NO_PHONE: Final = (
    "通話を聞くには電話機が必要です。画面上部の通話バーで席を選んで業務を開始し、受話器を上げてから操作してください。"
)
OVER: Final = "聞いている通話はありません。通話が終了した可能性があります。"


def hindrance(tx: Connection, viewer: Viewer, operator: DutyRow) -> str:
    """Why the viewer cannot hear an operator's call now, and what to do; empty if they can."""
    call = _call(tx, operator.call_id)
    if call is None or call.state not in _TALKS:
        return "通話中ではありません。通話が始まると、ここから聞くことができます。"
    if not viewer.may(Right.CALL_MONITOR, call.area):
        return "担当外の業務の通話のため、聞くことはできません。"
    at = calls.duty(tx, viewer.user_id)
    if at is None or not at.leg_up:
        return NO_PHONE
    if at.pbx != operator.pbx:
        return f"席{at.seat}は別のPBXの席です。この通話と同じPBXの席で業務を開始してください。"
    return ""


def begin(tx: Connection, viewer: Viewer, user_id: int, mode: MonitorMode, now: datetime) -> None:
    """Take part in an operator's call, or change how. Raises DutyError, NotAllowedError."""
    viewer.require(Right.CALL_MONITOR)
    theirs = select(Duty.call_id).where(Duty.user_id == user_id).scalar_subquery()
    tx.execute(select(Call.id).where(Call.id == theirs).with_for_update())
    operator = calls.duty(tx, user_id)
    if operator is None or user_id == viewer.user_id:
        raise DutyError("not_on_duty", "この方は業務中ではありません。")
    if why := hindrance(tx, viewer, operator):
        raise DutyError("cannot_monitor", why)
    mine = next(iter(monitors.open_ones(tx, user_id=viewer.user_id)), None)
    if mine is not None and mine.call_id != operator.call_id:
        raise DutyError("monitoring", f"{mine.of_name}さんの通話を聞いています。先に終了してください。")
    _refuse_barge(tx, operator, mode)
    if mine is None:
        mine = _open(tx, viewer, operator, mode, now)
    else:
        _change(tx, mine, mode)
    want(tx, operator.pbx, CommandKind.MONITOR, mine.id, viewer.user_id, now)
    detail = f"{mode.label} {mine.of_login} {mine.call_id}"
    access_log.append(tx, viewer, now, "call.monitor", debtor_id=mine.debtor_id, detail=detail)
    publish(tx, now, duty.TOPIC, viewer.user_id, viewer.user_id)


def change(tx: Connection, viewer: Viewer, mode: MonitorMode, now: datetime) -> None:
    """Take part in the same call in another way."""
    mine = next(iter(monitors.open_ones(tx, user_id=viewer.user_id)), None)
    if mine is None:
        raise DutyError("not_monitoring", OVER)
    begin(tx, viewer, mine.of_user, mode, now)


def stop(tx: Connection, viewer: Viewer, now: datetime) -> None:
    """Take part no more; the phone comes home."""
    if not duty.stop_monitoring(tx, now, "管理者の操作", user_id=viewer.user_id):
        raise DutyError("not_monitoring", OVER)


# -- what the bridge says ---------------------------------------------------------------------------------------------


def failed(tx: Connection, monitor_id: uuid.UUID, now: datetime) -> None:
    """The supervisor's phone could not be moved."""
    row = monitors.get(tx, monitor_id)
    if row is not None and row.ended_at is None:
        duty.stop_monitoring(tx, now, "電話機を接続できませんでした", user_id=row.user_id)
        word = (
            f"{row.of_name}さんの通話を聞けませんでした。席の電話機がつながっているか確認し、もう一度操作してください。"
        )
        duty.say(tx, row.user_id, word, now)


# --

_TALKS: Final = frozenset({CallState.TALKING, CallState.HELD})


def _call(tx: Connection, call_id: uuid.UUID | None) -> Row[Area, CallState] | None:
    return tx.execute(select(Call.area, Call.state).where(Call.id == call_id)).one_or_none()


def _refuse_barge(tx: Connection, operator: DutyRow, mode: MonitorMode) -> None:
    """The room takes two besides a supervisor who breaks in only if the person is there and stays: on the way to hold or back
    they could not come in again."""
    call_id, call = operator.call_id, _call(tx, operator.call_id)
    if mode is not MonitorMode.BARGE or call is None:
        return
    leaves = call_id is not None and is_wanted(tx, operator.pbx, call_id, (CommandKind.HOLD, CommandKind.CONSULT))
    if call.state is not CallState.TALKING or leaves:
        raise DutyError("held", "保留中・転送中のため、三者通話にできません。通話に戻ってから操作してください。")


def _change(tx: Connection, mine: MonitorRow, mode: MonitorMode) -> None:
    changed = update(Monitor).where(Monitor.id == mine.id, Monitor.ended_at.is_(None)).values(mode=mode)
    if tx.execute(changed).rowcount != 1:
        raise DutyError("not_monitoring", OVER)


def _open(tx: Connection, viewer: Viewer, operator: DutyRow, mode: MonitorMode, now: datetime) -> MonitorRow:
    at = duty.monitor(tx, viewer, now)
    tx.execute(
        insert(Monitor).values(
            id=new_id(), call_id=operator.call_id, user_id=viewer.user_id, leg_id=at.leg_id, seat=at.seat,
            of_user=operator.user_id, of_seat=operator.seat, mode=mode, began_at=now,
        )
    )  # fmt: skip
    return monitors.open_ones(tx, user_id=viewer.user_id)[0]
