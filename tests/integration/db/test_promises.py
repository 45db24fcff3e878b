"""Deciding on promises: who may, what follows, and what stays in the history."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from db.engine import Database
from db.rules.promises import Footing, PromiseLine
from db.rules.terms import Area, Channel
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.contacts import Promise
from db.schema.staff import AccessLog
from db.schema.work import Task
from db.usecases import promises, tasks
from db.usecases.entries import EntryError
from db.usecases.records import NotFoundError, PromiseState, open_record
from db.usecases.results import Entry, note_contact
from db.usecases.today import open_today
from tests.integration.db.people import NOW, OFFICE, SmallOffice

TWICE = (PromiseLine(date(2026, 12, 10), 20_000), PromiseLine(date(2027, 1, 12), 20_000))
ONCE = (PromiseLine(date(2026, 12, 10), 20_000),)


@dataclass
class Desk:
    """An operator, an officer and a debtor of theirs."""

    database: Database
    small: SmallOffice
    operator: Viewer
    officer: Viewer
    debtor_id: int

    def promise(self, by: Viewer, lines: tuple[PromiseLine, ...], days: int = 0) -> PromiseState:
        """A promise taken at the counter; the newest of the person."""
        with self.database.write() as tx:
            entry = Entry("counter_talk", promise=lines)
            note_contact(tx, by, self.debtor_id, Area.TAX, Channel.COUNTER, entry, NOW + timedelta(days=days), OFFICE)
        return self.shown()[0]

    def shown(self) -> list[PromiseState]:
        """What the record shows the officer."""
        with self.database.write() as tx:
            record = open_record(tx, self.officer, self.debtor_id, NOW, OFFICE)
        assert record.open
        return list(record.open.promises)

    def footings(self) -> list[Footing]:
        """Where the promises stand, newest first."""
        return [one.row.footing for one in self.shown()]

    def open_tasks(self, viewer: Viewer) -> list[str]:
        """What the home screen of a user lists."""
        with self.database.write() as tx:
            return [row.name for part in open_today(tx, viewer, NOW, OFFICE).tasks for row in part.rows]


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """An office with a debtor who owes 48,000 yen."""
    officer = small.user("officer", "officer")
    return Desk(database, small, small.user("operator"), officer, small.debtor())


@pytest.mark.req("T12", "C1")
def test_instalments_taken_by_an_operator_are_an_offer_until_an_officer_approves(desk: Desk) -> None:
    offer = desk.promise(desk.operator, TWICE)
    assert (offer.row.footing, offer.row.approved_by) == (Footing.OFFERED, None)
    assert desk.open_tasks(desk.officer) == ["分納の承認"]
    assert desk.open_tasks(desk.operator) == [], "who may not decide is not asked to"
    with desk.database.write() as tx:
        assert promises.approve(tx, desk.officer, offer.row.id, NOW, OFFICE) == desk.debtor_id
    assert [(p.row.footing, p.row.approved_by) for p in desk.shown()] == [(Footing.IN_FORCE, "officerさん")]
    assert desk.open_tasks(desk.officer) == []
    with desk.database.read() as tx:
        assert tx.execute(select(AccessLog.debtor_id).where(AccessLog.action == "promise.approve")).scalars().all() == [
            desk.debtor_id
        ]
        assert tx.execute(select(Promise.approved_at)).scalar_one() == NOW


@pytest.mark.req("T12")
def test_paying_at_once_needs_nobody_s_decision(desk: Desk) -> None:
    assert desk.promise(desk.operator, ONCE).row.footing is Footing.IN_FORCE
    assert desk.open_tasks(desk.officer) == []


@pytest.mark.req("C1")
def test_contracted_staff_may_neither_approve_nor_cancel_whatever_their_level(desk: Desk) -> None:
    contracted = desk.small.user("contracted", "officer", contracted=True)
    offer = desk.promise(contracted, TWICE)
    assert offer.row.footing is Footing.OFFERED
    for viewer in (contracted, desk.operator):
        with desk.database.write() as tx, pytest.raises(NotAllowedError):
            promises.approve(tx, viewer, offer.row.id, NOW, OFFICE)
        with desk.database.write() as tx, pytest.raises(NotAllowedError):
            promises.cancel(tx, viewer, offer.row.id, "理由", NOW, OFFICE)
    assert desk.footings() == [Footing.OFFERED]


@pytest.mark.req("T12")
def test_a_newer_promise_replaces_the_older_and_both_stay(desk: Desk) -> None:
    desk.promise(desk.operator, ONCE)
    desk.promise(desk.officer, TWICE, days=1)
    assert desk.footings() == [Footing.IN_FORCE, Footing.REPLACED]
    desk.promise(desk.operator, TWICE, days=2)
    assert desk.footings() == [Footing.OFFERED, Footing.IN_FORCE, Footing.REPLACED], "an offer replaces nothing yet"


@pytest.mark.req("T12")
def test_an_offer_overtaken_by_a_newer_promise_is_no_longer_to_be_approved(desk: Desk) -> None:
    offer = desk.promise(desk.operator, TWICE)
    desk.promise(desk.officer, ONCE, days=1)
    assert desk.open_tasks(desk.officer) == []
    with desk.database.write() as tx, pytest.raises(EntryError, match="承認待ちではありません"):
        promises.approve(tx, desk.officer, offer.row.id, NOW, OFFICE)


@pytest.mark.req("T12")
def test_a_promise_is_taken_back_with_a_reason_and_the_one_before_stands_again(desk: Desk) -> None:
    desk.promise(desk.officer, ONCE)
    newer = desk.promise(desk.officer, TWICE, days=1)
    for reason in (" ", "あ" * 201):
        with desk.database.write() as tx, pytest.raises(EntryError, match="理由"):
            promises.cancel(tx, desk.officer, newer.row.id, reason, NOW, OFFICE)
    with desk.database.write() as tx:
        promises.cancel(tx, desk.officer, newer.row.id, "入力誤り", NOW, OFFICE)
    with desk.database.write() as tx, pytest.raises(EntryError, match="取消済み"):
        promises.cancel(tx, desk.officer, newer.row.id, "もう一度", NOW, OFFICE)
    assert desk.footings() == [Footing.CANCELLED, Footing.IN_FORCE]
    first = desk.shown()[0].row
    assert (first.cancelled_by, first.cancel_reason) == ("officerさん", "入力誤り")


@pytest.mark.req("C6")
def test_nobody_decides_on_a_person_of_another_area(desk: Desk) -> None:
    offer = desk.promise(desk.operator, TWICE)
    stranger = desk.small.user("water", "officer", (Area.PRIVATE,))
    with desk.database.write() as tx, pytest.raises(NotFoundError):
        promises.approve(tx, stranger, offer.row.id, NOW, OFFICE)


def test_a_task_goes_to_whom_the_case_is_assigned(desk: Desk) -> None:
    from sqlalchemy import insert

    from db.schema.base import new_id
    from db.schema.work import Assignment

    with desk.database.write() as tx:
        tx.execute(insert(Assignment).values(
            id=new_id(), debtor_id=desk.debtor_id, area=Area.TAX, user_id=desk.officer.user_id,
            assigned_by=desk.officer.user_id, assigned_at=NOW,
        ))  # fmt: skip
        tasks.raise_task(tx, tasks.BROKEN_PROMISE, desk.debtor_id, Area.TAX, new_id(), NOW)
        assert tx.execute(select(Task.user_id)).scalar_one() == desk.officer.user_id
    assert desk.open_tasks(desk.operator) == []
    assert desk.open_tasks(desk.officer) == ["約束不履行の確認"]
