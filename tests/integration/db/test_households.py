"""One home is not rung twice at once, whoever clicks and however close together (C4)."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from db.rules.terms import Area, Channel
from db.rules.viewer import Viewer
from db.schema.people import Household, Phone
from db.store.kin import Kin, hold, try_hold, try_hold_each
from db.usecases import calls, duty
from db.usecases.calls import ContactRefusedError
from db.usecases.eligibility import Target, check_contact
from tests.integration.db.people import NOW, OFFICE, SmallOffice

OTHER = "+819033334444"


class Desk:
    """Two operators who are ready."""

    def __init__(self, small: SmallOffice) -> None:
        self.small, self.database = small, small.database
        self.first, self.second = (self._ready(login, seat) for login, seat in (("one", "1001"), ("two", "1002")))

    def _ready(self, login: str, extension: str) -> Viewer:
        viewer = self.small.user(login)
        self.small.seat(extension)
        with self.database.write() as tx:
            taken = duty.take_seat(tx, viewer, extension, NOW)
            duty.leg_answered(tx, taken.leg_id, NOW)
        return viewer

    def home(self) -> int:
        with self.database.write() as tx:
            return tx.execute(insert(Household).values(number="S1").returning(Household.id)).scalar_one()

    def phone(self, debtor_id: int) -> int:
        with self.database.read() as tx:
            return tx.execute(select(Phone.id).where(Phone.debtor_id == debtor_id)).scalar_one()

    def reasons(self, viewer: Viewer, debtor_id: int) -> set[str]:
        target = Target(debtor_id, Area.TAX, Channel.CALL_OUT, self.phone(debtor_id))
        with self.database.read() as tx:
            return {reason.code for reason in check_contact(tx, viewer, target, NOW, OFFICE).reasons}


@pytest.fixture
def desk(small: SmallOffice) -> Desk:
    return Desk(small)


@pytest.mark.req("C4", "S3")
def test_while_one_of_a_home_is_called_nobody_else_of_it_is(desk: Desk) -> None:
    home = desk.home()
    father, mother = desk.small.debtor(household=home), desk.small.debtor("山田 花子", household=home, phone=OTHER)
    stranger = desk.small.debtor("鈴木 一", phone="+819055556666")
    assert desk.reasons(desk.second, mother) == set()
    with desk.database.write() as tx:
        call_id = calls.place_call(tx, desk.first, father, desk.phone(father), Area.TAX, NOW, OFFICE)
    assert desk.reasons(desk.second, mother) == {"household_in_call"}
    assert desk.reasons(desk.second, father) == {"in_call"}
    assert desk.reasons(desk.second, stranger) == set()
    with desk.database.write() as tx:
        assert calls.authorize(tx, call_id, NOW, OFFICE), "a call is not in its own way"
        calls.ended(tx, call_id, NOW + timedelta(seconds=30), 16)
    assert desk.reasons(desk.second, mother) == set()


@pytest.mark.req("C4", "S3")
@pytest.mark.parametrize("together", ["home", "number", "person"])
def test_of_two_clicks_in_the_same_moment_one_is_served(
    desk: Desk, together: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = desk.home() if together == "home" else None
    one = desk.small.debtor(household=home)
    other = one
    if together != "person":
        other = desk.small.debtor("山田 花子", household=home, phone=OTHER if together == "home" else "+819011112222")
    phone, came, told = desk.phone(other), threading.Event(), []

    def click() -> None:
        try:
            with desk.database.write() as tx:
                told.append(calls.place_call(tx, desk.second, other, phone, Area.TAX, NOW, OFFICE))
        except ContactRefusedError as refused:
            told.extend(reason.code for reason in refused.reasons)

    second = threading.Thread(target=click)
    with desk.database.write() as tx:
        first = calls.place_call(tx, desk.first, one, desk.phone(one), Area.TAX, NOW, OFFICE)
        monkeypatch.setattr(calls, "hold", lambda *args: (came.set(), hold(*args)))
        second.start()
        # SQLite lets the second not even begin
        assert desk.database.is_sqlite or came.wait(20)
    second.join(20)
    assert isinstance(first, uuid.UUID)
    assert told == ["household_in_call" if together == "home" else "in_call"]


def test_a_home_is_counted_once(desk: Desk) -> None:
    assert Kin((1,), (7,), (1, 2, 3)).others == (2, 3)


@pytest.mark.req("C4", "S3", "T4")
def test_a_home_or_number_that_somebody_holds_is_not_held_by_another(desk: Desk) -> None:
    mine = Kin((1,), (7,), (1, 2))
    same_home, same_number, apart = (
        (Kin((2,), (7,), (1, 2)), OTHER),
        (Kin((3,), (), (3,)), "+81"),
        (Kin((4,), (), (4,)), OTHER),
    )
    with desk.database.write() as tx:
        assert try_hold(tx, mine, "+81")
        if desk.database.is_sqlite:  # nobody else writes meanwhile
            return
        with desk.database.write() as other:
            assert [try_hold(other, *one) for one in (same_home, same_number, apart)] == [False, False, True]
            assert try_hold_each(other, [same_home, same_number, apart]) == [False, False, True]
    with desk.database.write() as later:
        assert try_hold(later, *same_home)
