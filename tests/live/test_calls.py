"""From the click to the recorded end, through the bridge and real calls (T3, T4, T13)."""

import asyncio
import hashlib
import logging
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from ami_bridge import dialing, legs
from ami_bridge import variables as names
from db.engine import Database
from db.migrations import upgrade
from db.rules.telephony import AttemptResult, AttemptState, CallState, DutyState, EndedBy, RecordingState
from db.store import office as rules
from db.usecases import foundation, results
from db.usecases.commands import CommandKind
from db.usecases.results import Entry
from saikoku.lab.carrier import DESK_HZ, TALK_HZ
from saikoku.lab.pbx import Lab
from tests.integration.db.people import ADMIN, OFFICE
from tests.live.ami import Ami
from tests.live.cable import Cable
from tests.live.shift import CALLER_ID, PATIENCE, Shift, Told
from tests.live.test_dialplan import a_second_passes, say_what_is_in
from tests.live.tones import whole_recording

TALKS, AT_ONCE, SHORT, SILENT = 0, 98, 80, 30

NewShift = Callable[..., Shift]


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with its base rows, to be copied."""
    path = tmp_path_factory.mktemp("founded") / "register.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
    database.close()
    return path


@pytest_asyncio.fixture(loop_scope="session")
async def new_shift(tmp_path: Path, founded: Path) -> AsyncIterator[NewShift]:
    """Makes a shift in some lab, with settings of [dial] if need be."""
    made: list[Shift] = []

    def make(lab: Lab, **dial: object) -> Shift:
        register = tmp_path / "register.db"
        shutil.copy(founded, register)
        made.append(Shift(lab, tmp_path, register, **dial))
        return made[-1]

    yield make
    for shift in made:
        await shift.database.aclose()
        await shift.lab.phone(shift.seat, "answer")


@pytest_asyncio.fixture(loop_scope="session")
async def shift(lab: Lab, ami: Ami, new_shift: NewShift) -> AsyncIterator[Shift]:
    """The bridge is running; the operator is not on duty yet."""
    made = new_shift(lab)
    async with made.bridge():
        yield made


async def talking(shift: Shift, ending: int = AT_ONCE) -> tuple[uuid.UUID, str]:
    """The operator, on duty, talks with a person; the call and the person's number."""
    await shift.ready()
    debtor_id, number = await shift.person(ending)
    call_id = await shift.click(debtor_id)
    await shift.call_becomes(call_id, CallState.TALKING)
    return call_id, number


async def owes_a_result(shift: Shift, call_id: uuid.UUID) -> Told:
    """The call has ended, its result is owed and nothing else, and the operator can work on when it is given."""
    await shift.duty_becomes(DutyState.WRAP_UP)
    told = await shift.told(call_id)
    assert not told.wrapped
    await shift.database.run(
        results.record_result, shift.operator, call_id, Entry("talked_self"), shift.clock.now(), OFFICE
    )
    return told


# -- the operator's phone ---------------------------------------------------------------------------------------------


@pytest.mark.req("T3")
async def test_going_on_duty_puts_the_phone_into_its_room_and_going_home_hangs_it_up(shift: Shift, ami: Ami) -> None:
    leg_id = await shift.ready()
    await ami.event("ConfbridgeJoin", Uniqueid=str(leg_id), Conference=names.room(shift.seat))

    await shift.go_home()

    await ami.event("Hangup", Uniqueid=str(leg_id))
    assert await shift.duty() is None


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("busy", legs.BUSY),
        ("off", legs.NOT_REGISTERED),
        ("reject", legs.REJECTED),
        ("no-answer", legs.NO_ANSWER),
    ],
)
async def test_a_phone_that_does_not_come_up_says_why_and_can_be_called_again(
    lab: Lab, ami: Ami, new_shift: NewShift, state: str, reason: str
) -> None:
    shift = new_shift(lab, ring_seconds=1)
    await lab.phone(shift.seat, state)
    async with shift.bridge():
        await shift.take_seat()
        await shift.duty_becomes(DutyState.PHONE_LOST, reason)

        await lab.phone(shift.seat, "answer")
        await shift.ring_again()

        await shift.duty_becomes(DutyState.READY, "")


