"""An operator's work with campaigns: the next person by hand, and calls that are placed by themselves (T4)."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from db.rules.callers import Caller, CallerKind
from db.rules.campaigns import TargetState
from db.rules.telephony import AttemptState, DialMode, DutyState
from db.rules.terms import Area, FlagKind
from db.schema.base import new_id
from db.schema.calls import Attempt, Call, Duty
from db.schema.people import Flag, Phone
from db.schema.staff import AccessLog
from db.usecases import calls, commands, incoming, results, targets
from db.usecases import campaign_desk as desk
from db.usecases import campaign_work as work
from db.usecases.campaign_desk import CampaignError
from db.usecases.campaign_work import PASS_OVER, Person
from db.usecases.commands import CommandKind
from db.usecases.results import Entry
from db.usecases.saved_extractions import SavedError
from tests.integration.db.floor import HOUR, SETTINGS, SOON, Floor
from tests.integration.db.people import NOW, OFFICE, SmallOffice

PREVIEW = replace(SETTINGS, mode=DialMode.PREVIEW, script="本人に確認のうえ用件を伝えます。")
PROGRESSIVE = replace(SETTINGS, mode=DialMode.PROGRESSIVE)


@pytest.fixture
def floor(small: SmallOffice) -> Floor:
    return Floor(small)


def take(floor: Floor, viewer: Any, campaign_id: uuid.UUID, now: Any = NOW) -> Person:
    return floor.do(work.next_person, viewer, campaign_id, now, OFFICE)  # type: ignore[no-any-return]


def call(floor: Floor, viewer: Any, debtor_id: int) -> uuid.UUID:
    phone_id = floor.one(select(Phone.id).where(Phone.debtor_id == debtor_id))
    return floor.do(work.place, viewer, debtor_id, phone_id, Area.TAX, NOW + SOON, OFFICE)  # type: ignore[no-any-return]


@pytest.mark.req("T4", "T7")
def test_an_operator_works_a_list_off_one_person_after_the_other(floor: Floor) -> None:
    people = floor.people(2)
    campaign_id = floor.run(PREVIEW)
    viewer = floor.operator("op", "1001", campaign_id)
    person = take(floor, viewer, campaign_id)
    assert (person.debtor_id, person.script) == (people[0], PREVIEW.script)
    assert take(floor, viewer, campaign_id).debtor_id == people[0], "whoever is reserved comes first"
    attempt_id = call(floor, viewer, people[0])
    assert floor.one(select(Attempt.campaign_id).where(Attempt.id == attempt_id)) == campaign_id
    assert floor.one(select(Attempt.mode).where(Attempt.id == attempt_id)) is DialMode.PREVIEW
    assert floor.do(calls.authorize, attempt_id, NOW + SOON, OFFICE) is not None
    floor.end(attempt_id, 17)
    assert floor.target(people[0]).state is TargetState.CLAIMED
    floor.do(results.record_result, viewer, attempt_id, Entry("busy"), NOW + 8 * SOON, OFFICE)
    following = floor.do(work.go_on, viewer, NOW + 8 * SOON, OFFICE)
    assert following.debtor_id == people[1]
    assert (floor.target(people[0]).state, floor.target(people[0]).last_result) == (TargetState.OPEN, "busy")
    assert floor.target(people[0]).due_at == NOW + 6 * SOON + timedelta(minutes=5)


@pytest.mark.req("T4")
def test_a_reservation_is_one_operators_and_ends_by_itself(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run(PREVIEW)
    one, other = (floor.operator(name, seat, campaign_id) for name, seat in (("a", "1001"), ("b", "1002")))
    take(floor, one, campaign_id)
    with pytest.raises(CampaignError, match="いま架電できる方がいません"):
        take(floor, other, campaign_id)
    assert take(floor, other, campaign_id, NOW + timedelta(minutes=5)).debtor_id == debtor_id
    floor.do(desk.leave, other, campaign_id, NOW + timedelta(minutes=6))
    assert floor.target(debtor_id).state is TargetState.OPEN


@pytest.mark.req("T4", "C2")
def test_whoever_is_passed_over_comes_again_another_day_and_the_reason_is_logged(floor: Floor) -> None:
    people = floor.people(2)
    campaign_id = floor.run(PREVIEW)
    viewer = floor.operator("op", "1001", campaign_id)
    take(floor, viewer, campaign_id)
    with pytest.raises(CampaignError):
        floor.do(work.pass_over, viewer, "気が進まない", NOW, OFFICE)
    floor.do(work.pass_over, viewer, PASS_OVER[0], NOW, OFFICE)
    target = floor.target(people[0])
    assert (target.reason, target.due_at) == ("skipped", NOW + timedelta(hours=22, minutes=30))
    assert take(floor, viewer, campaign_id).debtor_id == people[1]
    logged = select(AccessLog.detail).where(AccessLog.action == "campaign.skip", AccessLog.debtor_id == people[0])
    assert floor.one(logged) == PASS_OVER[0]


@pytest.mark.req("T4")
def test_nobody_is_taken_of_a_campaign_that_rests_and_its_calls_are_not_sent(floor: Floor) -> None:
    people = floor.people(1)
    campaign_id = floor.run(PREVIEW)
    viewer = floor.operator("op", "1001", campaign_id)
    take(floor, viewer, campaign_id)
    attempt_id = call(floor, viewer, people[0])
    assert floor.do(desk.pause, floor.boss, campaign_id, NOW + SOON) == 1
    assert floor.do(calls.authorize, attempt_id, NOW + SOON, OFFICE) is None
    assert floor.one(select(Duty.state)) is DutyState.READY
    with pytest.raises(CampaignError, match="一時停止"):
        take(floor, viewer, campaign_id, NOW + HOUR)


@pytest.mark.req("T4", "C1")
def test_only_whom_it_is_for_sees_and_joins_a_campaign(floor: Floor) -> None:
    floor.people(1)
    campaign_id = floor.run(PREVIEW)
    mine = floor.operator("op", "1001", campaign_id)
    stranger = floor.small.user("health", "operator", (Area.HEALTH,))
    with floor.database.read() as tx:
        assert [(one.joined, one.takes) for one in work.offers(tx, mine)] == [(True, True)]
        assert work.offers(tx, stranger) == []
    with pytest.raises(CampaignError):
        take(floor, stranger, campaign_id)


@pytest.mark.req("T4")
def test_a_list_in_use_is_not_deleted(floor: Floor) -> None:
    floor.people(1)
    list_id = floor.list_of()
    floor.run(PREVIEW, {list_id: 1})
    with pytest.raises(SavedError, match="使用している"):
        floor.do(targets.remove, floor.boss, list_id, NOW)


# -- by itself


@pytest.mark.req("T4")
def test_a_progressive_campaign_dials_one_line_for_each_operator_who_is_ready(floor: Floor) -> None:
    people = floor.people(3)
    campaign_id = floor.run(PROGRESSIVE)
    one, two = (floor.operator(name, seat, campaign_id) for name, seat in (("a", "1001"), ("b", "1002")))
    assert floor.do(work.dial_next, NOW, OFFICE)
    assert floor.do(work.dial_next, NOW, OFFICE)
    assert not floor.do(work.is_waited_for)
    assert not floor.do(work.dial_next, NOW, OFFICE)
    with floor.database.write() as tx:
        placed = {row.user_id: row.debtor_id for row in tx.execute(select(Call.user_id, Call.debtor_id))}
        wanted = [one for one in commands.claim(tx, "main", NOW) if one.kind is CommandKind.PLACE]
    assert placed == {one.user_id: people[0], two.user_id: people[1]}
    assert len(wanted) == 2
    attempt_id = floor.one(select(Call.id).where(Call.user_id == one.user_id))
    assert floor.do(calls.authorize, attempt_id, NOW + SOON, OFFICE) is not None
    floor.end(attempt_id, 19)
    assert not floor.do(work.is_waited_for), "the result is owed first"
    floor.do(results.record_result, one, attempt_id, Entry("no_answer"), NOW + 8 * SOON, OFFICE)
    assert floor.do(work.dial_next, NOW + 8 * SOON, OFFICE)
    assert floor.target(people[2]).state is TargetState.CLAIMED


@pytest.mark.req("T4", "T5", "C4")
def test_it_dials_nobody_for_whom_a_caller_waits_and_nobody_who_may_not_be_called(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run(PROGRESSIVE)
    floor.operator("op", "1001", campaign_id)
    caller = Caller(CallerKind.UNKNOWN, "+819012340000", Area.TAX)
    waiting = new_id()
    floor.do(incoming.arrived, waiting, "main", "1.1", caller, NOW, OFFICE)
    assert not floor.do(work.dial_next, NOW, OFFICE)
    floor.do(incoming.gone, waiting, NOW, OFFICE)
    floor.do(lambda tx: tx.execute(insert(Flag).values(debtor_id=debtor_id, kind=FlagKind.LAWYER)))
    assert not floor.do(work.dial_next, NOW, OFFICE)
    assert floor.target(debtor_id).reason == "flag_lawyer"
    assert floor.one(select(func.count()).where(Attempt.state == AttemptState.PREPARED)) == 0
    with pytest.raises(CampaignError, match="自動で発信"):
        take(floor, floor.operator("by_hand", "1002", campaign_id), campaign_id)
