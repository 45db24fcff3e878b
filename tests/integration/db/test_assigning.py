"""Assignments (T10): given by hand or many at once, counted before, kept as a history, and seen by whom they concern."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

from db.engine import Database
from db.rules.conditions import Amount
from db.rules.terms import Area, TaskKind
from db.rules.viewer import NotAllowedError
from db.schema.base import new_id
from db.schema.staff import AccessLog
from db.schema.summaries import CaseSummary
from db.schema.work import Assignment, Task
from db.store import assignments, staff, summaries
from db.usecases import accounts, assigning, targets, tasks
from db.usecases.assigning import ANYBODY, NOBODY, Selection
from db.usecases.entries import EntryError
from db.usecases.records import NotFoundError
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T10")
TODAY = date(2026, 11, 24)
LATER = NOW + timedelta(hours=1)


class Desk:
    """A supervisor, two officers, and three people who owe in tax and one in health."""

    def __init__(self, database: Database, small: SmallOffice) -> None:
        self.database, self.small = database, small
        self.boss = small.user("boss", "supervisor")
        self.one, self.two = small.user("one", "officer"), small.user("two", "officer")
        self.health = small.user("health", "supervisor", (Area.HEALTH,))
        self.people = [small.debtor(f"人{n}", phone=None) for n in range(3)]
        self.stranger = small.debtor("健診", area=Area.HEALTH, owes=0, phone=None)
        with database.write() as tx:
            summaries.refresh(tx, [*self.people, self.stranger], TODAY)

    def give(self, key: str, ids: list[int], words: str = "", due: date | None = None, at=NOW) -> int:  # type: ignore[no-untyped-def]
        with self.database.write() as tx:
            return assigning.assign(tx, self.boss, Area.TAX, ids, key, words, due, at, OFFICE)

    def cases(self, viewer, holder=None) -> list[str]:  # type: ignore[no-untyped-def]
        with self.database.write() as tx:
            return [row.name for row in assigning.read_list(tx, viewer, holder, 0, NOW, opened=True).rows]


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """An office with people at their desks."""
    return Desk(database, small)


def key(viewer) -> str:  # type: ignore[no-untyped-def]
    return f"u{viewer.user_id}"


def test_a_case_given_by_hand_shows_with_instruction_due_day_and_history(desk: Desk) -> None:
    who = desk.people[0]
    assert desk.give(key(desk.one), [who], "財産調査", TODAY) == 1
    assert desk.give(key(desk.two), [who], "引継ぎ", None, LATER) == 1
    with desk.database.read() as tx:
        rows = assignments.of_debtor(tx, desk.one, who)
        assert [(row.holder, row.instructions, row.ended_at) for row in rows] == [
            ("twoさん", "引継ぎ", None),
            ("oneさん", "財産調査", LATER),
        ]
        summary = select(CaseSummary.assigned_user).where(CaseSummary.debtor_id == who)
        assert tx.execute(summary).scalar_one() == desk.two.user_id
        assert assignments.of_debtor(tx, desk.health, who) == []
    assert desk.cases(desk.one) == []
    assert desk.cases(desk.two) == ["人0"]
    assert desk.cases(desk.boss, desk.two.user_id) == ["人0"]
    assert desk.cases(desk.health, desk.two.user_id) == []


def test_whoever_has_it_keeps_it_with_new_instructions(desk: Desk) -> None:
    desk.give(key(desk.one), [desk.people[0]], "財産調査", TODAY)
    assert desk.give(key(desk.one), [desk.people[0]], "至急", None, LATER) == 0
    with desk.database.read() as tx:
        rows = assignments.of_debtor(tx, desk.one, desk.people[0])
    assert [(row.instructions, row.due_on, row.assigned_at) for row in rows] == [("至急", TODAY, NOW)]


def test_a_case_is_taken_back(desk: Desk) -> None:
    desk.give(key(desk.one), desk.people)
    assert desk.give(NOBODY, desk.people[:1], at=LATER) == 1
    assert desk.cases(desk.one) == ["人1", "人2"]


def test_many_are_counted_before_they_are_given(desk: Desk) -> None:
    desk.give(key(desk.one), desk.people[:1])
    with desk.database.read() as tx:
        free = assigning.preview(tx, desk.boss, Selection(Area.TAX), NOW, OFFICE)
        every = assigning.preview(tx, desk.boss, Selection(Area.TAX, holder=ANYBODY), NOW, OFFICE)
        hers = assigning.preview(tx, desk.boss, Selection(Area.TAX, holder=key(desk.one)), NOW, OFFICE)
        assert (free.cases, free.principal, free.assigned) == (2, 96_000, 0)
        assert (every.cases, every.assigned) == (3, 1)
        assert (hers.cases, hers.assigned) == (1, 1)
        there = Selection(Area.TAX, districts=("中央",), items=("resident_ordinary",), holder=ANYBODY)
        assert assigning.selected(tx, desk.boss, there, NOW, OFFICE) == sorted(desk.people)
        nowhere = Selection(Area.TAX, items=("property",), holder=ANYBODY)
        assert assigning.selected(tx, desk.boss, nowhere, NOW, OFFICE) == []


def test_a_list_of_targets_is_given(desk: Desk) -> None:
    with desk.database.write() as tx:
        list_id = targets.freeze(tx, desk.boss, Amount(low=1), "秋の催告", None, NOW, OFFICE)
        chosen = Selection(Area.TAX, holder=ANYBODY, list_id=list_id)
        assert assigning.preview(tx, desk.boss, chosen, NOW, OFFICE).cases == 3
        assert assigning.selected(tx, desk.boss, chosen, NOW, OFFICE) == sorted(desk.people)


def test_no_more_than_so_many_go_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigning, "MOST", 2)
    with desk.database.read() as tx, pytest.raises(EntryError, match="2件まで"):
        assigning.selected(tx, desk.boss, Selection(Area.TAX), NOW, OFFICE)


@pytest.mark.req("C1")
def test_rights_are_asked_per_area(desk: Desk) -> None:
    with desk.database.write() as tx:
        for who, area, ids, to, error in (
            (desk.one, Area.TAX, desk.people, key(desk.two), NotAllowedError),
            (desk.boss, Area.HEALTH, [desk.stranger], key(desk.two), NotAllowedError),
            (desk.boss, Area.TAX, [desk.stranger], key(desk.two), NotFoundError),
            (desk.boss, Area.TAX, desk.people, key(desk.health), EntryError),
            (desk.boss, Area.TAX, desk.people, "", EntryError),
        ):
            with pytest.raises(error):
                assigning.assign(tx, who, area, ids, to, "", None, NOW, OFFICE)
        with pytest.raises(NotAllowedError):
            assigning.preview(tx, desk.one, Selection(Area.TAX), NOW, OFFICE)
        assert tx.execute(select(func.count()).select_from(Assignment)).scalar_one() == 0


@pytest.mark.req("C2")
def test_each_case_that_changes_hands_is_in_the_log(desk: Desk) -> None:
    desk.give(key(desk.one), desk.people)
    with desk.database.read() as tx:
        logged = tx.execute(select(AccessLog.debtor_id).where(AccessLog.action == "case.assign")).scalars()
        assert sorted(logged) == sorted(desk.people)  # type: ignore[type-var]


def test_a_task_raised_later_goes_to_the_holder_and_a_group_sees_its_cases(desk: Desk) -> None:
    with desk.database.write() as tx:
        group = accounts.add_group(tx, ADMIN, NOW, "徴収第一係")
        accounts.join_group(tx, ADMIN, NOW, user_id=desk.two.user_id, group_id=group)
        two = staff.viewer(tx, desk.two.user_id)
    desk.give(f"g{group}", desk.people[:1])
    assert desk.cases(two) == ["人0"]
    with desk.database.write() as tx:
        tasks.raise_task(tx, TaskKind.NUMBER_RESEARCH, desk.people[0], Area.TAX, new_id(), NOW)
        assert tx.execute(select(Task.group_id)).scalar_one() == group
        tx.execute(update(Task).values(done_at=NOW))
