"""What supervisors do with operators on the floor (T14): at once when nothing is open, otherwise when the result is saved."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.rules.telephony import AfterCall, DialMode, DutyState
from db.rules.terms import Area
from db.rules.viewer import NotAllowedError
from db.schema.calls import Call
from db.schema.ops import Command, Outbox
from db.schema.staff import AccessLog
from db.store import calls as rows
from db.store import campaigns as campaign_rows
from db.usecases import calls, campaign_work, duty, floor_acts, results
from db.usecases.commands import CommandKind
from db.usecases.duty import DutyError
from db.usecases.entries import EntryError
from db.usecases.results import Entry
from tests.integration.db.floor import SETTINGS, Floor
from tests.integration.db.people import NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T14")
BY_HAND = replace(SETTINGS, name="手動", mode=DialMode.PREVIEW)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def office(small: SmallOffice) -> Floor:
    return Floor(small)


def at(office: Floor, operator: Any) -> Any:
    with office.database.read() as tx:
        return rows.duty(tx, operator.user_id)


def logged(office: Floor, action: str) -> list[tuple[str, str]]:
    query = select(AccessLog.login, AccessLog.detail).where(AccessLog.action == action).order_by(AccessLog.seq)
    with office.database.read() as tx:
        return [(row.login, row.detail) for row in tx.execute(query)]


def on_a_call(office: Floor, operator: Any) -> Any:
    """The operator has called somebody, who has hung up: the result is owed."""
    office.people(1)
    campaign_id = office.run()
    office.do(floor_acts.assign, office.boss, operator.user_id, {campaign_id}, "増員", NOW)
    claimed = office.dial(campaign_id)
    assert office.give(claimed.attempt_id) == at(office, operator).seat
    return office.one(select(Call.id).where(Call.attempt_id == claimed.attempt_id))


def save(office: Floor, operator: Any, call_id: Any) -> None:
    office.do(calls.ended, call_id, LATER, 16)
    office.do(results.record_result, operator, call_id, Entry("voicemail"), LATER, OFFICE)


def test_an_operator_is_paused_and_brought_back_and_told_by_whom(office: Floor) -> None:
    operator = office.operator("op", "1001")
    said = office.do(floor_acts.pause, office.boss, operator.user_id, "打合せ", LATER)
    assert said == "opさんさんを離席にしました。"
    paused = at(office, operator)
    assert (paused.state, paused.reason, paused.word) == (DutyState.PAUSED, "打合せ", "bossさんさんが離席にしました。")
    told = select(Outbox.user_id).where(Outbox.topic == "duty", Outbox.at == LATER).distinct()
    assert office.one(told) == operator.user_id
    assert office.do(floor_acts.bring_back, office.boss, operator.user_id, "再開", LATER)
    assert (at(office, operator).state, "待機に戻しました（再開）" in at(office, operator).word) == (
        DutyState.READY,
        True,
    )
    office.do(duty.seen, operator, LATER)
    assert at(office, operator).word == ""
    assert logged(office, "floor.pause") == [("boss", "op 打合せ")]
    assert logged(office, "floor.resume") == [("boss", "op 再開")]
    with pytest.raises(DutyError, match="離席中ではありません"):
        office.do(floor_acts.bring_back, office.boss, operator.user_id, "再開", LATER)


def test_a_duty_is_ended_the_phone_let_go_and_the_operator_knows_why(office: Floor) -> None:
    operator = office.operator("op", "1001")
    office.do(floor_acts.end, office.boss, operator.user_id, "席の移動", LATER)
    assert at(office, operator) is None
    assert office.one(select(Command.kind).where(Command.kind == CommandKind.DROP_PHONE)) == CommandKind.DROP_PHONE
    with office.database.read() as tx:
        assert rows.last_word(tx, operator.user_id) == "bossさんさんが業務を終了しました（席の移動）。"
    assert logged(office, "floor.end") == [("boss", "op 席の移動")]


@pytest.mark.parametrize("order", [AfterCall.PAUSE, AfterCall.END])
def test_what_is_wanted_during_a_call_follows_once_the_result_is_saved(office: Floor, order: AfterCall) -> None:
    operator = office.operator("op", "1001")
    call_id = on_a_call(office, operator)
    act = floor_acts.pause if order is AfterCall.PAUSE else floor_acts.end
    assert "結果の登録後に" in office.do(act, office.boss, operator.user_id, "昼休み", LATER)
    busy = at(office, operator)
    assert (busy.state, busy.call_id, busy.after, busy.after_name) == (DutyState.BUSY, call_id, order, "bossさん")
    office.do(calls.ended, call_id, LATER, 16)
    assert (at(office, operator).state, at(office, operator).after) == (DutyState.WRAP_UP, order)
    assert (
        office.do(lambda tx: tx.execute(select(Command.id).where(Command.kind == CommandKind.DROP_PHONE)).all()) == []
    )
    save(office, operator, call_id)
    left = at(office, operator)
    if order is AfterCall.PAUSE:
        assert (left.state, left.reason, left.after) == (DutyState.PAUSED, "昼休み", None)
        assert left.word == "bossさんさんの指示で離席になりました。"
    else:
        assert left is None
        assert office.one(select(Command.kind).where(Command.kind == CommandKind.DROP_PHONE)) == CommandKind.DROP_PHONE
        assert logged(office, "duty.end") == [("floor", "1001 bossさんの指示")]


def test_what_was_to_follow_can_be_taken_back(office: Floor) -> None:
    operator = office.operator("op", "1001")
    call_id = on_a_call(office, operator)
    office.do(floor_acts.end, office.boss, operator.user_id, "昼休み", LATER)
    office.do(floor_acts.withdraw, office.boss, operator.user_id, "", LATER)
    save(office, operator, call_id)
    assert at(office, operator).state is DutyState.READY
    with pytest.raises(DutyError, match="取り消す予定はありません"):
        office.do(floor_acts.withdraw, office.boss, operator.user_id, "", LATER)


@pytest.mark.req("T4")
def test_an_operator_is_moved_between_campaigns_and_whoever_was_reserved_is_freed(office: Floor) -> None:
    office.people(1)
    lists = {office.list_of(): 1}
    first, second = (office.run(BY_HAND, lists), office.run(SETTINGS, lists))
    operator = office.operator("op", "1001", first)
    office.do(campaign_work.next_person, operator, first, NOW, OFFICE)
    said = office.do(floor_acts.assign, office.boss, operator.user_id, {second}, "応援", LATER)
    assert said == "opさんさん: 「手動」から離脱、「秋の催告」に参加"
    with office.database.read() as tx:
        assert campaign_rows.joined(tx, operator.user_id) == [second]
        assert campaign_work.reserved(tx, operator) is None
    assert at(office, operator).word == "bossさんさんが参加を変更しました（「手動」から離脱、「秋の催告」に参加）。"
    assert logged(office, "floor.assign") == [("boss", "op 「手動」から離脱、「秋の催告」に参加 応援")]
    with pytest.raises(DutyError, match="変わっていません"):
        office.do(floor_acts.assign, office.boss, operator.user_id, {second}, "応援", LATER)


@pytest.mark.req("C1", "T15")
def test_only_those_with_the_right_act_with_a_reason_and_only_on_operators_of_their_areas(office: Floor) -> None:
    operator = office.operator("op", "1001")
    office.people(1)
    campaign_id = office.run()
    for act in (floor_acts.pause, floor_acts.end, floor_acts.bring_back, floor_acts.withdraw):
        with pytest.raises(NotAllowedError):
            office.do(act, office.small.user(f"officer-{act.__name__}", "officer"), operator.user_id, "休憩", LATER)
    health = office.small.user("health", "supervisor", (Area.HEALTH,))
    with pytest.raises(DutyError, match="該当するオペレーターがいません"):
        office.do(floor_acts.pause, health, operator.user_id, "休憩", LATER)
    for reason in ("", "  ", "あ" * 61, "休\n憩"):
        with pytest.raises(EntryError):
            office.do(floor_acts.pause, office.boss, operator.user_id, reason, LATER)
    with pytest.raises(DutyError, match="通話バー"):
        office.do(floor_acts.pause, office.boss, office.boss.user_id, "休憩", LATER)
    both = office.small.user("both", "supervisor", (Area.TAX, Area.HEALTH))
    alien = office.small.user("nurse", "operator", (Area.HEALTH,))
    office.small.seat("1002")
    office.do(duty.take_seat, alien, "1002", NOW)
    with pytest.raises(DutyError, match="参加させられない"):
        office.do(floor_acts.assign, both, alien.user_id, {campaign_id}, "応援", LATER)
    assert at(office, operator).state is DutyState.READY
    assert not any(logged(office, f"floor.{act}") for act in ("pause", "end", "resume", "assign"))
