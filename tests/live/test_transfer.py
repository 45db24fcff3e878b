"""A call is taken to an officer who may decide, on a real Asterisk (T3): spoken about, handed over, taken back, cut off."""

import shutil
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from ami_bridge import variables as names
from db.rules.telephony import CallState, DutyState, RecordingState
from db.rules.viewer import Viewer
from db.schema.calls import Call
from db.schema.contacts import Contact
from db.settings import Address
from db.store import calls as stored
from db.usecases import results, transfers
from db.usecases.results import Entry
from saikoku.lab.carrier import DESK_HZ, TALK_HZ
from saikoku.lab.pbx import Lab
from tests.integration.db.people import OFFICE
from tests.live.ami import Ami
from tests.live.returning import Office, agi_address, laid, office, return_ami, return_lab
from tests.live.steps import HANDING_OVER
from tests.live.test_dialplan import a_second_passes, say_what_is_in
from tests.live.tones import whole_recording

__all__ = ["agi_address", "laid", "office", "return_ami", "return_lab"]


async def consulting(office: Office, ami: Ami, call_id: uuid.UUID) -> Viewer:
    """The operator talks with somebody and asks an officer; both are in the officer's room, the person hears music."""
    officer = await office.colleague(level="officer")
    await office.call_is(call_id, CallState.TALKING)
    await office.database.run(transfers.begin, office.operator, call_id, officer.user_id, office.clock.now())
    await office.call_is(call_id, CallState.HELD)
    leg = await leg_of(office)
    await ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room("1002"))
    return officer


async def leg_of(office: Office) -> str:
    row = await office.duty()
    assert row is not None
    return str(row.leg_id)


async def in_room(office: Office, seat: str) -> int:
    said = await office.lab.office.cli(f"confbridge list {names.room(seat)}")
    return sum(line.startswith("PJSIP/") for line in said.splitlines())


@pytest.mark.req("T3", "T5", "T13")
async def test_a_call_is_handed_over_and_the_officer_owes_the_result(office: Office, return_ami: Ami) -> None:
    await office.ready()
    person, number = await office.person(0)
    call_id = await office.rings(number)
    officer = await consulting(office, return_ami, call_id)

    await office.database.run(transfers.complete, office.operator, call_id, office.clock.now())

    await office.is_at(officer, DutyState.BUSY)
    await office.call_is(call_id, CallState.TALKING)
    await office.duty_becomes(DutyState.READY)
    assert (await in_room(office, "1002"), await in_room(office, "1001")) == (2, 1)
    call = await office.database.ask(stored.current, officer)
    assert call is not None
    assert (call.id, call.debtor_id, call.seat) == (call_id, person, "1002")
    await a_second_passes(return_ami)
    await office.lab.hang_up_at_carrier(number)
    await office.is_at(officer, DutyState.WRAP_UP)
    await office.duty_becomes(DutyState.READY)  # the operator owes nothing
    contact_id = await office.database.run(
        results.record_result, officer, call_id, Entry("talked_self"), office.clock.now(), OFFICE
    )
    await office.is_at(officer, DutyState.READY)
    by = select(Contact.user_id).where(Contact.id == contact_id)
    assert await office.database.ask(lambda tx: tx.execute(by).scalar_one()) == officer.user_id
    state, file, *_ = await office.recording(call_id)
    assert state is RecordingState.KEPT
    heard = say_what_is_in(await whole_recording(file))
    assert (heard[DESK_HZ], heard[TALK_HZ]) == (True, True)
    assert office.lab.office.complaints() == []


@pytest.mark.req("T3")
async def test_a_call_out_is_taken_back_and_goes_on(office: Office, return_ami: Ami) -> None:
    await office.ready()
    person, _ = await office.person(0)
    call_id = await office.click(person)
    officer = await consulting(office, return_ami, call_id)

    await office.database.run(transfers.cancel, office.operator, call_id, office.clock.now())

    await office.is_at(officer, DutyState.READY)
    await office.call_is(call_id, CallState.TALKING)
    assert (await in_room(office, "1001"), await in_room(office, "1002")) == (2, 1)


@pytest.mark.req("T3")
@pytest.mark.parametrize("who", ["person", "officer", "operator"])
async def test_whoever_hangs_up_while_they_speak_about_it_nobody_is_left_alone(
    office: Office, return_ami: Ami, who: str
) -> None:
    await office.ready()
    _, number = await office.person(0)
    call_id = await office.rings(number)
    officer = await consulting(office, return_ami, call_id)

    await office.lab.hang_up_at_carrier({"person": number, "officer": "1002", "operator": "1001"}[who])

    if who == "person":
        await office.duty_becomes(DutyState.WRAP_UP)
        await return_ami.event("ConfbridgeJoin", times=2, Uniqueid=await leg_of(office), Conference=names.room("1001"))
    else:
        await office.call_is(call_id, CallState.TALKING)  # the operator's phone has been rung again, if it was theirs
        assert await in_room(office, "1001") == 2
    await office.is_at(officer, DutyState.PHONE_LOST if who == "officer" else DutyState.READY)
    owner = select(Call.user_id).where(Call.id == call_id)
    assert await office.database.ask(lambda tx: tx.execute(owner).scalar_one()) == office.operator.user_id


@pytest.mark.req("T3", "T5")
@pytest.mark.parametrize("step", HANDING_OVER)
@pytest.mark.parametrize("phone", ["stays", "is put down"])
async def test_a_bridge_killed_while_a_call_is_handed_over_finishes_it_when_it_comes_back(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path, agi_address: Address, step: str, phone: str
) -> None:
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    _, number = await office.person(0)
    async with office.look_up(agi_address):
        async with office.bridge_process(step) as process:
            await office.ready()
            call_id = await office.rings(number)
            officer = await consulting(office, return_ami, call_id)
            await office.database.run(transfers.complete, office.operator, call_id, office.clock.now())
            await process.wait()
        if phone == "is put down":
            leg = await leg_of(office)
            await office.lab.hang_up_at_carrier("1001")
            await return_ami.event("Hangup", Uniqueid=leg)
        async with office.bridge():
            await office.is_at(officer, DutyState.BUSY)
            await office.call_is(call_id, CallState.TALKING)
            assert await in_room(office, "1002") == 2
            if phone == "stays":
                await office.duty_becomes(DutyState.READY)
                assert await in_room(office, "1001") == 1
    await office.database.aclose()
