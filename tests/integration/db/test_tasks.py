"""Tasks (T10): raised once by their rules, seen by whom they concern, handed on, and closed with a word."""

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.engine import Database
from db.rules.terms import Area, Channel, FlagKind, TaskKind
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.base import new_id
from db.schema.contacts import Dispatch
from db.schema.people import Address
from db.schema.work import Task, TaskStep
from db.store import receivers, staff
from db.store import tasks as store
from db.store.tasks import Counts, Order, Wanted, When, Whose
from db.usecases import accounts, task_desk, tasks
from db.usecases.entries import EntryError
from db.usecases.records import NotFoundError
from db.usecases.results import Entry, note_contact
from db.usecases.task_rules import OLD_NEWS, watch_returned_mail
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T10")
TODAY = date(2026, 11, 24)


class Desk:
    """Two operators, an officer, a supervisor, a stranger from the health office, and a person with a case."""

    def __init__(self, database: Database, small: SmallOffice) -> None:
        self.database, self.small = database, small
        self.me, self.other = small.user("sato"), small.user("suzuki")
        self.boss = small.user("boss", "supervisor")
        self.health = small.user("health", "supervisor", (Area.HEALTH,))
        self.contracted = small.user("itaku", "contracted_operator", contracted=True)
        self.debtor_id = small.debtor()

    def raised(self, kind: TaskKind = TaskKind.NUMBER_RESEARCH, **values: object) -> uuid.UUID:
        with self.database.write() as tx:
            subject = new_id()
            tasks.raise_for(tx, kind, self.debtor_id, Area.TAX, subject, NOW, "メモ")
            task_id = tx.execute(select(Task.id).where(Task.subject_id == subject)).scalar_one()
            if values:
                tx.execute(update(Task).where(Task.id == task_id).values(**values))
        return task_id

    def sees(self, viewer: Viewer, **wanted: object) -> list[uuid.UUID]:
        with self.database.write() as tx:
            found = task_desk.read_list(tx, viewer, Wanted(**wanted), NOW, OFFICE, opened=True)  # type: ignore[arg-type]
        assert found.total == len(found.rows)
        return [row.id for row in found.rows]

    def open_kinds(self) -> list[str]:
        with self.database.read() as tx:
            return list(tx.execute(select(Task.kind).where(Task.done_at.is_(None)).order_by(Task.kind)).scalars())


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """An office with people at their desks."""
    return Desk(database, small)


def returned(desk: Desk, days_ago: int, area: Area = Area.TAX) -> None:
    with desk.database.write() as tx:
        tx.execute(
            insert(Dispatch).values(
                id=new_id(), debtor_id=desk.debtor_id, area=area, kind="催告書", document_number="1",
                sent_on=TODAY - timedelta(days=days_ago + 7), amount=1000, returned_on=TODAY - timedelta(days=days_ago),
                return_reason="転居先不明",
            )
        )  # fmt: skip


def test_mail_that_came_back_raises_a_task_once_for_ever(desk: Desk) -> None:
    returned(desk, 1)
    returned(desk, OLD_NEWS.days + 1)
    with desk.database.write() as tx:
        assert watch_returned_mail(tx, NOW, OFFICE) == 1
        assert watch_returned_mail(tx, NOW, OFFICE) == 0
        row = tx.execute(select(Task.id, Task.note)).one()
        assert "催告書" in row.note
        assert "転居先不明" in row.note
        task_desk.close(tx, desk.boss, row.id, "住民票を照会", NOW)
        assert watch_returned_mail(tx, NOW, OFFICE) == 0


def test_a_rule_that_raised_a_task_does_not_do_so_again(desk: Desk) -> None:
    subject = new_id()
    with desk.database.write() as tx:
        made = [
            tasks.raise_once(tx, "rule:1", TaskKind.RETURNED_MAIL, desk.debtor_id, Area.TAX, subject, NOW, "")
            for _ in range(2)
        ]
    assert made == [True, False]


def test_a_strangers_number_raises_one_task_until_it_is_closed(desk: Desk) -> None:
    def wrong() -> None:
        with desk.database.write() as tx:
            note_contact(
                tx, desk.me, desk.debtor_id, Area.TAX, Channel.CALL_IN, Entry("wrong_person"), NOW, OFFICE
            )  # fmt: skip

    wrong()
    wrong()
    assert desk.open_kinds() == [TaskKind.NUMBER_RESEARCH]
    with desk.database.write() as tx:
        task_id = tx.execute(select(Task.id)).scalar_one()
        task_desk.close(tx, desk.me, task_id, "新しい番号を登録", NOW)
    assert desk.open_kinds() == []
    wrong()
    assert desk.open_kinds() == [TaskKind.NUMBER_RESEARCH]
    with desk.database.write() as tx:
        note_contact(tx, desk.me, desk.debtor_id, Area.TAX, Channel.COUNTER, Entry("counter_talk"), NOW, OFFICE)
    assert len(desk.open_kinds()) == 1, "other results raise none"


