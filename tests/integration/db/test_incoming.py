"""Return calls as the register sees them (T5): who gets one, whose it may be, what it answers, what is left of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from db.engine import Database
from db.rules.callers import Caller, CallerKind
from db.rules.opening import Opening
from db.rules.telephony import CallState, Direction, DutyState, EndedBy, IncomingState, RecordingState
from db.rules.terms import AnsweredBy, Area, Channel
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Incoming, Recording
from db.schema.contacts import Contact
from db.schema.merges import MergedPerson
from db.schema.staff import AccessLog
from db.schema.work import Task
from db.store import calls as stored
from db.store import debtors
from db.usecases import call_backs, duty, giving, identity, incoming, records, results, stop, today
from db.usecases.calls import CallError
from db.usecases.entries import EntryError
from db.usecases.giving import Given
from db.usecases.incoming import Pop
from db.usecases.records import NotFoundError
from db.usecases.results import Entry
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice
from tests.integration.webpanel.on_the_line import OnTheLine

NUMBER = "+819011112222"
SOON = timedelta(seconds=5)


@dataclass
class Desk:
    """An office whose phones ring."""

    small: SmallOffice
    database: Database
    rang: int = 0

    def ready(self, login: str, seat: str, since: datetime = NOW, area: Area = Area.TAX) -> Viewer:
        viewer = self.small.user(login, areas=(area,))
        self.small.seat(seat)
        with self.database.write() as tx:
            taken = duty.take_seat(tx, viewer, seat, since)
            duty.leg_answered(tx, taken.leg_id, since)
        return viewer

    def contact(self, debtor_id: int, by: Viewer | None, channel: Channel, at: datetime) -> uuid.UUID:
        contact_id = new_id()
        with self.database.write() as tx:
            tx.execute(
                insert(Contact).values(
                    id=contact_id, debtor_id=debtor_id, area=Area.TAX, channel=channel, at=at,
                    user_id=by.user_id if by else None, answered_by=AnsweredBy.NOBODY, disposition="no_answer",
                    recorded_at=at,
                )
            )  # fmt: skip
        return contact_id

    def rings(
        self,
        *candidates: int,
        last: int | None = None,
        number: str = NUMBER,
        area: Area = Area.TAX,
        at: datetime = NOW,
        kind: CallerKind | None = None,
    ) -> uuid.UUID:
        self.rang += 1
        kinds = {0: CallerKind.UNKNOWN, 1: CallerKind.KNOWN}
        found = kind or kinds.get(len(candidates), CallerKind.SEVERAL)
        call_id = incoming.call_id_of("main", f"1700000000.{self.rang}")
        caller = Caller(found, number, area, candidates, last)
        with self.database.write() as tx:
            incoming.arrived(tx, call_id, "main", f"1700000000.{self.rang}", caller, at, OFFICE)
        return call_id

    def give(self, call_id: uuid.UUID, at: datetime = NOW) -> Given | None:
        with self.database.write() as tx:
            return giving.give(tx, call_id, at)

    def place(self, call_id: uuid.UUID) -> int | None:
        with self.database.read() as tx:
            return giving.place(tx, call_id)

    def ask_back(self, call_id: uuid.UUID, keyed: str = "") -> bool:
        with self.database.write() as tx:
            return incoming.ask_back(tx, call_id, keyed, NOW + SOON, OFFICE)

    def opening(self, call_id: uuid.UUID) -> Opening:
        with self.database.read() as tx:
            return tx.execute(select(Incoming.opening).where(Incoming.id == call_id)).scalar_one()

    def open(self, viewer: Viewer, task_id: uuid.UUID) -> call_backs.CallBack:
        with self.database.write() as tx:
            return call_backs.open_task(tx, viewer, task_id, NOW)

    def join(self, call_id: uuid.UUID) -> None:
        with self.database.write() as tx:
            incoming.joined(tx, call_id, NOW + SOON)

    def goes(self, call_id: uuid.UUID, by: EndedBy | None = EndedBy.PERSON) -> None:
        with self.database.write() as tx:
            incoming.gone(tx, call_id, NOW + 2 * SOON, OFFICE, by=by)

    def choose(self, viewer: Viewer, call_id: uuid.UUID, debtor_id: int) -> None:
        with self.database.write() as tx:
            incoming.choose(tx, viewer, call_id, debtor_id, NOW + SOON)

    def save(self, viewer: Viewer, call_id: uuid.UUID) -> uuid.UUID:
        with self.database.write() as tx:
            return results.record_result(tx, viewer, call_id, Entry("talked_self"), NOW + 3 * SOON, OFFICE)

    def pop(self, viewer: Viewer) -> Pop:
        with self.database.read() as tx:
            call = stored.current(tx, viewer)
            assert call is not None
            shown = incoming.pop(tx, viewer, call)
        assert shown is not None
        return shown

    def state(self, viewer: Viewer) -> DutyState:
        with self.database.read() as tx:
            return duty.required(tx, viewer).state

    def became(self, call_id: uuid.UUID) -> IncomingState:
        with self.database.read() as tx:
            return tx.execute(select(Incoming.state).where(Incoming.id == call_id)).scalar_one()

    def tasks(self, viewer: Viewer) -> Sequence[today.TaskRow]:
        with self.database.write() as tx:
            found = today.open_today(tx, viewer, NOW + 4 * SOON, OFFICE)
            return [row for part in found.tasks for row in part.rows]


@pytest.fixture
def desk(small: SmallOffice) -> Desk:
    return Desk(small, small.database)


def given_to(given: Given | None) -> str | None:
    return given.seat if given else None


@pytest.mark.req("T5", "T9")
def test_one_person_under_two_numbers_is_one_candidate(desk: Desk) -> None:
    """名寄せ: the call is theirs, not one of several people's; another with the same number stays a candidate."""
    op = desk.ready("op", "1001")
    other, likeliest, stranger = (desk.small.debtor() for _ in range(3))
    with desk.database.write() as tx:
        tx.execute(insert(MergedPerson), [{"debtor_id": one, "person_id": other} for one in (other, likeliest)])
    desk.give(desk.rings(likeliest, other))
    shown = desk.pop(op)
    assert (shown.kind, [(one.hit.id, one.chosen) for one in shown.candidates]) == (
        CallerKind.KNOWN,
        [(likeliest, True)],
    )
    op = desk.ready("second", "1002")
    desk.give(desk.rings(likeliest, stranger, other))
    shown = desk.pop(op)
    assert (shown.kind, [one.hit.id for one in shown.candidates]) == (CallerKind.SEVERAL, [likeliest, stranger])