@pytest.mark.req("T3")
async def test_a_phone_that_the_pbx_does_not_know_is_not_registered(shift: Shift) -> None:
    shift.seat = await asyncio.to_thread(shift.small.seat, "1099")

    await shift.take_seat()

    await shift.duty_becomes(DutyState.PHONE_LOST, legs.NOT_REGISTERED)


@pytest.mark.req("T3")
async def test_a_phone_put_down_between_calls_is_called_only_when_its_operator_says_so(
    shift: Shift, lab: Lab, ami: Ami
) -> None:
    await shift.ready()

    assert await lab.hang_up_at_carrier(shift.seat) == 1

    await shift.duty_becomes(DutyState.PHONE_LOST, legs.CUT)
    assert len([event for event in ami.events if event["Event"] == "Newchannel"]) == 1


# -- a call -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("T3", "T13")
async def test_a_click_becomes_a_talk_with_a_recording_and_one_call_at_the_carrier(
    shift: Shift, lab: Lab, ami: Ami
) -> None:
    call_id, number = await talking(shift, TALKS)
    await a_second_passes(ami)

    assert await lab.hang_up_at_carrier(number) == 1

    told = await owes_a_result(shift, call_id)
    assert told == Told(AttemptState.ENDED, AttemptResult.ANSWERED, 16, "", CallState.ENDED, EndedBy.PERSON, False)
    await shift.duty_becomes(DutyState.READY)
    state, file, milliseconds, size, checksum = await shift.recording(call_id)
    assert (state, size) == (RecordingState.KEPT, file.stat().st_size)
    samples = await whole_recording(file)
    assert milliseconds == len(samples) // 8
    assert checksum == hashlib.sha256(file.read_bytes()).hexdigest()
    assert say_what_is_in(samples) == {DESK_HZ: True, TALK_HZ: True, 1500: False}
    at_carrier = await shift.calls_at_carrier(number)
    assert [(call.caller, call.answered is None) for call in at_carrier] == [(CALLER_ID, False)]


@pytest.mark.req("T3", "T13")
async def test_the_same_by_way_of_the_outbound_hook(lab: Lab, ami: Ami, new_shift: NewShift) -> None:
    shift = new_shift(lab, channel="Local/{number}@saikoku-outbound/n")
    async with shift.bridge():
        call_id, number = await talking(shift)
        await shift.want(call_id, CommandKind.HOLD)
        await shift.call_becomes(call_id, CallState.HELD)
        await lab.hang_up_at_carrier(number)

        told = await owes_a_result(shift, call_id)

        assert (told.result, told.by) == (AttemptResult.ANSWERED, EndedBy.PERSON)
        assert [call.caller for call in await shift.calls_at_carrier(number)] == [CALLER_ID]


@pytest.mark.req("T3", "T4")
@pytest.mark.parametrize(
    ("ending", "result", "cause"),
    [
        (65, AttemptResult.BUSY, 17),
        (85, AttemptResult.UNALLOCATED, 1),
        (90, AttemptResult.CHANGED, 22),
        (93, AttemptResult.REJECTED, 21),
        (95, AttemptResult.TRUNK_FAULT, 34),
    ],
)
async def test_a_call_that_fails_ends_by_its_cause_and_is_dialled_once(
    shift: Shift, ending: int, result: AttemptResult, cause: int
) -> None:
    await shift.ready()
    debtor_id, number = await shift.person(ending)

    call_id = await shift.click(debtor_id)

    told = await owes_a_result(shift, call_id)
    assert told == Told(AttemptState.ENDED, result, cause, "", CallState.ENDED, None, False)
    assert len(await shift.calls_at_carrier(number)) == 1


@pytest.mark.req("T3", "T4")
async def test_a_call_that_nobody_answers_rings_out(lab: Lab, ami: Ami, new_shift: NewShift) -> None:
    shift = new_shift(lab, ring_seconds=1)
    async with shift.bridge():
        await shift.ready()
        debtor_id, number = await shift.person(SILENT)

        call_id = await shift.click(debtor_id)
        await shift.call_becomes(call_id, CallState.RINGING)

        assert (await owes_a_result(shift, call_id)).result is AttemptResult.NO_ANSWER
        assert len(await shift.calls_at_carrier(number)) == 1