def test_each_sees_theirs_and_those_who_assign_see_all_of_their_areas(desk: Desk) -> None:
    anyones, mine = desk.raised(), desk.raised(user_id=desk.me.user_id)
    theirs = desk.raised(user_id=desk.other.user_id)
    assert set(desk.sees(desk.me)) == {anyones, mine}
    assert desk.sees(desk.me, whose=Whose.OWN) == [mine]
    assert set(desk.sees(desk.me, whose=Whose.ALL)) == {anyones, mine}
    assert set(desk.sees(desk.boss, whose=Whose.ALL)) == {anyones, mine, theirs}
    assert desk.sees(desk.boss, whose=Whose.ALL, holder=desk.other.user_id) == [theirs]
    assert desk.sees(desk.boss, whose=Whose.ANYONES) == [anyones]
    assert desk.sees(desk.health, whose=Whose.ALL) == []


@pytest.mark.req("C1")
def test_tasks_that_tell_of_money_are_kept_from_those_who_may_not_see_it(desk: Desk) -> None:
    broken, back = desk.raised(TaskKind.PROMISE_BROKEN), desk.raised(TaskKind.RETURNED_MAIL)
    number = desk.raised(instruction="財産調査を優先")
    assert set(desk.sees(desk.me)) == {broken, back, number}
    assert desk.sees(desk.contracted) == [number]
    with desk.database.write() as tx:
        row = task_desk.read_list(tx, desk.contracted, Wanted(), NOW, OFFICE, opened=True).rows[0]
    assert row.instruction == ""


def test_lists_are_filtered_and_sorted(desk: Desk) -> None:
    late = desk.raised(due_on=TODAY - timedelta(days=1), made_at=NOW - timedelta(days=9))
    soon = desk.raised(TaskKind.CALL_UNKNOWN, due_on=TODAY, made_at=NOW - timedelta(days=10))
    never = desk.raised(made_at=NOW - timedelta(days=30))
    assert desk.sees(desk.me) == [late, soon, never]
    assert desk.sees(desk.me, order=Order.AGE) == [never, soon, late]
    later = desk.raised(due_on=TODAY + timedelta(days=1), made_at=NOW - timedelta(days=40))
    assert desk.sees(desk.me) == [late, soon, never], "what is due later does not stand before what is to be done"
    assert desk.sees(desk.me, when=When.ALL) == [late, soon, never, later]
    for when, expected in (
        (When.OVERDUE, [late]), (When.TODAY, [soon]), (When.UNDATED, [never]), (When.LATER, [later]),
    ):  # fmt: skip
        assert desk.sees(desk.me, when=when) == expected
    with desk.database.read() as tx:
        assert store.counts(tx, desk.me, Wanted(when=When.LATER), TODAY) == Counts(1, 1, 1, 1)
    assert desk.sees(desk.me, kind=TaskKind.CALL_UNKNOWN) == [soon]
    with desk.database.write() as tx:
        task_desk.close(tx, desk.me, soon, "結果を確認", NOW)
    assert desk.sees(desk.me) == [late, never]
    assert desk.sees(desk.me, closed=True) == [soon]