@pytest.mark.req("T5")
def test_the_operator_who_last_spoke_gets_the_call_and_the_longest_waiting_the_next(desk: Desk) -> None:
    desk.ready("first", "1001", NOW - timedelta(hours=2))
    desk.ready("second", "1002", NOW - timedelta(hours=1))
    last = desk.ready("last", "1003")
    person = desk.small.debtor()
    assert given_to(desk.give(desk.rings(person, last=last.user_id))) == "1003"
    assert given_to(desk.give(desk.rings(person, last=last.user_id))) == "1001"
    assert given_to(desk.give(desk.rings())) == "1002"
    late = desk.rings()
    assert desk.give(late) is None
    assert desk.became(late) is IncomingState.WAITING


@pytest.mark.req("T5")
def test_a_call_told_twice_and_given_twice_is_one_call(desk: Desk) -> None:
    desk.ready("op", "1001")
    desk.ready("other", "1002")
    call_id = desk.rings()
    desk.rang -= 1
    assert desk.rings() == call_id
    first = desk.give(call_id)
    assert desk.give(call_id) == first
    assert first is not None
    with desk.database.read() as tx:
        assert len(tx.execute(select(Call.id)).all()) == 1
    desk.join(call_id)
    assert desk.give(call_id) is None


@pytest.mark.req("T5", "C1")
def test_who_is_not_cleared_for_the_area_is_not_given_its_calls(desk: Desk) -> None:
    health = desk.ready("health", "1001", area=Area.HEALTH)
    call_id = desk.rings(last=health.user_id)
    assert desk.give(call_id) is None
    desk.ready("tax", "1002")
    assert given_to(desk.give(call_id)) == "1002"