@pytest.mark.req("T3", "T4")
async def test_a_trunk_that_does_not_exist_is_our_fault_not_the_persons(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab, channel="PJSIP/{number}@nowhere")
    async with shift.bridge():
        await shift.ready()
        debtor_id, number = await shift.person(TALKS)

        call_id = await shift.click(debtor_id)

        told = await owes_a_result(shift, call_id)
        assert (told.result, told.by) == (AttemptResult.TRUNK_FAULT, EndedBy.SYSTEM)
        assert await shift.calls_at_carrier(number) == []


@pytest.mark.req("T3", "P4")
async def test_an_emergency_stop_between_click_and_dialing_keeps_the_call_from_the_carrier(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab)
    async with shift.bridge():
        await shift.ready()
    debtor_id, number = await shift.person(TALKS)
    call_id = await shift.click(debtor_id)
    await shift.database.run(rules.put, ADMIN, rules.EMERGENCY_STOP, new=True, now=shift.clock.now())

    async with shift.bridge():
        await shift.duty_becomes(DutyState.READY)

    told = await shift.told(call_id)
    assert (told.attempt, told.wrapped) == (AttemptState.REFUSED, True)
    assert "緊急停止" in told.refusal
    assert await shift.calls_at_carrier(number) == []


# -- what the operator does during a call -----------------------------------------------------------------------------


@pytest.mark.req("T3")
async def test_hold_and_resume(shift: Shift, ami: Ami) -> None:
    call_id, _ = await talking(shift)

    await shift.want(call_id, CommandKind.HOLD)
    await shift.call_becomes(call_id, CallState.HELD)
    await ami.event("MusicOnHoldStart", Uniqueid=str(call_id))
    await shift.want(call_id, CommandKind.RESUME)

    await shift.call_becomes(call_id, CallState.TALKING)
    await ami.event("ConfbridgeJoin", times=2, Uniqueid=str(call_id))


@pytest.mark.req("T3")
async def test_hanging_up_from_the_screen_ends_the_talk_and_keeps_the_phone(shift: Shift, ami: Ami) -> None:
    call_id, _ = await talking(shift)

    await shift.want(call_id, CommandKind.HANG_UP)

    told = await owes_a_result(shift, call_id)
    assert (told.result, told.by) == (AttemptResult.ANSWERED, EndedBy.SCREEN)
    await shift.duty_becomes(DutyState.READY)
    assert [e["Uniqueid"] for e in ami.events if e["Event"] == "Hangup"] == [str(call_id)]


@pytest.mark.req("T3")
async def test_a_call_taken_back_while_it_rings_is_cancelled_not_unanswered(shift: Shift) -> None:
    await shift.ready()
    debtor_id, number = await shift.person(SILENT)
    call_id = await shift.click(debtor_id)
    await shift.call_becomes(call_id, CallState.RINGING)

    await shift.want(call_id, CommandKind.HANG_UP)

    told = await owes_a_result(shift, call_id)
    assert (told.result, told.by) == (AttemptResult.CANCELLED, EndedBy.SCREEN)
    assert len(await shift.calls_at_carrier(number)) == 1


@pytest.mark.req("T3")
async def test_a_call_taken_back_at_once_never_talks(shift: Shift) -> None:
    """The hang-up comes before the bridge took the call up, or while Asterisk prepares it and has no channel yet."""
    await shift.ready()
    debtor_id, number = await shift.person(TALKS)

    call_id = await shift.click(debtor_id)
    await shift.want(call_id, CommandKind.HANG_UP)

    await shift.call_becomes(call_id, CallState.ENDED)
    told = await shift.told(call_id)
    assert (told.attempt, told.result, told.by) in {
        (AttemptState.REFUSED, None, EndedBy.SYSTEM),
        (AttemptState.ENDED, AttemptResult.CANCELLED, EndedBy.SCREEN),
    }
    assert [call.answered for call in await shift.calls_at_carrier(number)] in ([], [None])


