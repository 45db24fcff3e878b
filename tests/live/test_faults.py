"""The link is lost, Asterisk dies, the bridge is killed, at every step of a call: told by the record, counted at the carrier.

Whatever breaks, the person is dialled at most once, and what the register says in the end is what the carrier saw; only
what nobody can know is unknown, and then a task asks a person.
"""

import asyncio
import os
import signal
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from db.rules.telephony import AttemptResult, AttemptState, CallState, DutyState, EndedBy, RecordingState
from db.schema.work import Task
from db.settings import AmiSettings
from db.store import calls as stored
from db.usecases.calls import UNKNOWN_TASK
from db.usecases.commands import CommandKind
from saikoku.lab.pbx import CarrierCall, Lab
from tests.live.ami import Ami
from tests.live.cable import Cable
from tests.live.shift import PATIENCE, Shift, Told
from tests.live.steps import STEPS, break_at
from tests.live.test_calls import AT_ONCE, SILENT, NewShift, founded, new_shift, owes_a_result

__all__ = ["founded", "new_shift"]

ENDINGS = {"ringing": SILENT}
ANSWERED, UNKNOWN = (AttemptState.ENDED, AttemptResult.ANSWERED), (AttemptState.UNKNOWN, None)
REFUSED = (AttemptState.REFUSED, None)
REJECTED = (AttemptState.ENDED, AttemptResult.REJECTED)  # a phone that rings is put down

Outcome = tuple[AttemptState, AttemptResult | None]