@pytest.mark.req("V2", "C5")
def test_visits_tell_where_they_lead_in_the_order_of_the_way_to_those_who_may_know(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = desk.small
    people = [small.debtor("奥 一"), small.debtor("手前 二"), small.debtor("秘匿 三", flags=(FlagKind.PROTECTED,))]
    officer = small.user("officer", "officer")
    tomorrow = TODAY + timedelta(days=1)
    for place, debtor_id in enumerate(people):
        desk.raised(TaskKind.VISIT, debtor_id=debtor_id, due_on=tomorrow)
        with desk.database.write() as tx:
            where = update(Address).where(Address.debtor_id == debtor_id)
            tx.execute(where.values(town=f"見本町{3 - place}", district="東"))
    desk.raised(due_on=tomorrow, debtor_id=people[0])

    def places(viewer: Viewer) -> list[tuple[str, str]]:
        wanted = Wanted(when=When.LATER, order=Order.PLACE)
        with desk.database.write() as tx:
            rows = task_desk.read_list(tx, viewer, wanted, NOW, OFFICE, opened=True).rows
        return [(row.debtor_name or "", f"{row.district} {row.place}".strip()) for row in rows]

    near, far, hidden = "東 見本町21丁目2番3号", "東 見本町31丁目2番3号", "東 見本町11丁目2番3号"
    rest = {("奥 一", ""), ("秘匿 三", "")}
    seen = places(desk.me)
    assert seen[:2] == [("手前 二", near), ("奥 一", far)]
    assert set(seen[2:]) == rest, "an address of the protected neither shows nor orders the list"
    assert places(officer)[:3] == [("秘匿 三", hidden), ("手前 二", near), ("奥 一", far)]
    assert {place for _, place in places(desk.contracted)} == {""}, "who sees no arrears outside calls sees no address"
    monkeypatch.setattr("db.store.calls.unproven", lambda *_: frozenset({people[1]}))
    on_the_line = places(officer)
    assert on_the_line[:2] == [("秘匿 三", hidden), ("奥 一", far)]
    assert set(on_the_line[2:]) == {("手前 二", ""), ("奥 一", "")}, (
        "nor is one shown of who has not proved who they are"
    )


def test_a_task_goes_from_hand_to_hand_and_is_closed_with_a_word(desk: Desk) -> None:
    task_id = desk.raised()
    with desk.database.write() as tx:
        task_desk.take(tx, desk.me, task_id, NOW)
        with pytest.raises(NotFoundError):
            task_desk.take(tx, desk.other, task_id, NOW)
        key = f"u{desk.other.user_id}"
        task_desk.hand_over(tx, desk.me, task_id, key, "新住所を照会", TODAY, NOW)
        row = store.find(tx, desk.other, task_id)
        assert row is not None
        assert (row.holder, row.instruction, row.due_on) == ("suzukiさん", "新住所を照会", TODAY)
        task_desk.hand_over(tx, desk.boss, task_id, f"u{desk.me.user_id}", "", None, NOW)
        with pytest.raises(EntryError):
            task_desk.close(tx, desk.me, task_id, " ", NOW)
        task_desk.close(tx, desk.me, task_id, "照会済み", NOW)
        with pytest.raises(EntryError, match="対応済み"):
            task_desk.take(tx, desk.me, task_id, NOW)
        steps = tx.execute(select(TaskStep.by, TaskStep.user_id).order_by(TaskStep.id)).all()
    me, other, boss = desk.me.user_id, desk.other.user_id, desk.boss.user_id
    assert [tuple(step) for step in steps] == [(me, me), (me, other), (boss, me)]


@pytest.mark.req("C1")
def test_nothing_is_given_to_somebody_who_could_not_see_it(desk: Desk) -> None:
    task_id, back = desk.raised(), desk.raised(TaskKind.RETURNED_MAIL)
    with desk.database.write() as tx:
        for wrong in (f"u{desk.health.user_id}", "u999", "g1", ""):
            with pytest.raises(EntryError):
                task_desk.hand_over(tx, desk.me, task_id, wrong, "", None, NOW)
        with pytest.raises(EntryError, match="権限"):
            task_desk.hand_over(tx, desk.me, back, f"u{desk.contracted.user_id}", "", None, NOW)
        with pytest.raises(NotFoundError):
            task_desk.take(tx, desk.health, task_id, NOW)
        with pytest.raises(NotAllowedError):
            task_desk.make(tx, desk.health, desk.debtor_id, Area.TAX, f"u{desk.me.user_id}", "見て", None, NOW)


def test_a_group_has_it_until_one_of_them_takes_it(desk: Desk) -> None:
    with desk.database.write() as tx:
        group = accounts.add_group(tx, ADMIN, NOW, "徴収第一係")
        accounts.join_group(tx, ADMIN, NOW, user_id=desk.other.user_id, group_id=group)
        other = staff.viewer(tx, desk.other.user_id)
        assert other is not None
        assert receivers.of_area(tx, desk.me, Area.TAX)[0].name == "徴収第一係"
        task_id = task_desk.make(tx, desk.me, desk.debtor_id, Area.TAX, f"g{group}", "折り返しを", None, NOW)
    assert desk.sees(other) == [task_id]
    assert desk.sees(desk.me) == []
    with desk.database.write() as tx:
        task_desk.take(tx, other, task_id, NOW)
    assert desk.sees(other, whose=Whose.OWN) == [task_id]


def test_an_offer_is_closed_only_by_deciding_on_it(desk: Desk) -> None:
    task_id = desk.raised(TaskKind.PROMISE_OFFERED)
    with desk.database.write() as tx, pytest.raises(EntryError, match="約束履行"):
        task_desk.close(tx, desk.boss, task_id, "済み", NOW)


def test_who_is_stuck_is_told_to_those_who_assign(desk: Desk) -> None:
    desk.raised(user_id=desk.me.user_id, due_on=TODAY - timedelta(days=2), made_at=NOW - timedelta(days=5))
    desk.raised(user_id=desk.me.user_id)
    desk.raised()
    with desk.database.read() as tx:
        piles = task_desk.stuck(tx, desk.boss, NOW, OFFICE)
        assert [(pile.name, pile.count, pile.overdue) for pile in piles] == [("satoさん", 2, 1), (None, 1, 0)]
        assert piles[0].oldest == NOW - timedelta(days=5)
        assert task_desk.stuck(tx, desk.health, NOW, OFFICE) == []
        with pytest.raises(NotAllowedError):
            task_desk.stuck(tx, desk.me, NOW, OFFICE)