@pytest.mark.req("T3")
async def test_a_phone_lost_during_a_talk_is_called_again_while_the_person_waits_with_music(
    shift: Shift, lab: Lab, ami: Ami
) -> None:
    call_id, number = await talking(shift)

    assert await lab.hang_up_at_carrier(shift.seat) == 1

    await ami.event("MusicOnHoldStart", Uniqueid=str(call_id))
    await ami.event("ConfbridgeJoin", times=2, Conference=names.room(shift.seat), Admin="Yes")
    await shift.call_becomes(call_id, CallState.TALKING)
    await ami.event("MusicOnHoldStop", Uniqueid=str(call_id))
    assert not [e for e in ami.events if e["Event"] == "Hangup" and e["Uniqueid"] == str(call_id)]
    await lab.hang_up_at_carrier(number)
    assert (await owes_a_result(shift, call_id)).by is EndedBy.PERSON
    assert len(await shift.calls_at_carrier(number)) == 1


@pytest.mark.req("T3")
async def test_a_phone_that_does_not_come_back_ends_the_talk_and_the_result_is_still_owed(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab, rejoin_seconds=1)
    async with shift.bridge():
        call_id, _ = await talking(shift)
        await lab.phone(shift.seat, "off")

        await lab.hang_up_at_carrier(shift.seat)
        await shift.call_becomes(call_id, CallState.PARTED)

        assert (await owes_a_result(shift, call_id)).by is EndedBy.PHONE
        await shift.duty_becomes(DutyState.PHONE_LOST)


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("T3", "T13")
async def test_a_killed_bridge_leaves_the_talk_up_and_the_next_one_takes_it_up(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab)
    async with shift.bridge_process() as process:
        call_id, number = await talking(shift)
        process.kill()
        await process.wait()
    assert not [event for event in ami.events if event["Event"] == "Hangup"]

    async with shift.bridge():
        await shift.want(call_id, CommandKind.HOLD)
        await shift.call_becomes(call_id, CallState.HELD)
        await shift.want(call_id, CommandKind.RESUME)
        await shift.call_becomes(call_id, CallState.TALKING)
        await lab.hang_up_at_carrier(number)

        told = await owes_a_result(shift, call_id)

        assert (told.result, told.by) == (AttemptResult.ANSWERED, EndedBy.PERSON)
        assert (await shift.recording(call_id))[0] is RecordingState.KEPT
        assert len(await shift.calls_at_carrier(number)) == 1


@pytest.mark.req("T3", "T13")
async def test_a_talk_that_ended_while_no_bridge_was_there_is_closed_with_its_recording(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab)
    async with shift.bridge_process() as process:
        call_id, number = await talking(shift)
        process.kill()
        await process.wait()
    await lab.hang_up_at_carrier(number)
    await ami.event("Hangup", Uniqueid=str(call_id))

    async with shift.bridge():
        told = await owes_a_result(shift, call_id)

        assert (told.attempt, told.result) == (AttemptState.ENDED, AttemptResult.ANSWERED)
        assert (await shift.recording(call_id))[0] is RecordingState.KEPT


@pytest.mark.req("T3")
async def test_a_phone_lost_while_no_bridge_was_there_is_called_again_by_the_next_one(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab)
    async with shift.bridge():
        leg_id = await shift.ready()
    await lab.hang_up_at_carrier(shift.seat)
    await ami.event("Hangup", Uniqueid=str(leg_id))

    async with shift.bridge():
        await ami.event("ConfbridgeJoin", times=2, Conference=names.room(shift.seat))
        await shift.duty_becomes(DutyState.READY)


@pytest.mark.req("T3")
async def test_a_phone_whose_operator_went_home_while_no_bridge_was_there_is_hung_up(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab)
    async with shift.bridge():
        leg_id = await shift.ready()
    await shift.go_home()

    async with shift.bridge():
        await ami.event("Hangup", Uniqueid=str(leg_id))


