"""What supervisors do with operators on the floor (T14): pause, bring back, end a duty, and which campaigns they work on.

Each act needs the right `floor.act` in an area in which the operator telephones, and a reason; it stands in the access log,
and the operator is told on the call bar who did it. Nothing is taken from somebody in the midst of a call: what is wanted then
follows by itself once the result is saved (`duty.follow`), and can be taken back until then.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from db.rules.campaigns import CampaignState
from db.rules.telephony import AfterCall, DutyState, MonitorMode
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.store import access_log, calls, monitors, staff
from db.store import campaigns as campaign_store
from db.store.calls import DutyRow
from db.store.campaigns import CampaignRow
from db.store.monitors import MonitorRow
from db.usecases import duty, monitoring
from db.usecases.campaign_desk import is_for, put_on, take_off
from db.usecases.duty import PAUSE_REASONS, DutyError
from db.usecases.entries import EntryError

REASON_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """A campaign that an operator may work on."""

    campaign: CampaignRow
    joined: bool


@dataclass(frozen=True, slots=True)
class Steered:
    """An operator on duty and what may be done with them; `duty` is None once they are not on duty any more.

    `acts`: the viewer may act on them; `hears`: and take part in calls, unless `hindrance` says why not now. `mine`: the
    viewer takes part in this operator's call.
    """

    user_id: int
    name: str
    duty: DutyRow | None
    choices: Sequence[Choice]
    acts: bool
    hears: bool
    hindrance: str
    mine: MonitorRow | None
    reasons: Sequence[str] = PAUSE_REASONS
    modes: Sequence[MonitorMode] = tuple(MonitorMode)


def look_at(tx: Connection, viewer: Viewer, user_id: int) -> Steered:
    """What may be done with an operator. Raises NotAllowedError, or DutyError for one who is not the viewer's."""
    hears = viewer.may_anywhere(Right.CALL_MONITOR)
    acts = viewer.may_anywhere(Right.FLOOR_ACT)
    operator = _operator(tx, viewer, user_id, Right.FLOOR_ACT if acts else Right.CALL_MONITOR)
    at, joined = calls.duty(tx, user_id), set(campaign_store.joined(tx, user_id))
    return Steered(
        user_id, operator.name, at,
        choices=[Choice(row, row.id in joined) for row in _campaigns(tx, viewer, operator)],
        acts=acts, hears=hears,
        hindrance=monitoring.hindrance(tx, viewer, at) if at and hears else "",
        mine=next((one for one in monitors.open_ones(tx, user_id=viewer.user_id) if one.of_user == user_id), None),
    )  # fmt: skip


def pause(tx: Connection, viewer: Viewer, user_id: int, reason: str, now: datetime) -> str:
    """Take an operator off the line, now or once the call is over; returns what became of it, in words."""
    operator, at, why = _held(tx, viewer, user_id, reason)
    if at.state is DutyState.PAUSED:
        raise DutyError("paused", f"{operator.name}さんはすでに離席中です。")
    _note(tx, viewer, now, "floor.pause", f"{operator.login} {'通話の後 ' if at.busy else ''}{why}")
    if at.busy:
        duty.follow(tx, at, AfterCall.PAUSE, viewer.user_id, why, now)
        return f"{operator.name}さんは通話・後処理中です。結果の登録後に離席になります。"
    duty.send_away(tx, at, why, now, f"{viewer.name}さんが離席にしました。")
    return f"{operator.name}さんを離席にしました。"


def bring_back(tx: Connection, viewer: Viewer, user_id: int, reason: str, now: datetime) -> str:
    """End an operator's pause."""
    operator, at, why = _held(tx, viewer, user_id, reason)
    duty.bring_back(tx, at, now, f"{viewer.name}さんが待機に戻しました（{why}）。")
    _note(tx, viewer, now, "floor.resume", f"{operator.login} {why}")
    return f"{operator.name}さんを待機に戻しました。"


