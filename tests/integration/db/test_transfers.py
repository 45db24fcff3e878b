"""Transfers to an officer as the register sees them (T3): who may, who is free, whose the call is in the end."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from db.engine import Database
from db.rules.telephony import CallState, DutyState, TransferState
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.calls import Call, Transfer
from db.store import calls as stored
from db.store import transfers as store
from db.usecases import calls, duty, results, transfers
from db.usecases.calls import CallError
from db.usecases.commands import CommandKind, claim
from db.usecases.duty import DutyError
from db.usecases.results import Entry
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.webpanel.on_the_line import SOON, OnTheLine


@dataclass
class Floor:
    """An operator who talks, and others at their seats."""

    small: SmallOffice
    database: Database
    operator: Viewer
    call_id: uuid.UUID

    def sits(self, login: str, seat: str, level: str = "officer", area: Area = Area.TAX, **values: bool) -> Viewer:
        viewer = self.small.user(login, level, (area,), **values)
        OnTheLine(self, viewer, 0).take_seat(seat)
        return viewer

    def begin(self, officer: Viewer, by: Viewer | None = None) -> None:
        with self.database.write() as tx:
            transfers.begin(tx, by or self.operator, self.call_id, officer.user_id, NOW + 3 * SOON)

    def complete(self) -> None:
        with self.database.write() as tx:
            transfers.complete(tx, self.operator, self.call_id, NOW + 4 * SOON)

    def leg_enters(self, seat: str) -> store.Legs | None:
        with self.database.write() as tx:
            at = duty.required(tx, self.operator)
            return transfers.operator_left(tx, at.leg_id, seat, NOW + 5 * SOON)

    def state(self, viewer: Viewer) -> DutyState:
        with self.database.read() as tx:
            return duty.required(tx, viewer).state

    def wanted(self) -> list[CommandKind]:
        with self.database.write() as tx:
            return [command.kind for command in claim(tx, "main", NOW + 4 * SOON)]

    def ends(self) -> None:
        with self.database.write() as tx:
            calls.ended(tx, self.call_id, NOW + 10 * SOON, 16)

    def under_way(self) -> bool:
        with self.database.read() as tx:
            return store.of_call(tx, self.call_id) is not None


@pytest.fixture
def floor(small: SmallOffice) -> Floor:
    operator = small.user("op")
    made = Floor(small, small.database, operator, uuid.uuid4())
    made.call_id = OnTheLine(made, operator, small.debtor()).talk()
    return made


@pytest.mark.req("T3", "C1")
def test_only_those_on_duty_who_may_decide_in_the_area_are_offered(floor: Floor) -> None:
    floor.sits("officer", "1002")
    floor.sits("second", "1003", "operator")
    floor.sits("elsewhere", "1004", area=Area.HEALTH)
    floor.sits("contracted", "1005", contracted=True)
    floor.small.user("home", "officer")
    with floor.database.read() as tx:
        call = stored.own(tx, floor.operator, floor.call_id)
        assert call is not None
        assert [one.name for one in transfers.officers(tx, floor.operator, call)] == ["officerさん"]


@pytest.mark.req("T3", "C1")
def test_nobody_else_can_be_taken_for_it_and_no_other_call_be_given_away(floor: Floor) -> None:
    officer = floor.sits("officer", "1002")
    clerk = floor.sits("clerk", "1003", "operator")
    home = floor.small.user("home", "officer")
    for wrong in (clerk, home, floor.operator):
        with pytest.raises(CallError) as refused:
            floor.begin(wrong)
        assert refused.value.code == "no_such_officer"
    with pytest.raises(CallError) as stranger:
        floor.begin(officer, by=clerk)
    assert stranger.value.code == "no_such_call"
    with floor.database.write() as tx:
        duty.pause(tx, officer, "休憩", NOW)
    with pytest.raises(DutyError) as busy:
        floor.begin(officer)
    assert (busy.value.code, "離席" in str(busy.value)) == ("officer_not_ready", True)


@pytest.mark.req("T3")
def test_the_call_is_the_officers_once_the_operators_phone_is_home(floor: Floor) -> None:
    officer = floor.sits("officer", "1002")
    floor.wanted()
    floor.begin(officer)
    assert floor.state(officer) is DutyState.CONSULTING
    for leave in (duty.go_home, lambda tx, who, at: duty.pause(tx, who, "休憩", at)):
        with pytest.raises(DutyError), floor.database.write() as tx:
            leave(tx, officer, NOW)
    with pytest.raises(CallError):
        floor.begin(officer)
    assert floor.leg_enters("1002") is None
    floor.complete()
    assert floor.wanted() == [CommandKind.CONSULT, CommandKind.HAND_OVER]
    assert floor.leg_enters("1002") is None
    assert floor.leg_enters("1001") is not None
    assert floor.leg_enters("1001") is None
    assert (floor.state(floor.operator), floor.state(officer)) == (DutyState.READY, DutyState.BUSY)
    floor.ends()
    assert (floor.state(floor.operator), floor.state(officer)) == (DutyState.READY, DutyState.WRAP_UP)
    with pytest.raises(CallError), floor.database.write() as tx:
        results.record_result(tx, floor.operator, floor.call_id, Entry("talked_self"), NOW + 11 * SOON, OFFICE)
    with floor.database.write() as tx:
        results.record_result(tx, officer, floor.call_id, Entry("talked_self"), NOW + 11 * SOON, OFFICE)
    assert floor.state(officer) is DutyState.READY
    with floor.database.read() as tx:
        row = tx.execute(select(Transfer.state, Transfer.from_user, Transfer.to_user)).one()
        call = tx.execute(select(Call.seat, Call.user_id)).one()
    assert tuple(row) == (TransferState.DONE, floor.operator.user_id, officer.user_id)
    assert tuple(call) == ("1002", officer.user_id)


def _taken_back(floor: Floor) -> None:
    with floor.database.write() as tx:
        transfers.cancel(tx, floor.operator, floor.call_id, NOW + 4 * SOON)


def _left_then_taken_back(floor: Floor) -> None:
    floor.complete()
    _taken_back(floor)


def _officers_phone_lost(floor: Floor) -> None:
    with floor.database.write() as tx:
        (officer,) = (one for one in stored.duties(tx) if one.state is DutyState.CONSULTING)
        duty.leg_lost(tx, officer.leg_id, NOW + 4 * SOON, "切断")
        duty.leg_answered(tx, officer.leg_id, NOW + 4 * SOON)


def _operators_phone_lost(floor: Floor) -> None:
    with floor.database.write() as tx:
        duty.leg_lost(tx, duty.required(tx, floor.operator).leg_id, NOW + 4 * SOON, "切断")


def _given_up(floor: Floor) -> None:
    with floor.database.write() as tx:
        transfers.give_up(tx, floor.call_id, NOW + 4 * SOON)


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    "happens",
    [Floor.ends, _taken_back, _left_then_taken_back, _officers_phone_lost, _operators_phone_lost, _given_up],
)
def test_whatever_comes_between_the_officer_is_free_and_the_phone_is_brought_home(
    floor: Floor, happens: Callable[[Floor], None]
) -> None:
    officer = floor.sits("officer", "1002")
    floor.wanted()
    floor.begin(officer)
    happens(floor)
    assert floor.state(officer) is DutyState.READY
    assert not floor.under_way()
    assert floor.wanted()[-1] is CommandKind.TAKE_BACK
    assert floor.leg_enters("1001") is None
    with floor.database.read() as tx:
        assert tx.execute(select(Call.user_id)).scalar_one() == floor.operator.user_id


@pytest.mark.req("T3")
def test_hold_waits_and_a_saved_result_stays_with_who_saved_it(floor: Floor) -> None:
    officer = floor.sits("officer", "1002")
    floor.begin(officer)
    with floor.database.write() as tx:
        calls.held(tx, floor.call_id, NOW)
    with pytest.raises(CallError) as refused, floor.database.write() as tx:
        calls.request(tx, floor.operator, floor.call_id, CommandKind.RESUME, NOW)
    assert refused.value.code == "consulting"
    with floor.database.write() as tx:
        tx.execute(update(Call).values(result_at=NOW, state=CallState.TALKING))
    with pytest.raises(CallError) as saved:
        floor.complete()
    assert saved.value.code == "already_saved"