@pytest.mark.req("T3", "T4")
async def test_a_cut_link_changes_nothing_for_the_talk_and_is_made_again(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:
    shift = new_shift(lab)
    async with Cable(lab.ami_port) as cable:
        shift.plug_into(cable.port)
        async with shift.bridge():
            call_id, number = await talking(shift)

            cable.cut()
            await cable.connected(2)

            await shift.want(call_id, CommandKind.HOLD)
            await shift.call_becomes(call_id, CallState.HELD)
            await lab.hang_up_at_carrier(number)
            assert (await owes_a_result(shift, call_id)).by is EndedBy.PERSON
            assert len(await shift.calls_at_carrier(number)) == 1


@pytest.mark.req("T3", "T4")
async def test_what_happened_while_the_link_was_cut_is_found_out(lab: Lab, ami: Ami, new_shift: NewShift) -> None:
    shift = new_shift(lab)
    async with Cable(lab.ami_port) as cable:
        shift.plug_into(cable.port)
        async with shift.bridge():
            call_id, number = await talking(shift)
            cable.unplug()
            await lab.hang_up_at_carrier(number)
            await ami.event("Hangup", Uniqueid=str(call_id))

            cable.plug()

            told = await owes_a_result(shift, call_id)
            assert (told.attempt, told.result) == (AttemptState.ENDED, AttemptResult.ANSWERED)


@pytest.mark.req("T3", "T4")
async def test_a_click_without_a_link_is_refused_and_never_dialled_later(
    lab: Lab, ami: Ami, new_shift: NewShift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ami_bridge.bridge.LINK_PATIENCE", 0.2)
    shift = new_shift(lab)
    async with Cable(lab.ami_port) as cable:
        shift.plug_into(cable.port)
        async with shift.bridge():
            await shift.ready()
            debtor_id, number = await shift.person(TALKS)
            cable.unplug()

            call_id = await shift.click(debtor_id)
            await shift.call_becomes(call_id, CallState.ENDED)

            monkeypatch.undo()
            cable.plug()
            await cable.connected(2)
            other_id, _ = await shift.person(AT_ONCE)
            await shift.call_becomes(await shift.click(other_id), CallState.TALKING)
            told = await shift.told(call_id)
            assert (told.attempt, told.refusal) == (AttemptState.REFUSED, dialing.NO_PBX)
            assert await shift.calls_at_carrier(number) == []


@pytest.mark.req("T3")
async def test_a_restarted_asterisk_gets_its_phones_back_and_the_lost_talk_is_closed(
    own_lab: Lab, new_shift: NewShift
) -> None:
    shift = new_shift(own_lab)
    async with shift.bridge():
        call_id, number = await talking(shift)

        await own_lab.office.kill()
        await own_lab.office.start()

        told = await owes_a_result(shift, call_id)
        assert told.result is AttemptResult.ANSWERED
        await shift.duty_becomes(DutyState.READY)
        assert len(await shift.calls_at_carrier(number)) == 1


class Heard(logging.Handler):
    """Waits for a line of the log."""

    def __init__(self, logger: str, words: str) -> None:
        super().__init__()
        self._words = words
        self._said = asyncio.Event()
        logging.getLogger(logger).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self._said.set()

    async def wait(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._said.wait()


@pytest.mark.req("P3")
async def test_of_two_bridges_of_one_pbx_one_works_and_one_waits(lab: Lab, ami: Ami, new_shift: NewShift) -> None:
    shift = new_shift(lab)
    waits = Heard("db.tenure", "another process holds")
    async with shift.bridge_process() as first:
        await shift.ready()
        async with shift.bridge():
            await waits.wait()
            call_id = await shift.click((await shift.person(AT_ONCE))[0])
            await shift.call_becomes(call_id, CallState.TALKING)

            first.kill()

            await shift.want(call_id, CommandKind.HANG_UP)
            assert (await owes_a_result(shift, call_id)).by is EndedBy.SCREEN
            assert len([event for event in ami.events if event["Event"] == "OriginateResponse"]) == 2


@pytest.mark.req("T3", "T13")
async def test_where_nothing_can_be_recorded_the_call_goes_on_and_the_recording_is_missing(
    lab: Lab, ami: Ami, new_shift: NewShift, tmp_path: Path
) -> None:
    no_folder = tmp_path / "recordings"
    no_folder.write_bytes(b"")  # nobody can write into it, not even root
    shift = new_shift(lab, recordings_dir=no_folder)
    async with shift.bridge():
        call_id, number = await talking(shift, TALKS)
        await a_second_passes(ami)
        await shift.call_becomes(call_id, CallState.TALKING)
        assert await lab.hang_up_at_carrier(number) == 1

        told = await owes_a_result(shift, call_id)

        assert (told.result, told.by) == (AttemptResult.ANSWERED, EndedBy.PERSON)
        assert (await shift.recording(call_id))[0] is RecordingState.MISSING
        assert len(await shift.calls_at_carrier(number)) == 1
        await shift.duty_becomes(DutyState.READY)
