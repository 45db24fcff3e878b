"""Campaigns in the register: whom they dial, whom not, who gets a person who answered, and what becomes of each (T4)."""

import threading
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text, update

from db.rules.callers import Caller, CallerKind
from db.rules.campaigns import CampaignState, MachineRule, TargetOrder, TargetState
from db.rules.telephony import AttemptState, CallState, DialMode, Direction, DutyState
from db.rules.terms import AnsweredBy, Area, Channel, FlagKind, PhoneStatus, TaskKind
from db.rules.viewer import NotAllowedError
from db.schema.base import new_id
from db.schema.calls import Attempt, Call, Duty, Recording
from db.schema.campaigns import CampaignTarget
from db.schema.contacts import Contact, Recall
from db.schema.people import Debtor, Flag, Household, Phone
from db.schema.work import Task
from db.store import campaigns as store
from db.store import debtors
from db.usecases import calls, campaign_targets, campaign_work, campaigns, incoming, results, settling, stop
from db.usecases import campaign_desk as desk
from db.usecases.campaign_desk import CampaignError
from db.usecases.campaigns import Claimed
from db.usecases.results import Entry
from tests.integration.db.floor import HOUR, SETTINGS, SOON, Floor
from tests.integration.db.people import NOW, OFFICE, SmallOffice


@pytest.fixture
def floor(small: SmallOffice) -> Floor:
    return Floor(small)


# -- whom it dials


@pytest.mark.req("T4")
def test_a_campaign_dials_its_list_in_order_and_asks_again_before_each_dial(floor: Floor) -> None:
    people = floor.people(3)
    campaign_id = floor.run()
    claimed = floor.claim(campaign_id, 2)
    assert [one.debtor_id for one in claimed] == people[:2]
    assert all(one.answer_probability for one in claimed)
    assert floor.claim(campaign_id, 1)[0].debtor_id == people[2]
    assert floor.claim(campaign_id) == []
    with floor.database.write() as tx:
        (go,) = campaigns.authorize_campaign(tx, [claimed[0].attempt_id], NOW + SOON, OFFICE)
        assert (go.number, go.ring_seconds, go.campaign_id) == (claimed[0].number, 30, campaign_id)
        assert campaigns.authorize_campaign(tx, [claimed[0].attempt_id], NOW + SOON, OFFICE) == []
    row = floor.one(select(Attempt.mode).where(Attempt.id == claimed[0].attempt_id))
    assert row is DialMode.PREDICTIVE


@pytest.mark.req("T4", "C4")
@pytest.mark.parametrize("together", ["household", "number"])
def test_one_home_and_one_number_are_not_dialled_twice_at_once(floor: Floor, together: str) -> None:
    if together == "household":
        household = floor.do(
            lambda tx: tx.execute(insert(Household).values(number="H1").returning(Household.id)).scalar_one()
        )
        floor.people(2, household=household)
    else:
        floor.people(2, phone="+819000000000")
    campaign_id = floor.run()
    (first,) = floor.claim(campaign_id)
    assert floor.claim(campaign_id) == []
    assert floor.authorize(first.attempt_id)
    floor.end(first.attempt_id, 17)
    assert len(floor.claim(campaign_id, now=NOW + timedelta(minutes=11))) == 1