async def at_carrier(shift: Shift, number: str) -> list[CarrierCall]:
    """The calls to a number, once they are over there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            calls = await shift.calls_at_carrier(number)
            if all(call.ended for call in calls):
                return calls
            await shift.lab.hang_up_at_carrier(number)


async def judged(shift: Shift, call_id: uuid.UUID, number: str) -> Told:
    """What the register says when all is over; it must be what the carrier saw, and nothing may be dialled again."""
    refused = await shift.told_when_over(call_id)
    if refused.attempt is not AttemptState.REFUSED:
        await shift.duty_becomes(DutyState.WRAP_UP)
    told = await shift.told(call_id)
    calls = await at_carrier(shift, number)
    assert len(calls) <= 1
    tasks = select(Task.done_at).where(Task.kind == UNKNOWN_TASK, Task.subject_id == call_id)
    is_task = await shift.database.ask(lambda tx: tx.execute(tasks).all()) == [(None,)]
    assert is_task == (told.attempt is AttemptState.UNKNOWN)
    if told.attempt is AttemptState.REFUSED:
        assert calls == []
    if told.attempt is AttemptState.ENDED:
        assert len(calls) == 1
        assert (told.result is AttemptResult.ANSWERED) == (calls[0].answered is not None)
    if told.result is AttemptResult.ANSWERED:
        assert (await shift.recording(call_id))[0] in {RecordingState.KEPT, RecordingState.MISSING}
    return told


async def operator_goes_on(shift: Shift, call_id: uuid.UUID) -> None:
    """The operator gives the result if one is owed; the phone is up again by itself, and the next call talks."""
    if (await shift.told(call_id)).attempt is not AttemptState.REFUSED:
        await owes_a_result(shift, call_id)
    await shift.duty_becomes(DutyState.READY)
    debtor_id, number = await shift.person(AT_ONCE)
    await shift.call_becomes(await shift.click(debtor_id), CallState.TALKING)
    await shift.lab.hang_up_at_carrier(number)
    await shift.duty_becomes(DutyState.WRAP_UP)


async def the_call_is_over(ami: Ami, lab: Lab, call_id: uuid.UUID, number: str) -> None:
    """Whatever became of it: nobody is left on the line, in Asterisk and at the carrier."""
    shows = "core show channels concise"
    async with asyncio.timeout(PATIENCE):
        while True:
            await lab.hang_up_at_carrier(number)
            if number not in await lab.carrier.cli(shows) and number not in await lab.office.cli(shows):
                break
    began = any(event["Event"] == "Newchannel" and event["Uniqueid"] == str(call_id) for event in ami.events)
    if began:
        await ami.event("Hangup", Uniqueid=str(call_id))


KILLED = {
    "claimed": REFUSED,
    "authorized": UNKNOWN,  # nobody can know that the Originate was not sent
    "ringing": REJECTED,
}


@pytest.mark.req("T3", "T4", "T13")
@pytest.mark.parametrize("step", STEPS)
async def test_a_bridge_killed_at_a_step_and_started_when_the_call_is_over(
    lab: Lab, ami: Ami, new_shift: NewShift, step: str
) -> None:
    shift = new_shift(lab)
    debtor_id, number = await shift.person(ENDINGS.get(step, AT_ONCE))
    async with shift.bridge_process(step) as process:
        await shift.ready()
        call_id = await shift.click(debtor_id)
        if step == "gone":
            await shift.call_becomes(call_id, CallState.TALKING)
            await lab.hang_up_at_carrier(number)
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    if step in {"posted", "answered", "joined"}:
        await ami.event("ConfbridgeJoin", Uniqueid=str(call_id))
    await the_call_is_over(ami, lab, call_id, number)

    async with shift.bridge():
        told = await judged(shift, call_id, number)
        assert (told.attempt, told.result) == KILLED.get(step, ANSWERED)
        if (told.attempt, told.result) == ANSWERED:
            assert told.by is EndedBy.PERSON
            assert told.cause == 16
        await operator_goes_on(shift, call_id)


@pytest.mark.req("T3", "T4")
@pytest.mark.parametrize("step", ["posted", "ringing", "answered", "joined"])
async def test_a_bridge_killed_at_a_step_and_started_at_once_takes_the_call_up(
    lab: Lab, ami: Ami, new_shift: NewShift, step: str
) -> None:
    shift = new_shift(lab)
    debtor_id, number = await shift.person(ENDINGS.get(step, AT_ONCE))
    async with shift.bridge_process(step) as process:
        await shift.ready()
        call_id = await shift.click(debtor_id)
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    async with shift.bridge():
        if step == "ringing":
            await shift.call_becomes(call_id, CallState.RINGING)
            await shift.want(call_id, CommandKind.HANG_UP)
        else:
            await shift.call_becomes(call_id, CallState.TALKING)
            await lab.hang_up_at_carrier(number)
        told = await judged(shift, call_id, number)
        expected = (AttemptState.ENDED, AttemptResult.CANCELLED) if step == "ringing" else ANSWERED
        assert (told.attempt, told.result) == expected
        await operator_goes_on(shift, call_id)


@pytest.mark.req("T3", "T4", "T13")
@pytest.mark.parametrize("step", STEPS)
async def test_a_link_lost_at_a_step_and_made_again_when_the_call_is_over(
    lab: Lab, ami: Ami, new_shift: NewShift, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    shift = new_shift(lab)
    debtor_id, number = await shift.person(ENDINGS.get(step, AT_ONCE))
    lost = asyncio.Event()
    async with Cable(lab.ami_port) as cable:
        shift.plug_into(cable.port)

        def lose() -> None:
            cable.unplug()
            lost.set()

        break_at(step, lose, monkeypatch.setattr)
        async with shift.bridge():
            await shift.ready()
            call_id = await shift.click(debtor_id)
            if step == "gone":
                await shift.call_becomes(call_id, CallState.TALKING)
                await lab.hang_up_at_carrier(number)
            async with asyncio.timeout(PATIENCE):
                await lost.wait()
            if step in {"answered", "joined"}:
                await ami.event("ConfbridgeJoin", Uniqueid=str(call_id))
            await the_call_is_over(ami, lab, call_id, number)
            cable.plug()

            told = await judged(shift, call_id, number)

            outcome = (told.attempt, told.result)
            if step in {"claimed", "authorized", "posted"}:  # the Originate may have got through before the cut, or not
                assert outcome in {REFUSED, UNKNOWN, ANSWERED}
            else:
                assert outcome == (REJECTED if step == "ringing" else ANSWERED)
            await operator_goes_on(shift, call_id)


@pytest.mark.req("T3", "T4", "T13")
@pytest.mark.parametrize("step", STEPS)
async def test_an_asterisk_that_dies_at_a_step_and_comes_back(
    own_lab: Lab, new_shift: NewShift, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    shift = new_shift(own_lab)
    debtor_id, number = await shift.person(ENDINGS.get(step, AT_ONCE))
    died = asyncio.Event()

    def die() -> None:
        assert own_lab.office.pid is not None
        os.kill(own_lab.office.pid, signal.SIGKILL)
        died.set()

    break_at(step, die, monkeypatch.setattr)
    monkeypatch.setattr("ami_bridge.recordings.WRITING", 0.5)  # its length was never written into the file
    async with shift.bridge():
        leg_id = await shift.ready()
        call_id = await shift.click(debtor_id)
        if step == "gone":
            await shift.call_becomes(call_id, CallState.TALKING)
            await own_lab.hang_up_at_carrier(number)
        async with asyncio.timeout(PATIENCE):
            await died.wait()
        await own_lab.office.kill()
        await at_carrier(shift, number)
        await own_lab.hang_up_at_carrier(shift.seat)
        await own_lab.office.start()

        told = await judged(shift, call_id, number)

        outcome = (told.attempt, told.result)
        if step in {"claimed", "authorized"}:
            assert outcome in {REFUSED, UNKNOWN}
        elif step == "posted":  # what was written may have been acted on before the kill came, up to the answer
            assert outcome in {REFUSED, UNKNOWN, ANSWERED}
        else:
            assert outcome == (UNKNOWN if step == "ringing" else ANSWERED)
        await shift.until("another leg", lambda tx: stored.duty_of_leg(tx, leg_id) is None)
        await operator_goes_on(shift, call_id)


@pytest.mark.req("T3", "T4")
async def test_a_call_that_ended_unheard_is_unknown_without_a_record_and_settled_once_it_can_be_read(
    lab: Lab, ami: Ami, new_shift: NewShift, tmp_path: Path
) -> None:
    shift = new_shift(lab)
    nowhere = AmiSettings(port=lab.ami_port, secret=shift.settings.ami.secret, cel_file=tmp_path / "none.csv")
    with_record = shift.settings.ami
    shift.use(nowhere)
    debtor_id, number = await shift.person(SILENT)
    async with shift.bridge_process("ringing") as process:
        await shift.ready()
        call_id = await shift.click(debtor_id)
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    await the_call_is_over(ami, lab, call_id, number)
    async with shift.bridge():
        told = await judged(shift, call_id, number)
        assert (told.attempt, told.call) == (AttemptState.UNKNOWN, CallState.UNKNOWN)

    shift.use(with_record)
    async with shift.bridge():
        await shift.call_becomes(call_id, CallState.ENDED)
        told = await judged(shift, call_id, number)
        assert (told.attempt, told.result) == REJECTED
        assert told.cause == 21
        await operator_goes_on(shift, call_id)


@pytest.mark.req("T3", "T13")
async def test_a_record_that_is_rotated_during_a_call_is_followed(lab: Lab, ami: Ami, new_shift: NewShift) -> None:
    shift = new_shift(lab)
    debtor_id, number = await shift.person(AT_ONCE)
    async with shift.bridge_process("joined") as process:
        await shift.ready()
        call_id = await shift.click(debtor_id)
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    rotated = lab.cel_csv.rename(lab.cel_csv.with_name(f"{lab.cel_csv.name}.1"))
    await the_call_is_over(ami, lab, call_id, number)
    async with shift.bridge():
        told = await judged(shift, call_id, number)
        assert (told.attempt, told.result, told.cause) == (*ANSWERED, 16)
    assert str(call_id) in rotated.read_text()
    assert str(call_id) in lab.cel_csv.read_text()


@pytest.mark.req("T3", "T4")
async def test_an_asterisk_that_is_restarted_in_order_has_its_operators_back_by_themselves(
    own_lab: Lab, new_shift: NewShift
) -> None:
    """It hangs the phones up itself before it goes, which looks like operators who put their receivers down."""
    shift = new_shift(own_lab)
    async with shift.bridge():
        leg_id = await shift.ready()
        await own_lab.office.restart()
        await shift.until("another leg", lambda tx: stored.duty_of_leg(tx, leg_id) is None)
        await shift.duty_becomes(DutyState.READY)