def end(tx: Connection, viewer: Viewer, user_id: int, reason: str, now: datetime) -> str:
    """End an operator's duty, now or once the call is over: their phone is hung up, the seat is free."""
    operator, at, why = _held(tx, viewer, user_id, reason)
    _note(tx, viewer, now, "floor.end", f"{operator.login} {'通話の後 ' if at.busy else ''}{why}")
    if at.busy:
        duty.follow(tx, at, AfterCall.END, viewer.user_id, why, now)
        return f"{operator.name}さんは通話・後処理中です。結果の登録後に業務終了になります。"
    duty.end(tx, at, now, f"{viewer.name}さんが業務を終了しました（{why}）。")
    return f"{operator.name}さんの業務を終了しました。"


def withdraw(tx: Connection, viewer: Viewer, user_id: int, reason: str, now: datetime) -> str:
    """Take back what was to follow after the call; this needs no reason."""
    del reason
    operator = _operator(tx, viewer, user_id)
    at = duty.held(tx, user_id)
    if at.after is None:
        raise DutyError("nothing_follows", "取り消す予定はありません。すでに実行されたか、取り消されています。")
    duty.follow(tx, at, None, None, "", now)
    _note(tx, viewer, now, "floor.withdraw", f"{operator.login} {at.after.label}")
    return f"{operator.name}さんの「通話の後に{at.after.label}」を取り消しました。"


def assign(
    tx: Connection, viewer: Viewer, user_id: int, campaign_ids: Collection[uuid.UUID], reason: str, now: datetime
) -> str:
    """Let an operator work on these of the viewer's campaigns and on no other of them. A call under way goes on."""
    operator, _, why = _held(tx, viewer, user_id, reason)
    there = _campaigns(tx, viewer, operator)
    if set(campaign_ids) - {row.id for row in there}:
        raise DutyError("no_such_campaign", "参加させられないキャンペーンが含まれています。画面を開き直してください。")
    left = [row for row in there if row.id not in campaign_ids and take_off(tx, row.id, user_id, now)]
    joined = [row for row in there if row.id in campaign_ids and put_on(tx, row.id, user_id, now)]
    if not left and not joined:
        raise DutyError("no_change", "参加するキャンペーンは変わっていません。")
    words = "、".join([f"{_names([row])}から離脱" for row in left] + [f"{_names([row])}に参加" for row in joined])
    _note(tx, viewer, now, "floor.assign", f"{operator.login} {words} {why}")
    duty.say(tx, user_id, f"{viewer.name}さんが参加を変更しました（{words}）。", now)
    return f"{operator.name}さん: {words}"


# --


def _operator(tx: Connection, viewer: Viewer, user_id: int, right: Right = Right.FLOOR_ACT) -> Viewer:
    viewer.require(right)
    found = staff.viewer(tx, user_id)
    if found is None or not found.areas(Right.CALL) & viewer.areas(right):
        raise DutyError("no_such_operator", "該当するオペレーターがいません。")
    if user_id == viewer.user_id:
        raise DutyError("oneself", "自分の離席・退席は、画面上部の通話バーで操作してください。")
    return found


def _held(tx: Connection, viewer: Viewer, user_id: int, reason: str) -> tuple[Viewer, DutyRow, str]:
    operator, why = _operator(tx, viewer, user_id), reason.strip()
    if not why or not why.isprintable() or len(why) > REASON_LENGTH:
        raise EntryError("reason", "reason", f"理由を{REASON_LENGTH}文字以内で入力してください。")
    return operator, duty.held(tx, user_id), why


def _campaigns(tx: Connection, viewer: Viewer, operator: Viewer) -> list[CampaignRow]:
    at_work = (CampaignState.RUNNING, CampaignState.PAUSED)
    listed = campaign_store.listed(tx, viewer.areas(Right.FLOOR_ACT), at_work)
    return [row for row in listed if is_for(operator, row)]


def _names(rows: Collection[CampaignRow]) -> str:
    return "".join(f"「{row.settings.name}」" for row in rows)


def _note(tx: Connection, viewer: Viewer, now: datetime, action: str, detail: str) -> None:
    access_log.append(tx, viewer, now, action, detail=detail)