@pytest.mark.req("T5", "C2")
def test_the_pop_says_who_it_may_be_and_what_it_answers_and_is_logged(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    person = desk.small.debtor(phone=NUMBER)
    desk.contact(person, viewer, Channel.CALL_OUT, NOW - timedelta(days=3))
    letter = desk.contact(person, None, Channel.LETTER, NOW - timedelta(days=1))
    desk.give(desk.rings(person))
    (candidate,) = desk.pop(viewer).candidates
    assert (candidate.hit.id, candidate.chosen) == (person, True)
    assert candidate.answers is not None
    assert (candidate.answers.id, candidate.answers.channel) == (letter, Channel.LETTER)
    with desk.database.read() as tx:
        log = tx.execute(select(AccessLog.debtor_id).where(AccessLog.action == "call.pop")).scalars().all()
    assert log == [person]


@pytest.mark.req("T5", "C5")
def test_the_record_is_masked_until_identity_is_confirmed(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    person = desk.small.debtor(phone=NUMBER)
    call_id = desk.rings(person)
    desk.give(call_id)
    desk.join(call_id)

    def masked() -> bool:
        with desk.database.write() as tx:
            return records.open_record(tx, viewer, person, NOW, OFFICE).masked

    assert masked()
    with desk.database.write() as tx:
        assert identity.confirm_identity(
            tx,
            viewer,
            call_id,
            kana="ヤマダ タロウ",
            birth_date="S55.5.3",
            address="見本町1-2-3",
            now=NOW,
            office=OFFICE,
        )
    assert not masked()


@pytest.mark.req("T5", "C5")
def test_another_choice_starts_the_identity_gate_anew(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    one = desk.small.debtor(phone=NUMBER)
    other = desk.small.debtor("山田 花子", "ヤマダ ハナコ", phone=NUMBER)
    call_id = desk.rings(one, other)
    desk.give(call_id)
    desk.join(call_id)
    assert [(found.hit.id, found.chosen) for found in desk.pop(viewer).candidates] == [(one, False), (other, False)]
    desk.choose(viewer, call_id, one)
    with desk.database.write() as tx:
        assert identity.confirm_identity(
            tx,
            viewer,
            call_id,
            kana="ヤマダ タロウ",
            birth_date="S55.5.3",
            address="見本町1-2-3",
            now=NOW,
            office=OFFICE,
        )
    desk.choose(viewer, call_id, other)
    with desk.database.write() as tx:
        call = stored.own(tx, viewer, call_id)
        assert records.open_record(tx, viewer, other, NOW, OFFICE).masked
    assert call is not None
    assert (call.debtor_id, call.identity_confirmed_at) == (other, None)


@pytest.mark.req("T5", "C1")
def test_other_areas_and_other_peoples_calls_are_out_of_reach(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    thief = desk.small.user("thief")
    mine = desk.small.debtor(phone=NUMBER)
    health = desk.small.debtor("健診 太郎", "ケンシン タロウ", phone=NUMBER, area=Area.HEALTH, owes=0)
    call_id = desk.rings(mine, health, 999_999)
    desk.give(call_id)
    assert [found.hit.id for found in desk.pop(viewer).candidates] == [mine]
    for forged in (health, 999_999):
        with pytest.raises(NotFoundError):
            desk.choose(viewer, call_id, forged)
    with pytest.raises(CallError) as refused:
        desk.choose(thief, call_id, mine)
    assert refused.value.code == "no_such_call"


@pytest.mark.req("T5", "T1")
def test_the_contact_of_a_return_call_names_the_letter_it_answers(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    person = desk.small.debtor(phone=NUMBER)
    desk.contact(person, None, Channel.SMS, NOW - timedelta(days=15))
    letter = desk.contact(person, None, Channel.LETTER, NOW - timedelta(days=2))
    call_id = desk.rings(number="+81312345678")
    desk.give(call_id)
    desk.join(call_id)
    desk.goes(call_id)
    assert desk.state(viewer) is DutyState.WRAP_UP
    with pytest.raises(EntryError):
        desk.save(viewer, call_id)
    desk.choose(viewer, call_id, person)
    contact_id = desk.save(viewer, call_id)
    assert desk.state(viewer) is DutyState.READY
    with desk.database.read() as tx:
        contact = tx.execute(select(Contact).where(Contact.id == contact_id)).one()
        recording = tx.execute(select(Recording).where(Recording.call_id == call_id)).one()
        call = tx.execute(select(Call).where(Call.id == call_id)).one()
        line = next(row for row in debtors.contacts(tx, viewer, person) if row.id == contact_id)
    assert (contact.channel, contact.answers_id, contact.call_id) == (Channel.CALL_IN, letter, call_id)
    assert (line.answers_channel, line.answers_at) == (Channel.LETTER, NOW - timedelta(days=2))
    assert (call.direction, call.state, call.ended_by) == (Direction.IN, CallState.ENDED, EndedBy.PERSON)
    assert (recording.state, recording.debtor_id) == (RecordingState.RUNNING, person)
    assert desk.became(call_id) is IncomingState.ENDED
    with pytest.raises(CallError):
        desk.choose(viewer, call_id, desk.small.debtor())


@pytest.mark.req("T5")
def test_nobody_free_leaves_a_task_for_all_of_the_area_until_somebody_calls_back(desk: Desk) -> None:
    person = desk.small.debtor(phone=NUMBER)
    call_id = desk.rings(person)
    assert desk.give(call_id) is None
    desk.goes(call_id)
    viewer = desk.ready("op", "1001")
    elsewhere = desk.small.user("health", areas=(Area.HEALTH,))
    assert desk.became(call_id) is IncomingState.MISSED
    (task,) = desk.tasks(viewer)
    assert (task.name, task.debtor_id) == ("不在着信の折返し", person)
    assert task.note == "11/24 10:30 090-1111-2222 から着信（応対できず）。折り返してください。"
    assert desk.tasks(elsewhere) == []
    again = desk.rings(person, at=NOW + SOON)
    desk.give(again)
    assert desk.pop(viewer).missed_at == NOW
    desk.join(again)
    desk.goes(again)
    desk.save(viewer, again)
    assert desk.tasks(viewer) == []


@pytest.mark.req("T5")
def test_who_hangs_up_before_the_operator_hears_them_is_missed_and_the_operator_is_free(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    call_id = desk.rings()
    assert desk.give(call_id)
    desk.goes(call_id)
    assert desk.state(viewer) is DutyState.READY
    assert desk.became(call_id) is IncomingState.MISSED
    assert len(desk.tasks(viewer)) == 1
    desk.goes(call_id)
    assert len(desk.tasks(viewer)) == 1


@pytest.mark.req("T5")
def test_outside_office_hours_the_task_says_so_and_a_hidden_number_leaves_none(desk: Desk) -> None:
    night = NOW + timedelta(hours=12)
    desk.goes(desk.rings(at=night))
    desk.goes(desk.rings(number="", kind=CallerKind.HIDDEN))
    viewer = desk.ready("op", "1001")
    assert [task.note for task in desk.tasks(viewer)] == [
        "11/24 22:30 090-1111-2222 から着信（受付時間外）。折り返してください。"
    ]


@pytest.mark.req("T5")
def test_a_call_of_nobody_known_is_closed_without_a_result_and_settles_its_number_only(desk: Desk) -> None:
    desk.goes(desk.rings())
    desk.goes(desk.rings(number="+81312345678"))
    viewer = desk.ready("op", "1001")
    call_id = desk.rings()
    desk.give(call_id)
    desk.join(call_id)
    with pytest.raises(CallError), desk.database.write() as tx:
        incoming.dismiss(tx, viewer, call_id, NOW + SOON)
    desk.goes(call_id)
    with desk.database.write() as tx:
        incoming.dismiss(tx, viewer, call_id, NOW + 3 * SOON)
    assert desk.state(viewer) is DutyState.READY
    with desk.database.read() as tx:
        open_tasks = tx.execute(select(Task.note).where(Task.done_at.is_(None))).scalars().all()
    assert len(open_tasks) == 1
    assert "03-1234-5678" in open_tasks[0]


@pytest.mark.req("T5", "T3")
def test_nobody_is_dialled_while_they_are_on_the_line_with_us(desk: Desk) -> None:
    desk.ready("op", "1001")
    person = desk.small.debtor(phone=NUMBER)
    call_id = desk.rings(person)

    def busy() -> bool:
        with desk.database.read() as tx:
            return stored.being_called(tx, (person,), NUMBER)

    assert not busy()
    desk.give(call_id)
    assert busy()
    desk.join(call_id)
    desk.goes(call_id)
    assert not busy()


@pytest.mark.req("T5")
def test_of_those_who_wait_the_first_gets_whoever_is_free_first(desk: Desk) -> None:
    first, second, third = desk.rings(at=NOW), desk.rings(at=NOW + SOON), desk.rings(at=NOW + 2 * SOON)
    assert [desk.place(one) for one in (first, second, third)] == [1, 2, 3]
    desk.ready("op", "1001")
    assert desk.give(third) is None
    assert desk.give(second) is None
    assert given_to(desk.give(first)) == "1001"
    assert [desk.place(one) for one in (first, second, third)] == [None, 1, 2]
    desk.goes(second)
    desk.ready("other", "1002")
    assert given_to(desk.give(third)) == "1002"


@pytest.mark.req("T5")
def test_two_who_are_free_serve_the_first_two_whoever_asks_first_and_each_the_operator_they_know(desk: Desk) -> None:
    one, other = desk.small.user("one"), desk.small.user("other")
    first = desk.rings(last=other.user_id, at=NOW)
    second = desk.rings(last=other.user_id, at=NOW + SOON)
    third = desk.rings(at=NOW + 2 * SOON)
    for viewer, seat in ((one, "1001"), (other, "1002")):
        desk.small.seat(seat)
        with desk.database.write() as tx:
            duty.leg_answered(tx, duty.take_seat(tx, viewer, seat, NOW).leg_id, NOW)
    assert desk.give(third) is None
    assert given_to(desk.give(second)) == "1001"  # the one that both know is left for who waits longer
    assert given_to(desk.give(first)) == "1002"


@pytest.mark.req("T5")
def test_a_caller_of_another_area_is_not_in_the_way(desk: Desk) -> None:
    desk.rings(area=Area.HEALTH, at=NOW)
    call_id = desk.rings(at=NOW + SOON)
    assert desk.place(call_id) == 1
    desk.ready("tax", "1001")
    assert given_to(desk.give(call_id)) == "1001"


@pytest.mark.req("T5")
def test_a_wish_to_be_called_back_is_a_task_once_and_no_operator_is_sent_there(desk: Desk) -> None:
    person = desk.small.debtor(phone=NUMBER)
    call_id = desk.rings(person)
    assert desk.ask_back(call_id)
    assert desk.ask_back(call_id)  # told twice
    viewer = desk.ready("op", "1001")
    assert desk.give(call_id) is None
    desk.goes(call_id)
    assert desk.became(call_id) is IncomingState.ASKED_BACK
    (task,) = desk.tasks(viewer)
    assert (task.name, task.debtor_id) == ("折返し依頼", person)
    assert task.note == "11/24 10:30 の着信で折返しを希望（応対できず）。090-1111-2222 へ折り返してください。"


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("keyed", "written"),
    [("09033334444", "090-3333-4444（発信者が入力した番号）"), ("12", "12（発信者が入力した番号）")],
)
def test_a_hidden_number_leaves_the_one_that_was_keyed_in(desk: Desk, keyed: str, written: str) -> None:
    viewer = desk.ready("op", "1001")
    with desk.database.write() as tx:
        duty.pause(tx, viewer, "休憩", NOW)
    call_id = desk.rings(number="", kind=CallerKind.HIDDEN)
    assert not desk.ask_back(call_id)
    assert desk.ask_back(call_id, keyed)
    (task,) = desk.tasks(viewer)
    assert f"。{written} へ折り返してください。" in task.note


@pytest.mark.req("T5", "P4")
def test_outside_hours_on_closed_days_and_during_a_stop_nobody_is_rung(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    saturday = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
    for at, opening in ((NOW + timedelta(hours=12), Opening.CLOSED), (saturday, Opening.HOLIDAY)):
        call_id = desk.rings(at=at)
        assert desk.give(call_id) is None
        assert desk.opening(call_id) is opening
        assert desk.place(call_id) is None
    with desk.database.write() as tx:
        stop.stop(tx, ADMIN, "試験", NOW)
    call_id = desk.rings()
    assert (desk.give(call_id), desk.opening(call_id)) == (None, Opening.STOPPED)
    assert desk.ask_back(call_id)
    assert "（緊急停止中）" in desk.tasks(viewer)[-1].note


@pytest.mark.req("T5")
def test_a_result_with_a_caller_without_a_number_settles_nobody_elses_task(desk: Desk) -> None:
    viewer = desk.ready("op", "1001")
    with desk.database.write() as tx:
        duty.pause(tx, viewer, "休憩", NOW)
    desk.ask_back(desk.rings(number="", kind=CallerKind.HIDDEN), "09033334444")
    with desk.database.write() as tx:
        duty.resume(tx, viewer, NOW)
    call_id = desk.rings(number="", kind=CallerKind.HIDDEN)
    desk.give(call_id)
    desk.join(call_id)
    desk.goes(call_id)
    with desk.database.write() as tx:
        incoming.dismiss(tx, viewer, call_id, NOW + 3 * SOON)
    assert len(desk.tasks(viewer)) == 1


@pytest.mark.req("T5")
@pytest.mark.parametrize(("days", "counts"), [(14, True), (7, False)])
def test_how_long_a_letter_waits_for_its_answer_is_a_setting(desk: Desk, days: int, counts: bool) -> None:
    viewer = desk.ready("op", "1001")
    person = desk.small.debtor(phone=NUMBER)
    letter = desk.contact(person, None, Channel.LETTER, NOW - timedelta(days=8))
    desk.contact(person, None, Channel.COUNTER, NOW - timedelta(days=1))  # the office did not begin that
    call_id = incoming.call_id_of("main", "1.1")
    office = replace(OFFICE, return_call_days=days)
    with desk.database.write() as tx:
        incoming.arrived(tx, call_id, "main", "1.1", Caller(CallerKind.KNOWN, NUMBER, Area.TAX, (person,)), NOW, office)
    desk.give(call_id)
    desk.join(call_id)
    (candidate,) = desk.pop(viewer).candidates
    assert (candidate.answers.id if candidate.answers else None) == (letter if counts else None)
    contact_id = desk.save(viewer, call_id)
    with desk.database.read() as tx:
        stored_id = tx.execute(select(Contact.answers_id).where(Contact.id == contact_id)).scalar_one()
    assert stored_id == (letter if counts else None)


@pytest.mark.req("T5", "T10")
def test_a_task_is_opened_called_back_and_closed_by_name(desk: Desk) -> None:
    person = desk.small.debtor(phone=NUMBER)
    wish = desk.rings(person)
    desk.ask_back(wish)
    missed_call = desk.rings(number="+81312345678")
    desk.goes(missed_call)
    viewer = desk.ready("op", "1001")
    tasks = {task.name: task for task in desk.tasks(viewer)}
    assert all(task.of_call for task in tasks.values())
    opened = desk.open(viewer, tasks["折返し依頼"].id)
    assert ([hit.id for hit in opened.people], opened.number, opened.done_by) == ([person], NUMBER, None)
    with desk.database.read() as tx:
        assert tx.execute(select(AccessLog.debtor_id).where(AccessLog.action == "task.view")).scalars().all() == [
            person
        ]

    line = OnTheLine(desk, viewer, person)
    for disposition, left in (("no_answer", 2), ("talked_self", 1)):  # a wish is fulfilled once somebody was reached
        call_id = line.place()
        line.hang_up(call_id)
        line.save(call_id, disposition)
        assert len(desk.tasks(viewer)) == left, disposition

    with desk.database.write() as tx:
        call_backs.close(tx, viewer, tasks["不在着信の折返し"].id, NOW + 5 * SOON)
    assert desk.tasks(viewer) == []
    with desk.database.write() as tx:
        closed = today.open_today(tx, viewer, NOW + 6 * SOON, OFFICE).closed
    assert {(row.asked, row.done_by) for row in closed} == {(True, "opさん"), (False, "opさん")}
    assert desk.open(viewer, tasks["不在着信の折返し"].id).done_at == NOW + 5 * SOON
    with pytest.raises(CallError) as again, desk.database.write() as tx:
        call_backs.close(tx, viewer, tasks["不在着信の折返し"].id, NOW + 6 * SOON)
    assert (again.value.code, "opさん" in str(again.value)) == ("task_done", True)


@pytest.mark.req("T5", "C1")
def test_tasks_of_other_areas_are_not_found(desk: Desk) -> None:
    call_id = desk.rings()
    desk.goes(call_id)
    viewer, stranger = desk.small.user("op"), desk.small.user("health", areas=(Area.HEALTH,))
    (task,) = desk.tasks(viewer)
    for use in (call_backs.open_task, call_backs.close):
        for who, task_id in ((stranger, task.id), (viewer, uuid.uuid4())):
            with pytest.raises(NotFoundError), desk.database.write() as tx:
                use(tx, who, task_id, NOW)
