"""Callers for whom nobody is there: the queue, the wish to be called back, the hours, on a real Asterisk (T5)."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from ami_bridge import variables as names
from db.rules.telephony import CallState, DutyState, IncomingState
from db.schema.calls import Call, Incoming
from db.store import calls as stored
from db.usecases import duty, missed, results, stop
from db.usecases.commands import CommandKind
from db.usecases.results import Entry
from saikoku.lab.clock import LabClock
from tests.integration.db.people import ADMIN, OFFICE
from tests.live.ami import Ami
from tests.live.returning import Office, agi_address, laid, office, return_ami, return_lab

__all__ = ["agi_address", "laid", "office", "return_ami", "return_lab"]

WAITS_ON = "SaikokuWaitsOn"


@pytest.mark.req("T5")
async def test_who_waits_is_told_their_place_and_the_longest_waiting_is_served_first(
    office: Office, return_ami: Ami
) -> None:
    people = [await office.person(0) for _ in range(3)]
    calls = []
    for place, (_, number) in enumerate(people, 1):
        calls.append(await office.rings(number))
        await return_ami.event("UserEvent", UserEvent=WAITS_ON, CallerIDNum=number, Place=str(place))

    await office.ready()

    await office.call_is(calls[0], CallState.TALKING)
    for place, (_, number) in enumerate(people[1:], 1):
        await return_ami.event("UserEvent", UserEvent=WAITS_ON, CallerIDNum=number, Place=str(place))
    await office.want(calls[0], CommandKind.HANG_UP)
    await office.duty_becomes(DutyState.WRAP_UP)
    entry = Entry("talked_self")
    await office.database.run(
        results.record_result, office.operator, calls[0], entry, office.clock.now(), OFFICE
    )  # fmt: skip
    await office.call_is(calls[1], CallState.TALKING)
    rooms = {
        event["Uniqueid"]: event["Conference"]
        for event in return_ami.events
        if event["Event"] == "ConfbridgeJoin" and event["Context"] == names.CONTEXT_JOIN
    }
    assert len(rooms) == 2  # one after the other in the same room, the third in none
    assert office.lab.office.complaints() == []


@pytest.mark.req("T5")
async def test_several_operators_and_several_callers_at_once_and_each_the_operator_they_know(office: Office) -> None:
    colleague = await office.colleague()
    knows, number = await office.person(0)
    await office.spoke(knows, colleague)
    await office.database.run(duty.pause, colleague, "休憩", office.clock.now())
    others = [await office.person(0) for _ in range(3)]
    calls = [await office.rings(other) for _, other in others[:1]]
    known = await office.rings(number)
    calls += [await office.rings(other) for _, other in others[1:]]

    await office.ready()
    await office.call_is(calls[0], CallState.TALKING)
    await office.database.run(duty.resume, colleague, office.clock.now())
    await office.call_is(known, CallState.TALKING)

    row = await office.database.ask(stored.current, colleague)
    assert row is not None
    assert row.id == known
    waiting = select(Incoming.id).where(Incoming.state == IncomingState.WAITING)
    assert set(await office.database.ask(lambda tx: list(tx.execute(waiting).scalars()))) == set(calls[1:])
    talking = select(Call.seat).where(Call.state == CallState.TALKING)
    assert sorted(await office.database.ask(lambda tx: list(tx.execute(talking).scalars()))) == ["1001", "1002"]


@pytest.mark.req("T5")
async def test_a_key_leaves_the_wish_to_be_called_back(office: Office, return_ami: Ami) -> None:
    person, number = await office.person(0)
    call_id = await office.rings(number)
    await return_ami.event("UserEvent", UserEvent=WAITS_ON, CallerIDNum=number)

    await office.lab.press(number, "1")

    await office.becomes(call_id, IncomingState.ASKED_BACK)
    ended = await return_ami.event("Hangup", CallerIDNum=number)
    assert ended["Context"] == names.CONTEXT_NOTED  # the caller was told so
    assert await office.open_tasks() == [(missed.CALL_BACK_TASK, person)]


@pytest.mark.req("T5")
async def test_a_hidden_number_keys_one_in(office: Office, return_ami: Ami) -> None:
    call_id = await office.rings("anonymous")
    await return_ami.event("UserEvent", UserEvent=WAITS_ON)

    await office.lab.press("anonymous", "1wwww09033334444#")

    await office.becomes(call_id, IncomingState.ASKED_BACK)
    left = select(Incoming.left_number).where(Incoming.id == call_id)
    assert await office.database.ask(lambda tx: tx.execute(left).scalar_one()) == "+819033334444"
    assert await office.open_tasks() == [(missed.CALL_BACK_TASK, None)]


@pytest.mark.req("T5")
async def test_who_hangs_up_while_waiting_is_missed(office: Office, return_ami: Ami) -> None:
    person, number = await office.person(0)
    call_id = await office.rings(number)
    await return_ami.event("UserEvent", UserEvent=WAITS_ON, CallerIDNum=number)

    await office.lab.hang_up_at_carrier(number)

    await office.becomes(call_id, IncomingState.MISSED)
    assert await office.open_tasks() == [(missed.MISSED_TASK, person)]


@pytest.mark.req("T5", "P4")
@pytest.mark.parametrize("why", ["closed", "stopped"])
async def test_outside_hours_and_during_a_stop_the_caller_hears_why_and_leaves_a_wish(
    office: Office, return_ami: Ami, why: str
) -> None:
    await office.ready()
    if why == "stopped":
        await office.database.run(stop.stop, ADMIN, "試験", office.clock.now())
    else:
        assert isinstance(office.clock, LabClock)
        office.clock.offset += timedelta(hours=12)
    person, number = await office.person(0)
    call_id = await office.rings(number)
    await office.becomes(call_id, IncomingState.CLOSED)
    await return_ami.event("UserEvent", UserEvent="SaikokuClosed", CallerIDNum=number, Why=why)

    await office.lab.press(number, "1")

    await office.becomes(call_id, IncomingState.ASKED_BACK)
    assert await office.open_tasks() == [(missed.CALL_BACK_TASK, person)]

    def nobody_rung(tx: Connection) -> bool:
        row = stored.duty(tx, office.operator.user_id)
        return row is not None and row.state is DutyState.READY

    assert await office.database.ask(nobody_rung)
