"""A supervisor takes part in an operator's call (T14): who may, with what phone, until when, and what the log says."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from db.rules.telephony import CallState, DutyState, MonitorMode
from db.rules.terms import Area
from db.rules.viewer import NotAllowedError, system_viewer
from db.schema.calls import Call, Duty, Monitor
from db.schema.ops import Command
from db.schema.staff import AccessLog, Grant
from db.store import calls as rows
from db.store import monitors
from db.usecases import accounts, calls, duty, floor, floor_acts, monitoring, transfers
from db.usecases.calls import CallError
from db.usecases.commands import CommandKind
from db.usecases.duty import DutyError
from tests.integration.db.floor import SOON, Floor
from tests.integration.db.people import NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T14")
LATER = NOW + timedelta(minutes=1)


class Talk:
    """An operator in a call, and a supervisor at a seat."""

    def __init__(self, office: Floor) -> None:
        self.office, self.boss = office, office.boss
        office.people(1)
        campaign_id = office.run()
        self.operator = office.operator("op", "1001", campaign_id)
        claimed = office.dial(campaign_id)
        assert office.give(claimed.attempt_id) == "1001"
        self.call_id = office.one(select(Call.id).where(Call.attempt_id == claimed.attempt_id))
        office.do(calls.joined, self.call_id, NOW + 2 * SOON)

    def seat(self, viewer: Any = None, extension: str = "1009") -> None:
        self.office.small.seat(extension)
        taken = self.office.do(duty.take_seat, viewer or self.boss, extension, NOW)
        self.office.do(duty.leg_answered, taken.leg_id, NOW, extension)

    def begin(self, mode: MonitorMode = MonitorMode.LISTEN, viewer: Any = None) -> Any:
        return self.office.do(monitoring.begin, viewer or self.boss, self.operator.user_id, mode, LATER)

    def at(self, viewer: Any = None) -> Any:
        with self.office.database.read() as tx:
            return rows.duty(tx, (viewer or self.boss).user_id)

    def open(self) -> Any:
        with self.office.database.read() as tx:
            return monitors.open_ones(tx)

    def logged(self) -> list[tuple[str, str, bool, str]]:
        query = select(AccessLog.action, AccessLog.login, AccessLog.debtor_id, AccessLog.detail)
        with self.office.database.read() as tx:
            found = tx.execute(query.where(AccessLog.action.startswith("call.monitor")).order_by(AccessLog.seq))
            return [(row[0], row[1], row[2] is not None, row[3].replace(str(self.call_id), "CALL")) for row in found]

    def wanted(self, kind: CommandKind) -> int:
        return int(self.office.one(select(func.count()).select_from(Command).where(Command.kind == kind)))


@pytest.fixture
def talk(small: SmallOffice) -> Talk:
    return Talk(Floor(small))


def test_a_supervisor_listens_changes_and_ends_and_each_stands_in_the_log(talk: Talk) -> None:
    talk.seat()
    talk.begin()
    assert (talk.at().state, talk.wanted(CommandKind.MONITOR)) == (DutyState.MONITORING, 1)
    (seen,) = [
        one for one in talk.office.do(floor.see, talk.boss, LATER, OFFICE).operators if one.row.seat == "1001"
    ]  # fmt: skip
    assert [(one.name, one.mode) for one in seen.heard_by] == [("bossさん", MonitorMode.LISTEN)]
    talk.office.do(monitoring.change, talk.boss, MonitorMode.BARGE, LATER)
    talk.office.do(monitoring.stop, talk.boss, LATER + timedelta(seconds=30))
    assert (talk.at().state, talk.open(), talk.wanted(CommandKind.STOP_MONITORING)) == (DutyState.READY, [], 1)
    assert talk.logged() == [
        ("call.monitor", "boss", True, "モニタリング op CALL"),
        ("call.monitor", "boss", True, "三者通話 op CALL"),
        ("call.monitor_end", "boss", True, "三者通話 op CALL 30秒 管理者の操作"),
    ]
    with pytest.raises(DutyError, match="聞いている通話はありません"):
        talk.office.do(monitoring.stop, talk.boss, LATER)


def test_it_ends_with_the_call_and_a_supervisor_who_was_away_is_away_again(talk: Talk) -> None:
    talk.seat()
    talk.office.do(duty.pause, talk.boss, "打合せ", NOW)
    talk.begin()
    talk.office.do(calls.ended, talk.call_id, LATER, 16)
    assert (talk.at().state, talk.at().reason, talk.at().word, talk.open()) == (DutyState.PAUSED, "打合せ", "", [])
    assert talk.logged()[-1] == ("call.monitor_end", "boss", True, "モニタリング op CALL 0秒 通話の終了")
    assert talk.wanted(CommandKind.STOP_MONITORING) == 1


@pytest.mark.parametrize("how", ["lost", "home", "refused"])
def test_it_ends_when_the_supervisors_phone_is_gone_home_or_cannot_be_moved(talk: Talk, how: str) -> None:
    talk.seat()
    talk.begin()
    leg: uuid.UUID = talk.at().leg_id
    talk.office.do(duty.leg_answered, leg, LATER, "1001")
    assert len(talk.open()) == 1, "in the operator's room it goes on"
    match how:
        case "lost":
            talk.office.do(duty.leg_lost, leg, LATER, "切断")
        case "home":
            talk.office.do(duty.leg_answered, leg, LATER, "1009")
        case "refused":
            talk.office.do(monitoring.failed, talk.office.one(select(Monitor.id)), LATER)
    assert talk.open() == []
    assert ("聞けませんでした" in talk.at().word) is (how == "refused")
    assert talk.at().state is (DutyState.PHONE_LOST if how == "lost" else DutyState.READY)
    assert talk.at(talk.operator).state is DutyState.BUSY


@pytest.mark.req("C1", "C2")
@pytest.mark.parametrize("how", ["disabled", "revoked"])
def test_it_ends_at_once_for_whom_an_admin_shuts_out_or_takes_the_right_from(talk: Talk, how: str) -> None:
    talk.seat()
    talk.begin()
    admin, boss = system_viewer("admin"), talk.boss.user_id
    grants = select(Grant.id).where(Grant.user_id == boss)
    if how == "disabled":
        talk.office.do(accounts.disable_user, admin, LATER, "boss")
        why = "利用停止"
    else:
        with talk.office.database.write() as tx:
            accounts.grant(tx, admin, LATER, user_id=boss, level="operator", areas=[Area.TAX])
            other = tx.execute(grants.where(Grant.level_code == "operator")).scalar_one()
            accounts.revoke_grant(tx, admin, LATER, user_id=boss, grant_id=other)
        assert len(talk.open()) == 1, "they have the right by another level"
        with talk.office.database.write() as tx:
            for grant_id in tx.execute(grants).scalars().all():
                accounts.revoke_grant(tx, admin, LATER, user_id=boss, grant_id=grant_id)
        why = "権限の取消"
    assert (talk.open(), talk.wanted(CommandKind.STOP_MONITORING)) == ([], 1)
    assert talk.logged()[-1][3] == f"モニタリング op CALL 0秒 {why}"


def test_while_three_speak_nobody_is_put_on_hold_or_taken_elsewhere(talk: Talk) -> None:
    talk.seat()
    officer = talk.office.small.user("officer", "officer")
    talk.seat(officer, "1010")
    talk.begin(MonitorMode.BARGE)
    for act in (
        lambda tx: calls.request(tx, talk.operator, talk.call_id, CommandKind.HOLD, LATER),
        lambda tx: transfers.begin(tx, talk.operator, talk.call_id, officer.user_id, LATER),
    ):
        with pytest.raises(CallError, match="三者通話中"):
            talk.office.do(act)
    talk.office.do(monitoring.change, talk.boss, MonitorMode.WHISPER, LATER)
    talk.office.do(calls.request, talk.operator, talk.call_id, CommandKind.HOLD, LATER)
    with pytest.raises(DutyError, match="三者通話にできません"):
        talk.begin(MonitorMode.BARGE)


@pytest.mark.req("C1")
def test_who_lacks_a_right_a_seat_or_a_phone_is_told_so_and_hears_nothing(talk: Talk) -> None:
    with pytest.raises(DutyError, match="席を選んで業務を開始し"):
        talk.begin()
    with pytest.raises(NotAllowedError):
        talk.begin(viewer=talk.office.small.user("officer", "officer"))
    other = talk.office.small.user("health", "supervisor", (Area.HEALTH,))
    talk.seat(other, "1010")
    with pytest.raises(DutyError, match="担当外"):
        talk.begin(viewer=other)
    talk.seat()
    talk.office.do(duty.leg_lost, talk.at().leg_id, NOW, "切断")
    with pytest.raises(DutyError, match="電話機が必要"):
        talk.begin()
    assert (talk.open(), talk.logged()) == ([], [])


def test_who_listens_cannot_leave_before_ending_it_and_takes_no_call(talk: Talk) -> None:
    talk.seat()
    talk.begin()
    for leave in (duty.go_home, lambda tx, who, at: duty.pause(tx, who, "休憩", at)):
        with pytest.raises(DutyError, match="モニタリング終了"):
            talk.office.do(leave, talk.boss, LATER)
    with pytest.raises(DutyError):
        talk.office.do(duty.reserve, talk.boss, uuid.uuid4(), LATER)
    second = talk.office.small.user("second", "supervisor")
    assert "結果の登録後に" in talk.office.do(floor_acts.pause, second, talk.boss.user_id, "会議", LATER)
    talk.office.do(calls.ended, talk.call_id, LATER, 16)
    assert (talk.at().state, talk.at().reason) == (DutyState.PAUSED, "会議")
    assert talk.office.one(select(Duty.after).where(Duty.user_id == talk.boss.user_id)) is None
    with pytest.raises(DutyError, match="通話中ではありません"):
        talk.begin()
    assert talk.office.one(select(Call.state).where(Call.id == talk.call_id)) is CallState.ENDED