@pytest.mark.req("T4")
def test_two_bridges_never_claim_the_same_person_household_or_number(floor: Floor) -> None:
    household = floor.do(
        lambda tx: tx.execute(insert(Household).values(number="H1").returning(Household.id)).scalar_one()
    )
    floor.people(4)
    at_home = floor.people(2, household=household)
    shared = floor.people(2, phone="+819000000000")
    campaign_id = floor.run()
    found: list[Claimed] = []
    gate = threading.Barrier(2)

    def bridge() -> None:
        gate.wait()
        for _ in range(6):
            found.extend(floor.claim(campaign_id, 1))

    threads = [threading.Thread(target=bridge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    people = [one.debtor_id for one in found]
    assert len(people) == len(set(people)) == 6
    assert len(set(people) & set(at_home)) == 1
    assert len(set(people) & set(shared)) == 1
    assert floor.one(select(func.count()).select_from(Attempt)) == 6


@pytest.mark.req("T4", "C4")
def test_who_may_not_be_called_is_passed_over_with_the_reason_and_holds_nobody_up(floor: Floor) -> None:
    barred = floor.people(12, flags=(FlagKind.LAWYER,))
    silent = floor.people(1, phone=None)
    free = floor.people(1)
    campaign_id = floor.run()
    assert [one.debtor_id for one in floor.claim(campaign_id, 1)] == free
    assert floor.target(barred[0]).reason == "flag_lawyer"
    assert floor.target(barred[0]).state is TargetState.GIVEN_UP
    assert floor.target(silent[0]).reason == "no_number"
    with floor.database.read() as tx:
        found = desk.progress(tx, store.get(tx, campaign_id), NOW, OFFICE)
    assert (found.given_up, found.claimed, found.skipped["flag_lawyer"]) == (13, 1, 12)


@pytest.mark.req("T4")
def test_a_claim_looks_at_a_bounded_number_of_people(floor: Floor) -> None:
    floor.people(20, flags=(FlagKind.LAWYER,))
    campaign_id = floor.run()
    assert floor.claim(campaign_id, 1) == []
    assert floor.one(select(func.count()).where(CampaignTarget.state == TargetState.GIVEN_UP)) == 15


@pytest.mark.req("T4")
def test_eight_are_claimed_asked_about_again_and_brought_on_in_as_many_questions_as_one(floor: Floor) -> None:
    floor.people(9)
    campaign_id = floor.run(replace(SETTINGS, lines=20))
    floor.end(floor.dial(campaign_id).attempt_id, 17)  # what is asked once only is known now
    asked: list[int] = []
    for count in (1, 7):
        began = 0

        def note(*_: Any) -> None:
            nonlocal began
            began += 1

        event.listen(floor.database.engine, "before_cursor_execute", note)
        claimed = [one.attempt_id for one in floor.claim(campaign_id, count)]
        with floor.database.write() as tx:
            assert len(campaigns.authorize_campaign(tx, claimed, NOW + SOON, OFFICE)) == count
        event.remove(floor.database.engine, "before_cursor_execute", note)
        for attempt_id in claimed:
            floor.do(calls.ended, attempt_id, NOW + 2 * SOON, 17)
        event.listen(floor.database.engine, "before_cursor_execute", note)
        floor.do(campaign_targets.campaign_ended, claimed, NOW + 3 * SOON, OFFICE)
        event.remove(floor.database.engine, "before_cursor_execute", note)
        asked.append(began)
    assert asked[0] == asked[1]
    assert floor.one(select(func.count()).where(CampaignTarget.tries == 1, CampaignTarget.last_result == "busy")) == 9


@pytest.mark.req("T4")
def test_many_who_were_put_off_and_may_not_be_called_do_not_hold_up_the_others(floor: Floor) -> None:
    barred = floor.people(20)
    campaign_id = floor.run()
    floor.do(lambda tx: tx.execute(update(CampaignTarget).values(due_at=NOW)))
    floor.do(lambda tx: tx.execute(insert(Flag), [{"debtor_id": one, "kind": FlagKind.LAWYER} for one in barred]))
    (free,) = floor.people(1)
    with floor.database.write() as tx:
        tx.execute(insert(CampaignTarget).values(
            campaign_id=campaign_id, debtor_id=free, area=Area.TAX, state=TargetState.OPEN, order_key=0, since=NOW,
            list_id=tx.execute(select(CampaignTarget.list_id).limit(1)).scalar_one(),
        ))  # fmt: skip
    assert [one.debtor_id for one in floor.claim(campaign_id, 1)] == [free]


@pytest.mark.req("T4")
def test_lists_are_mixed_by_their_weight(floor: Floor) -> None:
    floor.people(8)
    small_debts = floor.people(8, owes=5_000)
    heavy, light = floor.list_of(100_000, "多額"), floor.list_of(1, "全員")
    campaign_id = floor.run(lists={heavy: 3, light: 1})
    claimed = [floor.claim(campaign_id, 1)[0].debtor_id for _ in range(8)]
    assert sum(one in small_debts for one in claimed) == 2


@pytest.mark.req("T4", "T6")
def test_a_booking_of_anyones_that_is_due_comes_first_and_one_to_come_is_waited_for(floor: Floor) -> None:
    people = floor.people(3)
    campaign_id = floor.run()

    def book(debtor_id: int, due_at: datetime, user_id: int | None) -> None:
        row = {"id": new_id(), "debtor_id": debtor_id, "area": Area.TAX, "due_at": due_at, "user_id": user_id}
        floor.do(lambda tx: tx.execute(insert(Recall).values(made_by=floor.boss.user_id, made_at=NOW, note="", **row)))

    book(people[2], NOW - HOUR, None)
    book(people[0], NOW + 2 * HOUR, None)
    book(people[1], NOW - HOUR, floor.boss.user_id)
    assert floor.dial(campaign_id).debtor_id == people[2]
    assert floor.claim(campaign_id) == []
    assert floor.target(people[0]).due_at == NOW + 2 * HOUR
    assert floor.target(people[1]).reason == "recall"
    assert [one.debtor_id for one in floor.claim(campaign_id, now=NOW + 2 * HOUR)] == [people[0]]


@pytest.mark.req("T2")
def test_whoever_is_reached_better_at_another_hour_is_left_for_it(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    with floor.database.write() as tx:
        number = tx.execute(select(Phone.number)).scalar_one()
        for week in range(1, 9):
            for hours, answered_by in ((0, AnsweredBy.NOBODY), (7, AnsweredBy.SELF)):
                tx.execute(insert(Contact).values(
                    id=new_id(), debtor_id=debtor_id, area=Area.TAX, channel=Channel.CALL_OUT, number=number,
                    at=NOW - timedelta(days=7 * week - 1) + timedelta(hours=hours), answered_by=answered_by,
                    disposition="no_answer", recorded_at=NOW - timedelta(days=7 * week - 1),
                ))  # fmt: skip
    campaign_id = floor.run(replace(SETTINGS, order=TargetOrder.BEST_TIME))
    assert floor.claim(campaign_id) == []
    target = floor.target(debtor_id)
    assert target.reason == "better_time"
    assert target.due_at.hour == 7  # 16:00 in the office
    assert len(floor.claim(campaign_id, now=target.due_at)) == 1


# -- the last question


@pytest.mark.req("T4", "C4")
def test_a_payment_between_claim_and_dial_refuses_and_ends_it(floor: Floor) -> None:
    people = floor.people(1)
    campaign_id = floor.run()
    (claimed,) = floor.claim(campaign_id)
    floor.do(lambda tx: tx.execute(text("UPDATE installment SET outstanding = 0")))
    assert not floor.authorize(claimed.attempt_id)
    assert "滞納がない" in floor.one(select(Attempt.refusal))
    assert (floor.target(people[0]).state, floor.target(people[0]).reason) == (TargetState.DONE, "paid")


@pytest.mark.req("T4", "P4")
@pytest.mark.parametrize("what", ["pause", "stop", "emergency", "race", "hours", "lines", "office_lines", "flag"])
def test_what_comes_between_claim_and_dial_holds_it(floor: Floor, what: str) -> None:
    people = floor.people(2)
    campaign_id = floor.run(replace(SETTINGS, lines=1, closes=time(12)))
    first, second = floor.claim(campaign_id)
    now, most = NOW + SOON, 0
    if what in {"lines", "office_lines"}:
        if what == "office_lines":
            floor.do(lambda tx: tx.execute(text("UPDATE campaign SET lines = 5")))
        assert floor.authorize(first.attempt_id)
        most = int(what == "office_lines")
    elif what == "hours":
        now = NOW + 2 * HOUR  # the office still calls, the campaign does not
    elif what == "race":  # the bridge had it in hand when it was paused
        floor.do(lambda tx: tx.execute(text("UPDATE campaign SET state = 'paused'")))
    elif what == "flag":
        floor.do(lambda tx: tx.execute(insert(Flag).values(debtor_id=people[1], kind=FlagKind.NO_CALLS)))
    elif what == "emergency":
        floor.do(stop.stop, floor.boss, "試験", NOW)
    else:
        assert floor.do(getattr(desk, what), floor.boss, campaign_id, NOW) == 2
    assert not floor.authorize(second.attempt_id, now, most)
    assert floor.one(select(Attempt.state).where(Attempt.id == second.attempt_id)) is AttemptState.REFUSED
    assert floor.target(people[1]).tries == 0
    floor.do(campaign_targets.sweep, now, OFFICE)
    assert floor.target(people[1]).state is not TargetState.CLAIMED
    if what in {"pause", "stop", "emergency"}:
        assert floor.claim(campaign_id, now=NOW + HOUR) == []


@pytest.mark.req("T4")
def test_a_claim_that_no_bridge_carries_out_comes_back(floor: Floor) -> None:
    people = floor.people(1)
    campaign_id = floor.run()
    floor.claim(campaign_id)
    assert not floor.do(store.over, campaign_id, NOW + timedelta(seconds=30))  # a bridge is about to dial them
    assert floor.do(store.over, campaign_id, NOW + timedelta(minutes=2))
    floor.do(campaign_targets.sweep, NOW + timedelta(minutes=2), OFFICE)
    assert floor.target(people[0]).state is TargetState.OPEN
    assert len(floor.claim(campaign_id, now=NOW + timedelta(minutes=4))) == 1


# -- what becomes of it


@pytest.mark.req("T4", "T1")
@pytest.mark.parametrize(
    ("cause", "wait", "tries", "disposition"),
    [
        (17, timedelta(minutes=5), 1, "busy"),
        (19, HOUR, 1, "no_answer"),
        (34, timedelta(minutes=5), 0, None),
    ],
)
def test_a_miss_is_noted_and_tried_again_by_its_result(
    floor: Floor, cause: int, wait: timedelta, tries: int, disposition: str | None
) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run()
    claimed, ended = floor.dial(campaign_id), NOW + 6 * SOON
    floor.end(claimed.attempt_id, cause, ended)
    target = floor.target(debtor_id)
    assert (target.state, target.due_at, target.tries) == (TargetState.OPEN, ended + wait, tries)
    assert floor.one(select(func.max(Contact.disposition))) == disposition
    assert floor.claim(campaign_id, now=ended + wait - SOON) == []
    (again,) = floor.claim(campaign_id, now=ended + wait)
    assert again.debtor_id == debtor_id
    with floor.database.read() as tx:
        shown = debtors.contacts(tx, floor.boss, debtor_id)
    assert [(row.number, row.staff_name) for row in shown] == [(claimed.number, None)] * bool(disposition)


@pytest.mark.req("T4", "T10")
def test_a_dead_number_is_researched_and_another_one_tried(floor: Floor) -> None:
    one, two = floor.people(2)
    floor.do(lambda tx: floor.small.phone(tx, one, "+819099998888"))
    campaign_id = floor.run()
    numbers = set()
    for n in range(2):
        claimed = floor.dial(campaign_id, NOW + n * HOUR)
        assert claimed.debtor_id == one
        numbers.add(claimed.number)
        floor.end(claimed.attempt_id, 1, NOW + n * HOUR + SOON)
    assert len(numbers) == 2
    assert floor.one(select(func.count()).where(Task.kind == TaskKind.NUMBER_RESEARCH)) == 2
    assert floor.one(select(func.count()).where(Phone.status == PhoneStatus.UNALLOCATED)) == 2
    assert floor.claim(campaign_id, 1, NOW + 2 * HOUR)[0].debtor_id == two
    assert floor.target(one).reason == "number_unallocated"


@pytest.mark.req("T4")
def test_after_as_many_dials_as_are_allowed_a_person_is_left(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run(replace(SETTINGS, tries=1))
    floor.end(floor.dial(campaign_id).attempt_id, 17)
    assert (floor.target(debtor_id).state, floor.target(debtor_id).reason) == (TargetState.GIVEN_UP, "tries")


@pytest.mark.req("T4", "C4")
def test_dials_of_a_campaign_count_once_against_the_days_caps(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run()
    for n in range(2):
        at = NOW + n * 2 * HOUR
        claimed = floor.dial(campaign_id, at)
        floor.end(claimed.attempt_id, 17, at + SOON)
    assert floor.claim(campaign_id, now=NOW + 4 * HOUR) == []
    assert floor.target(debtor_id).reason in {"person_day_cap", "number_day_cap"}
    assert floor.target(debtor_id).due_at.date() == date(2026, 11, 25)


@pytest.mark.req("T4")
def test_whoever_was_reached_otherwise_meanwhile_is_done(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run()
    entry = Entry("counter_talk")
    floor.do(results.note_contact, floor.boss, debtor_id, Area.TAX, Channel.COUNTER, entry, NOW + SOON, OFFICE)
    assert floor.claim(campaign_id, now=NOW + HOUR) == []
    assert floor.target(debtor_id).reason in {"reached", "person_day_cap"}


@pytest.mark.req("T4")
def test_an_outcome_that_is_unknown_is_a_task_and_never_dialled_again(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run()
    claimed = floor.dial(campaign_id)
    floor.do(calls.unknown, claimed.attempt_id, NOW + HOUR)
    floor.do(campaign_targets.campaign_ended, [claimed.attempt_id], NOW + HOUR, OFFICE)
    assert floor.one(select(Task.user_id).where(Task.kind == TaskKind.CALL_UNKNOWN)) is None
    assert floor.claim(campaign_id, now=NOW + 2 * HOUR) == []
    told = settling.Account(ended=NOW + 6 * SOON, cause=17)
    floor.do(settling.settle, claimed.attempt_id, told, NOW + 3 * HOUR)
    assert len(floor.claim(campaign_id, now=NOW + 3 * HOUR)) == 1
    assert floor.target(debtor_id).last_result == "busy"


# -- people who answer


@pytest.mark.req("T4", "T5")
def test_who_answers_gets_the_operator_who_has_been_ready_longest_and_the_call_is_theirs(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run()
    floor.operator("late", "1001", campaign_id, NOW - SOON)
    early = floor.operator("early", "1002", campaign_id, NOW - HOUR)
    floor.operator("other", "1003", None, NOW - 2 * HOUR)
    attempt_id = floor.dial(campaign_id).attempt_id
    assert floor.give(attempt_id) == "1002"
    assert floor.give(attempt_id) == "1002"
    assert floor.one(select(Recording.call_id)) == attempt_id
    with floor.database.write() as tx:
        call = tx.execute(select(Call)).one()
        assert (call.state, call.direction, call.debtor_id) == (CallState.RINGING, Direction.OUT, debtor_id)
        calls.joined(tx, attempt_id, NOW + 3 * SOON)
        campaign_targets.abandoned(tx, attempt_id, NOW + 4 * SOON)
    floor.end(attempt_id, 16)
    assert floor.target(debtor_id).state is TargetState.CLAIMED  # the result is owed
    floor.do(results.record_result, early, attempt_id, Entry("talked_self"), NOW + HOUR, OFFICE)
    floor.do(campaign_targets.sweep, NOW + HOUR, OFFICE)
    assert (floor.target(debtor_id).state, floor.target(debtor_id).last_result) == (TargetState.DONE, "talked_self")
    assert floor.do(campaigns.ledger, campaign_id, OFFICE.today(NOW)) == (1, 0)


@pytest.mark.req("T4", "T5")
def test_a_caller_who_waits_is_served_before_a_campaign(floor: Floor) -> None:
    floor.people(1)
    campaign_id = floor.run()
    floor.operator("op", "1001", campaign_id)
    attempt_id = floor.dial(campaign_id).attempt_id
    caller = Caller(CallerKind.UNKNOWN, "+819012340000", Area.TAX)
    floor.do(incoming.arrived, new_id(), "main", "1.1", caller, NOW, OFFICE)
    assert floor.give(attempt_id) is None
    assert floor.one(select(Duty.state)) is DutyState.READY


@pytest.mark.req("T4")
def test_who_answered_in_vain_is_counted_and_left_alone_for_72_hours(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run()
    attempt_id = floor.dial(campaign_id).attempt_id
    assert floor.give(attempt_id) is None
    floor.abandon(attempt_id)
    floor.abandon(attempt_id)
    assert floor.give(attempt_id) is None
    floor.end(attempt_id, 16)
    assert floor.do(campaigns.ledger, campaign_id, OFFICE.today(NOW)) == (1, 1)
    assert floor.do(campaigns.ledger, campaign_id, date(2026, 11, 23)) == (0, 0)
    assert floor.target(debtor_id).last_result == "abandoned"
    assert floor.one(select(func.count()).select_from(Recording)) == 0
    floor.do(lambda tx: tx.execute(update(CampaignTarget).values(due_at=NOW)))
    assert floor.claim(campaign_id, now=NOW + timedelta(hours=71)) == []
    target = floor.target(debtor_id)
    assert (target.reason, target.due_at) == ("abandoned", NOW + 2 * SOON + timedelta(hours=72))
    floor.do(lambda tx: tx.execute(update(Debtor).values(data_as_of=NOW + timedelta(hours=70))))
    assert len(floor.claim(campaign_id, now=target.due_at)) == 1


@pytest.mark.req("T4")
@pytest.mark.parametrize("by", ["event", "record"])
def test_an_answering_machine_is_nobody_who_answered_and_is_tried_at_another_time(floor: Floor, by: str) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run(replace(SETTINGS, machines=MachineRule.HANG_UP))
    attempt_id = floor.dial(campaign_id).attempt_id
    if by == "event":
        floor.do(calls.machine, attempt_id, NOW + SOON)
        assert floor.give(attempt_id) is None
        floor.abandon(attempt_id)
        floor.end(attempt_id, 16)
    else:  # the bridge was dead
        told = settling.Account(answered=NOW + SOON, machine=NOW + SOON, ended=NOW + 2 * SOON, cause=16)
        floor.do(settling.settle, attempt_id, told, NOW + 6 * SOON)
        floor.do(campaign_targets.sweep, NOW + 6 * SOON, OFFICE)
    assert floor.do(campaigns.ledger, campaign_id, OFFICE.today(NOW)) == (0, 0)
    contact = floor.one(select(Contact.disposition).where(Contact.id == attempt_id))
    assert (floor.target(debtor_id).state, contact) == (TargetState.OPEN, "voicemail")
    assert floor.one(select(func.count()).where(Attempt.abandoned_at.is_not(None))) == 0


@pytest.mark.req("T4")
def test_once_faults_have_cost_more_than_the_cap_operators_are_reserved_before_anybody_is_dialled(floor: Floor) -> None:
    people = floor.people(4)
    campaign_id = floor.run()

    def must_reserve() -> bool:
        with floor.database.read() as tx:
            (running,) = campaigns.running(tx, "main", NOW, OFFICE)
            return campaigns.must_reserve(tx, running, OFFICE.today(NOW))

    for _ in range(3):
        assert not must_reserve()
        attempt_id = floor.dial(campaign_id).attempt_id
        assert floor.give(attempt_id) is None
        floor.abandon(attempt_id)
        floor.end(attempt_id, 16)
    assert must_reserve()
    assert not floor.do(campaign_work.dial_reserved, campaign_id, NOW, OFFICE), "nobody is ready"
    viewer = floor.operator("op", "1001", campaign_id)
    assert floor.do(campaign_work.dial_reserved, campaign_id, NOW, OFFICE)
    with floor.database.read() as tx:
        call = tx.execute(select(Call.user_id, Call.seat, Call.debtor_id)).one()
    assert tuple(call) == (viewer.user_id, "1001", people[3])
    assert not floor.do(campaign_work.dial_reserved, campaign_id, NOW, OFFICE), "one line an operator"


@pytest.mark.req("T4")
def test_another_mode_may_dial_them_meanwhile(floor: Floor) -> None:
    floor.people(1)
    campaign_id = floor.run()
    attempt_id = floor.dial(campaign_id).attempt_id
    floor.abandon(attempt_id)
    floor.end(attempt_id, 16)
    other = floor.run(replace(SETTINGS, name="手動", mode=DialMode.PREVIEW))
    assert len(floor.claim(other, now=NOW + 2 * HOUR)) == 1


# -- running it


@pytest.mark.req("T4", "C1")
def test_only_those_with_the_right_run_a_campaign_and_what_they_did_is_logged(floor: Floor) -> None:
    floor.people(1)
    campaign_id = floor.run()
    operator = floor.small.user("op")
    for act in (desk.pause, desk.stop, desk.start):
        with pytest.raises(NotAllowedError):
            floor.do(act, operator, campaign_id, NOW)
    elsewhere = floor.small.user("health", "supervisor", (Area.HEALTH,))
    with pytest.raises(CampaignError):
        floor.do(desk.stop, elsewhere, campaign_id, NOW)
    with pytest.raises(CampaignError):
        floor.do(desk.join, elsewhere, campaign_id, NOW)
    floor.do(desk.stop, floor.boss, campaign_id, NOW)
    with pytest.raises(CampaignError):
        floor.do(desk.start, floor.boss, campaign_id, NOW)
    actions = floor.do(lambda tx: list(tx.execute(text("SELECT action FROM access_log ORDER BY seq")).scalars()))
    assert [one for one in actions if one.startswith("campaign")] == [
        "campaign.make",
        "campaign.start",
        "campaign.stop",
    ]
    assert floor.one(select(CampaignTarget.state)) is TargetState.OPEN


@pytest.mark.req("T4")
def test_bad_settings_are_refused_beside_their_field_and_a_change_is_in_force_at_once(floor: Floor) -> None:
    floor.people(1)
    list_id = floor.list_of()
    campaign_id = floor.run(lists={list_id: 1})
    with pytest.raises(CampaignError) as raised:
        floor.do(desk.change, floor.boss, campaign_id, replace(SETTINGS, ring_seconds=5), {list_id: 99}, NOW, OFFICE)
    assert set(raised.value.fields) == {"ring_seconds", "lists"}
    floor.do(desk.change, floor.boss, campaign_id, replace(SETTINGS, ring_seconds=45), {list_id: 2}, NOW, OFFICE)
    with floor.database.read() as tx:
        assert store.get(tx, campaign_id).settings == replace(SETTINGS, ring_seconds=45)
        assert store.get(tx, campaign_id).state is CampaignState.RUNNING
        assert campaigns.running(tx, "main", NOW, OFFICE)[0].ring_seconds == 45


@pytest.mark.req("T4")
def test_starting_again_opens_those_who_were_done_or_given_up(floor: Floor) -> None:
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run(replace(SETTINGS, tries=1))
    floor.end(floor.dial(campaign_id).attempt_id, 17)
    assert floor.do(desk.start, floor.boss, campaign_id, NOW) == 0
    with floor.database.write() as tx:
        assert desk.start(tx, floor.boss, campaign_id, NOW, again=True) == 1
    assert floor.target(debtor_id).state is TargetState.OPEN


@pytest.mark.req("T4")
def test_the_queue_and_the_figures_are_served_by_indexes(floor: Floor) -> None:
    floor.people(1)
    campaign_id = floor.run()
    plans: list[str] = []
    lite = floor.database.is_sqlite
    how, at = ("EXPLAIN QUERY PLAN ", 3) if lite else ("EXPLAIN ", 0)

    with floor.database.write() as tx:
        if not lite:  # on so small a table it would not ask an index otherwise
            tx.execute(text("SET LOCAL enable_seqscan = off"))

        def explain(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            if "campaign_target" in statement and not statement.startswith(("EXPLAIN", "INSERT")):
                plans.extend(row[at] for row in cursor.connection.execute(how + statement, parameters))

        event.listen(tx, "before_cursor_execute", explain)
        campaigns.claim(tx, campaign_id, 1, NOW, OFFICE)
        desk.progress(tx, store.get(tx, campaign_id), NOW, OFFICE)
        campaign_targets.sweep(tx, NOW, OFFICE)
        store.reserved_for(tx, floor.boss.user_id, [campaign_id])
        event.remove(tx, "before_cursor_execute", explain)
    walk = "SCAN" if lite else "Seq Scan"
    walks = [plan for plan in plans if "campaign_target" in plan and walk in plan]
    assert plans
    assert walks == []
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]
