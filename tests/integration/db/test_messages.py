"""Messages between staff (T10): they reach whom they are for and nobody else, are read, and are answered."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from db.engine import Database
from db.rules.terms import Area
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.ops import Outbox
from db.schema.staff import AccessLog
from db.store import messages as store
from db.store import staff
from db.usecases import accounts, messages
from db.usecases.entries import EntryError
from db.usecases.records import NotFoundError
from tests.integration.db.people import ADMIN, NOW, SmallOffice

pytestmark = pytest.mark.req("T10")
LATER = NOW + timedelta(hours=1)


class Desk:
    """Two officers, one contracted operator, somebody of another area, and a person with a case."""

    def __init__(self, database: Database, small: SmallOffice) -> None:
        self.database, self.small = database, small
        self.one, self.two = small.user("one", "officer"), small.user("two", "officer")
        self.contracted = small.user("itaku", "contracted_operator", contracted=True)
        self.health = small.user("health", "officer", (Area.HEALTH,))
        self.debtor_id = small.debtor()

    def send(self, to: str, words: str = "本人から電話あり", by: Viewer | None = None) -> bool:
        with self.database.write() as tx:
            return messages.send(tx, by or self.one, self.debtor_id, Area.TAX, to, words, NOW)

    def inbox(self, viewer: Viewer, *, home: bool = False) -> messages.Inbox:
        with self.database.write() as tx:
            return messages.read_inbox(tx, viewer, LATER, home=home, opened=True)


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """An office with people at their desks."""
    return Desk(database, small)


def key(viewer: Viewer) -> str:
    return f"u{viewer.user_id}"


def test_a_message_reaches_its_receiver_and_nobody_else(desk: Desk) -> None:
    assert desk.send(key(desk.two))
    found = desk.inbox(desk.two, home=True)
    assert [(row.from_name, row.body, row.read_at) for row in found.received] == [("oneさん", "本人から電話あり", None)]
    assert found.unread == 1
    for stranger in (desk.contracted, desk.health):
        assert desk.inbox(stranger) == messages.Inbox([], [], 0)
    with desk.database.read() as tx:
        told = tx.execute(select(Outbox.user_id).where(Outbox.topic == "message")).scalars()
        assert set(told) == {desk.one.user_id, desk.two.user_id}
        assert store.of_debtor(tx, desk.contracted, desk.debtor_id) == []
        assert len(store.of_debtor(tx, desk.two, desk.debtor_id)) == 1


def test_the_sender_sees_who_has_read_it(desk: Desk) -> None:
    desk.send(key(desk.two))
    message_id = desk.inbox(desk.two).received[0].id
    assert desk.inbox(desk.one).sent[0].readers == ()
    with desk.database.write() as tx:
        messages.mark_read(tx, desk.two, message_id, LATER)
        messages.mark_read(tx, desk.two, message_id, LATER + timedelta(hours=1))
    assert desk.inbox(desk.one).sent[0].readers == (("twoさん", LATER),)
    assert desk.inbox(desk.two).unread == 0
    assert desk.inbox(desk.two, home=True).received == []


def test_an_answer_goes_back_to_whoever_wrote(desk: Desk) -> None:
    desk.send(key(desk.two))
    message_id = desk.inbox(desk.two).received[0].id
    with desk.database.write() as tx:
        messages.reply(tx, desk.two, message_id, "折り返します", LATER)
        for stranger in (desk.contracted, desk.health):
            for act in (
                lambda who: messages.reply(tx, who, message_id, "?", LATER),
                lambda who: messages.mark_read(tx, who, message_id, LATER),
            ):
                with pytest.raises(NotFoundError):
                    act(stranger)
    assert [row.body for row in desk.inbox(desk.one).received] == ["折り返します"]
    assert desk.inbox(desk.one).sent[0].readers == (("twoさん", LATER),)


def test_a_group_reads_it_each_for_themselves(desk: Desk) -> None:
    with desk.database.write() as tx:
        group = accounts.add_group(tx, ADMIN, NOW, "徴収第一係")
        for viewer in (desk.one, desk.two, desk.health):
            accounts.join_group(tx, ADMIN, NOW, user_id=viewer.user_id, group_id=group)
        one, two, health = (staff.viewer(tx, each.user_id) for each in (desk.one, desk.two, desk.health))
    assert one is not None
    assert two is not None
    assert health is not None
    desk.send(f"g{group}", by=one)
    assert desk.inbox(two).unread == 1
    assert desk.inbox(one).unread == 0, "one's own is not news"
    assert desk.inbox(health).received == [], "nobody of another area, whatever group they are in"


@pytest.mark.req("C1", "T15")
def test_nothing_leaks_to_those_without_the_right_in_the_area(desk: Desk) -> None:
    for wrong in (key(desk.health), "u999", ""):
        with pytest.raises(EntryError):
            desk.send(wrong)
    with pytest.raises(NotAllowedError):
        desk.send(key(desk.two), by=desk.health)
    stranger = desk.small.debtor(area=Area.HEALTH, owes=0, phone=None)
    with desk.database.write() as tx, pytest.raises(NotFoundError):
        messages.send(tx, desk.one, stranger, Area.TAX, key(desk.two), "あ", NOW)
    assert desk.send(key(desk.contracted), "滞納12万円") is False, "the sender is told"
    assert [row.body for row in desk.inbox(desk.contracted).received] == [""]
    with desk.database.read() as tx:
        rows = store.of_debtor(tx, desk.one, desk.debtor_id)
        assert [row.body for row in messages.masked(desk.one, rows, ())] == [""], "not before identity is confirmed"


@pytest.mark.parametrize("words", ["", "  \n ", "あ" * (messages.LENGTH + 1)])
def test_words_that_are_none_are_refused(desk: Desk, words: str) -> None:
    with pytest.raises(EntryError):
        desk.send(key(desk.two), words)


@pytest.mark.req("C2")
def test_sending_reading_and_seeing_are_in_the_log(desk: Desk) -> None:
    desk.send(key(desk.two))
    message_id = desk.inbox(desk.two).received[0].id
    with desk.database.write() as tx:
        messages.mark_read(tx, desk.two, message_id, LATER)
        assert messages.peek_inbox(tx, desk.two, LATER, home=False) is not None
        assert messages.peek_inbox(tx, desk.two, LATER, home=True) is None
        count: Callable[[str], int] = lambda action: tx.execute(  # noqa: E731
            select(func.count()).where(AccessLog.action == action, AccessLog.debtor_id == desk.debtor_id)
        ).scalar_one()
        assert [count(action) for action in ("message.send", "message.read", "list.shown")] == [1, 1, 1]
