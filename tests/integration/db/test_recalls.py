"""Booked calls (T6): whose they are, when they pop up, and what becomes of those that nobody keeps."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from db.engine import Database
from db.rules.terms import Area, Channel, FlagKind, TaskKind
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.contacts import Recall
from db.schema.people import Phone
from db.schema.staff import AccessLog
from db.schema.work import Task
from db.store import recalls as store
from db.usecases import accounts, duty, recalls
from db.usecases.entries import EntryError
from db.usecases.recall_lists import Period, peek_list, read_list
from db.usecases.recalls import RecallEntry
from db.usecases.records import NotFoundError
from db.usecases.results import Entry, note_contact
from db.usecases.today import open_today, peek_today
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T6")
HOUR = timedelta(hours=1)


class Desk:
    """Two operators, a supervisor, and somebody to call again."""

    def __init__(self, database: Database, small: SmallOffice) -> None:
        self.database, self.small = database, small
        self.me, self.other = small.user("sato"), small.user("suzuki")
        self.boss = small.user("boss", "supervisor")
        self.debtor_id = small.debtor()

    def book(self, after: timedelta = HOUR, *, by: Viewer | None = None, anyone: bool = False) -> uuid.UUID:
        with self.database.write() as tx:
            entry = RecallEntry(NOW + after, anyone=anyone, note="納付書の件")
            return recalls.book_alone(tx, by or self.me, self.debtor_id, Area.TAX, entry, NOW)

    def pops(self, viewer: Viewer, after: timedelta) -> list[uuid.UUID]:
        with self.database.write() as tx:
            return [row.id for row in recalls.open_pop(tx, viewer, NOW + after, OFFICE).rows]

    def tasks(self) -> list[tuple[str, int | None, bool]]:
        with self.database.read() as tx:
            rows = tx.execute(select(Task.kind, Task.group_id, Task.done_at).order_by(Task.made_at))
            return [(row.kind, row.group_id, row.done_at is not None) for row in rows]

    def logged(self, action: str) -> int:
        with self.database.read() as tx:
            return tx.execute(select(func.count()).where(AccessLog.action == action)).scalar_one()


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """An office with people at their desks."""
    return Desk(database, small)


def test_ones_own_pops_up_at_its_minute_and_not_before(desk: Desk) -> None:
    recall_id = desk.book()
    assert desk.pops(desk.me, HOUR - timedelta(seconds=1)) == []
    assert desk.pops(desk.me, HOUR) == [recall_id]
    assert desk.pops(desk.other, HOUR) == []
    with desk.database.read() as tx:
        assert store.next_pop(tx, desk.me, NOW) == NOW + HOUR
        assert store.next_pop(tx, desk.other, NOW) is None


def test_anyones_pops_up_for_those_at_a_seat_until_one_takes_it(desk: Desk) -> None:
    recall_id = desk.book(anyone=True)
    assert desk.pops(desk.other, HOUR) == []
    for viewer, seat in ((desk.me, "1001"), (desk.other, "1002")):
        desk.small.seat(seat)
        with desk.database.write() as tx:
            duty.take_seat(tx, viewer, seat, NOW)
    assert desk.pops(desk.me, HOUR) == desk.pops(desk.other, HOUR) == [recall_id]
    with desk.database.write() as tx:
        recalls.take(tx, desk.other, recall_id, NOW + HOUR)
    assert desk.pops(desk.me, HOUR) == []
    assert desk.pops(desk.other, HOUR) == [recall_id]


def test_what_was_put_away_comes_back_when_it_should(desk: Desk) -> None:
    recall_id = desk.book()
    with desk.database.write() as tx:
        recalls.put_away(tx, desk.me, recall_id, 10, NOW + HOUR)
    assert desk.pops(desk.me, HOUR + timedelta(minutes=9)) == []
    with desk.database.read() as tx:
        assert store.next_pop(tx, desk.me, NOW + HOUR) == NOW + HOUR + timedelta(minutes=10)
    assert desk.pops(desk.me, HOUR + timedelta(minutes=10)) == [recall_id]
    with desk.database.write() as tx:
        recalls.put_away(tx, desk.me, recall_id, 0, NOW + HOUR)
    assert desk.pops(desk.me, 5 * HOUR) == []
    with desk.database.write() as tx:
        recalls.move(tx, desk.me, recall_id, NOW + 3 * HOUR, NOW + HOUR, OFFICE)
    assert desk.pops(desk.me, 3 * HOUR) == [recall_id]


def test_anothers_is_touched_only_with_the_right(desk: Desk) -> None:
    recall_id = desk.book(by=desk.other)
    with desk.database.write() as tx:
        for act in (
            lambda: recalls.take(tx, desk.me, recall_id, NOW),
            lambda: recalls.move(tx, desk.me, recall_id, NOW + 2 * HOUR, NOW, OFFICE),
            lambda: recalls.cancel(tx, desk.me, recall_id, "重複", NOW),
        ):
            with pytest.raises(NotAllowedError):
                act()
        recalls.take(tx, desk.boss, recall_id, NOW)
        assert tx.execute(select(Recall.user_id)).scalar_one() == desk.boss.user_id
    health = desk.small.user("health", areas=(Area.HEALTH,))
    with desk.database.write() as tx, pytest.raises(EntryError):
        recalls.take(tx, health, recall_id, NOW)
    with desk.database.write() as tx, pytest.raises(NotAllowedError):
        recalls.book(tx, health, desk.debtor_id, Area.TAX, RecallEntry(NOW + HOUR), NOW)
    stranger = desk.small.debtor(area=Area.HEALTH, owes=0)
    with desk.database.write() as tx, pytest.raises(NotFoundError):
        recalls.book(tx, desk.me, stranger, Area.TAX, RecallEntry(NOW + HOUR), NOW)


def test_a_cancelled_one_keeps_its_reason_and_is_gone(desk: Desk) -> None:
    recall_id = desk.book()
    with desk.database.write() as tx:
        with pytest.raises(EntryError):
            recalls.cancel(tx, desk.me, recall_id, "  ", NOW)
        recalls.cancel(tx, desk.me, recall_id, "入金を確認", NOW)
        row = tx.execute(select(Recall.cancel_reason, Recall.cancelled_by, Recall.closed_at)).one()
        assert tuple(row) == ("入金を確認", desk.me.user_id, NOW)
        with pytest.raises(EntryError, match="取消済み"):
            recalls.move(tx, desk.me, recall_id, NOW + 2 * HOUR, NOW, OFFICE)
    assert desk.pops(desk.me, HOUR) == []


@pytest.mark.parametrize("when", [timedelta(0), -HOUR, timedelta(days=400)])
def test_a_time_that_makes_no_sense_is_refused(desk: Desk, when: timedelta) -> None:
    with pytest.raises(EntryError):
        desk.book(when)


def test_a_number_of_somebody_else_is_refused(desk: Desk) -> None:
    desk.small.debtor("別人", phone="+819055556666")
    with desk.database.write() as tx:
        strange = tx.execute(select(Phone.id).where(Phone.number == "+819055556666")).scalar_one()
        with pytest.raises(EntryError):
            recalls.book(tx, desk.me, desk.debtor_id, Area.TAX, RecallEntry(NOW + HOUR, phone_id=strange), NOW)


def test_one_that_nobody_kept_is_told_once_to_the_group_and_settled_by_the_contact(desk: Desk) -> None:
    with desk.database.write() as tx:
        group = accounts.add_group(tx, ADMIN, NOW, "徴収第一係")
        accounts.join_group(tx, ADMIN, NOW, user_id=desk.me.user_id, group_id=group)
    desk.book()
    late = NOW + HOUR + OFFICE.recall_expires
    with desk.database.write() as tx:
        assert recalls.escalate(tx, late - timedelta(seconds=1), OFFICE) == 0
        assert recalls.escalate(tx, late, OFFICE) == 1
        assert recalls.escalate(tx, late + HOUR, OFFICE) == 0
    assert desk.tasks() == [(TaskKind.RECALL_EXPIRED, group, False)]
    with desk.database.write() as tx:
        note_contact(tx, desk.other, desk.debtor_id, Area.TAX, Channel.COUNTER, Entry("counter_talk"), late, OFFICE)
    assert desk.tasks() == [(TaskKind.RECALL_EXPIRED, group, True)]


def test_one_that_has_become_a_task_pops_up_no_more_until_it_is_moved(desk: Desk) -> None:
    recall_id = desk.book()
    late = HOUR + OFFICE.recall_expires
    assert desk.pops(desk.me, late) == [recall_id]
    with desk.database.write() as tx:
        recalls.escalate(tx, NOW + late, OFFICE)
    assert desk.pops(desk.me, late) == []
    with desk.database.write() as tx:
        recalls.move(tx, desk.me, recall_id, NOW + late + HOUR, NOW + late, OFFICE)
    assert desk.pops(desk.me, late + HOUR) == [recall_id]


def test_one_that_is_moved_may_expire_again(desk: Desk) -> None:
    recall_id = desk.book(anyone=True)
    late = NOW + HOUR + OFFICE.recall_expires
    with desk.database.write() as tx:
        recalls.escalate(tx, late, OFFICE)
        recalls.move(tx, desk.me, recall_id, late + HOUR, late, OFFICE)
        assert recalls.escalate(tx, late + HOUR, OFFICE) == 0
        assert recalls.escalate(tx, late + 2 * HOUR, OFFICE) == 1
    assert [done for _, _, done in desk.tasks()] == [True, False]


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(hours=11), "20:00を過ぎている"),  # 21:30 of the same day
        (timedelta(days=4), "閉庁日"),  # a Saturday
        (timedelta(days=7), None),  # a Tuesday, although the data will be older then
    ],
)
def test_a_booking_at_a_forbidden_time_says_so(desk: Desk, after: timedelta, words: str | None) -> None:
    with desk.database.read() as tx:
        decision = recalls.check(tx, desk.me, desk.debtor_id, Area.TAX, RecallEntry(NOW + after), NOW, OFFICE)
    assert decision is not None
    assert decision.allowed is (words is None)
    if words:
        assert any(words in reason.text for reason in decision.reasons), decision


@pytest.mark.req("C4")
def test_the_list_says_what_stands_in_the_way(desk: Desk) -> None:
    recall_id = desk.book()
    lawyer = desk.small.debtor("受任 済子", flags=(FlagKind.LAWYER,), phone="+819044445555")
    with desk.database.write() as tx:
        other = recalls.book(tx, desk.me, lawyer, Area.TAX, RecallEntry(NOW + HOUR), NOW)
        found = read_list(tx, desk.me, Period.TODAY, False, NOW, OFFICE, opened=True)
    assert {row.id for row in found.rows} == {recall_id, other}
    assert set(found.hindrances) == {other}


def test_others_bookings_are_listed_only_with_the_right(desk: Desk) -> None:
    recall_id = desk.book(by=desk.other)
    with desk.database.write() as tx:
        assert read_list(tx, desk.me, Period.ALL, True, NOW, OFFICE, opened=True).rows == []
        assert [r.id for r in read_list(tx, desk.boss, Period.ALL, True, NOW, OFFICE, opened=True).rows] == [recall_id]
        assert read_list(tx, desk.boss, Period.ALL, False, NOW, OFFICE, opened=True).booked == 0


@pytest.mark.req("C2")
def test_a_list_that_refreshes_itself_logs_whoever_comes_onto_it_and_no_more(desk: Desk) -> None:
    desk.book()
    with desk.database.write() as tx:
        open_today(tx, desk.me, NOW, OFFICE)
        assert peek_today(tx, desk.me, NOW, OFFICE) is not None
    assert (desk.logged("today.view"), desk.logged("list.shown")) == (1, 1)
    newcomer = desk.small.debtor("新しい人", phone=None)
    with desk.database.write() as tx:
        recalls.book(tx, desk.me, newcomer, Area.TAX, RecallEntry(NOW + 2 * HOUR), NOW)
        assert peek_today(tx, desk.me, NOW, OFFICE) is None, "nobody is shown without a row in the log"
        open_today(tx, desk.me, NOW, OFFICE, again=True)
        assert peek_today(tx, desk.me, NOW, OFFICE) is not None
    assert (desk.logged("today.view"), desk.logged("list.shown")) == (1, 2)
    with desk.database.write() as tx:
        open_today(tx, desk.me, NOW, OFFICE)
    assert (desk.logged("today.view"), desk.logged("list.shown")) == (2, 4)


@pytest.mark.req("C2")
def test_whoever_was_gone_and_comes_back_is_logged_again(desk: Desk) -> None:
    recall_id = desk.book()
    with desk.database.write() as tx:
        read_list(tx, desk.me, Period.TODAY, False, NOW, OFFICE, opened=True)
        tx.execute(update(Recall).where(Recall.id == recall_id).values(user_id=desk.other.user_id))
        read_list(tx, desk.me, Period.TODAY, False, NOW, OFFICE, opened=False)
        tx.execute(update(Recall).where(Recall.id == recall_id).values(user_id=desk.me.user_id))
        assert peek_list(tx, desk.me, Period.TODAY, False, NOW, OFFICE) is None
        read_list(tx, desk.me, Period.TODAY, False, NOW, OFFICE, opened=False)
    assert desk.logged("list.shown") == 2
