"""The live floor of supervisors (T14): who does what, which calls wait, how campaigns go, and what to look at."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from db.rules.telephony import AttemptState, DutyState
from db.rules.terms import Area
from db.rules.viewer import NotAllowedError
from db.schema.calls import Attempt, Duty
from db.schema.staff import AccessLog
from db.usecases import duty, floor, listening
from tests.integration.db.floor import SETTINGS, SOON, Floor
from tests.integration.db.people import NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T14")


@pytest.fixture
def office(small: SmallOffice) -> Floor:
    made = Floor(small)
    made.do(listening.heard, "main", NOW)
    return made


def see(office: Floor, now: object = NOW) -> floor.Floor:
    return office.do(floor.see, office.boss, now, OFFICE)  # type: ignore[no-any-return]


def words(office: Floor, now: object) -> str:
    return " ".join(alert.words for alert in see(office, now).alerts)


def test_operators_calls_and_campaigns_of_the_moment_are_seen_and_nobody_is_named(office: Floor) -> None:
    office.people(3)
    campaign_id = office.run()
    office.operator("idle", "1001", campaign_id)
    served, unserved, ringing = office.claim(campaign_id, 3)
    for one in (served, unserved, ringing):
        assert office.authorize(one.attempt_id)
    assert office.give(served.attempt_id) == "1001"
    answered = update(Attempt).where(Attempt.id == unserved.attempt_id)
    office.do(lambda tx: tx.execute(answered.values(state=AttemptState.ANSWERED, answered_at=NOW + 2 * SOON)))
    seen = office.do(floor.open_floor, office.boss, NOW + 3 * SOON, OFFICE)
    (operator,) = seen.operators
    assert (operator.row.seat, operator.area, operator.row.campaign) == ("1001", Area.TAX, SETTINGS.name)
    assert (operator.row.state, [one.id for one in operator.campaigns]) == (DutyState.BUSY, [campaign_id])
    assert (seen.dials.ringing, seen.dials.unserved, seen.dials.unserved_since) == (1, 1, NOW + 2 * SOON)
    (pace,) = seen.campaigns
    assert (pace.left, pace.dialled, pace.answered, pace.joined, pace.ready) == (0, 3, 2, 1, 0)
    assert "見本" not in repr(seen)
    logged = select(AccessLog.debtor_id).where(AccessLog.action == "floor.view")
    assert office.one(logged) is None


def test_what_to_look_at_is_said_in_words_and_when_to_look_again(office: Floor) -> None:
    office.people(1)
    campaign_id = office.run(replace(SETTINGS, name="秋"))
    office.small.seat("1009")
    assert "「秋」に参加しているオペレーターがいません" in words(office, NOW)
    claimed = office.dial(campaign_id)
    office.abandon(claimed.attempt_id)
    assert "「秋」の本日の放棄呼率 100.0% が上限 3.0%" in words(office, NOW + 3 * SOON)
    assert "ブリッジ" not in words(office, NOW + timedelta(seconds=44))
    assert see(office).look_at == NOW + floor.SILENCE
    assert "PBX「main」を扱うブリッジから応答がありません" in words(office, NOW + floor.SILENCE)
    office.operator("op", "1001")
    leg = select(Duty.leg_id)
    office.do(duty.leg_lost, office.one(leg), NOW, "切断")
    assert "席1001 opさんさんの電話機が切断されています" in words(office, NOW)
    late = update(Duty).values(state=DutyState.WRAP_UP, since=NOW)
    office.do(lambda tx: tx.execute(late))
    assert "後処理" not in words(office, NOW + timedelta(minutes=4, seconds=59))
    assert "席1001 opさんさんの後処理が5分を超えています" in words(office, NOW + timedelta(minutes=5))


@pytest.mark.req("C1", "T15")
def test_a_supervisor_sees_the_floor_of_their_own_areas_only(office: Floor) -> None:
    office.people(1)
    campaign_id = office.run()
    office.operator("op", "1001", campaign_id)
    office.dial(campaign_id)
    other = office.small.user("other", "supervisor", (Area.HEALTH,))
    seen = office.do(floor.see, other, NOW, OFFICE)
    assert (seen.operators, seen.campaigns, seen.dials.ringing) == ([], [], 0)
    with pytest.raises(NotAllowedError):
        office.do(floor.see, office.small.user("officer", "officer"), NOW, OFFICE)
