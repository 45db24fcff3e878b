"""A supervisor in an operator's call on a real Asterisk (T14): who hears whom in each mode, that it ends with the call; and a
duty that a supervisor ends."""

import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from ami_bridge import variables as names
from db.rules.telephony import CallState, DutyState, MonitorMode
from db.rules.viewer import Viewer
from db.schema.staff import AccessLog
from db.store import calls as stored
from db.usecases import commands, duty, floor_acts, monitoring, results
from db.usecases.results import Entry
from saikoku.lab.carrier import DESK_HZ, OTHER_HZ, TALK_HZ
from saikoku.lab.pbx import Lab
from tests.integration.db.people import OFFICE
from tests.live.ami import Ami
from tests.live.returning import Office, agi_address, laid, office, return_ami, return_lab
from tests.live.test_dialplan import a_second_passes
from tests.live.test_transfer import in_room
from tests.live.tones import loudness, whole_recording

__all__ = ["agi_address", "laid", "office", "return_ami", "return_lab"]

HEARD = 700  # of 32767; the tones are at about 4000 alone and less when three are mixed, what is not there is below 100
OPERATOR, SUPERVISOR = "1001", "1002"
WORDS = {DESK_HZ: "operator", TALK_HZ: "person", OTHER_HZ: "supervisor"}


@pytest_asyncio.fixture(loop_scope="session")
async def supervisor(office: Office) -> AsyncIterator[Viewer]:
    """A supervisor at a seat of their own, whose phone sounds unlike the operator's."""
    await office.lab.phone(SUPERVISOR, "other")
    await office.ready()
    yield await office.colleague(SUPERVISOR, "supervisor")
    await office.lab.phone(SUPERVISOR, "answer")


async def leg_of(office: Office, viewer: Viewer) -> str:
    row = await office.database.ask(stored.duty, viewer.user_id)
    assert row is not None
    return str(row.leg_id)


async def talking(office: Office) -> tuple[uuid.UUID, str]:
    person, number = await office.person(0)
    call_id = await office.click(person)
    await office.call_is(call_id, CallState.TALKING)
    return call_id, number


async def listens(office: Office, ami: Ami, supervisor: Viewer) -> str:
    """The supervisor's phone hears the operator's call; returns its leg."""
    leg, now = await leg_of(office, supervisor), office.clock.now()
    await office.database.run(monitoring.begin, supervisor, office.operator.user_id, MonitorMode.LISTEN, now)
    await ami.event("ChanSpyStart", SpyerUniqueid=leg)
    return leg


async def who_hears_whom(office: Office, ami: Ami, number: str, folder: Path) -> dict[str, set[str]]:
    """What each of the three phones hears in a second."""
    files = {one: folder / f"{uuid.uuid4()}.wav" for one in (OPERATOR, SUPERVISOR, number)}
    for one, file in files.items():
        await office.lab.hear(one, file)
    await a_second_passes(ami)
    heard = {}
    for one, file in files.items():
        await office.lab.hear_no_more(one)
        samples = await whole_recording(file)
        assert len(samples) > 4000, f"{one} was not listened to"
        heard[one] = {word for hz, word in WORDS.items() if loudness(samples, hz) > HEARD}
    return {"operator": heard[OPERATOR], "supervisor": heard[SUPERVISOR], "person": heard[number]}


@pytest.mark.req("T14", "C2")
async def test_who_hears_whom_in_each_mode_and_afterwards(
    office: Office, return_ami: Ami, supervisor: Viewer, tmp_path: Path
) -> None:
    call_id, number = await talking(office)
    leg = await leg_of(office, supervisor)

    async def enter(mode: MonitorMode) -> dict[str, set[str]]:
        await office.database.run(monitoring.begin, supervisor, office.operator.user_id, mode, office.clock.now())
        if mode is MonitorMode.BARGE:
            await return_ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room(OPERATOR))
        else:
            times = 1 if mode is MonitorMode.LISTEN else 2
            await return_ami.event("ChanSpyStart", SpyerUniqueid=leg, times=times)
        return await who_hears_whom(office, return_ami, number, tmp_path)

    both = {"operator", "person"}
    assert await enter(MonitorMode.LISTEN) == {"supervisor": both, "operator": {"person"}, "person": {"operator"}}
    assert await enter(MonitorMode.WHISPER) == {
        "supervisor": both, "operator": {"person", "supervisor"}, "person": {"operator"}
    }  # fmt: skip
    assert await enter(MonitorMode.BARGE) == {
        "supervisor": both, "operator": {"person", "supervisor"}, "person": {"operator", "supervisor"}
    }  # fmt: skip
    await office.is_at(supervisor, DutyState.MONITORING)
    await office.database.run(monitoring.stop, supervisor, office.clock.now())
    await return_ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room(SUPERVISOR), times=2)
    await office.is_at(supervisor, DutyState.READY)
    assert await who_hears_whom(office, return_ami, number, tmp_path) == {
        "supervisor": set(), "operator": {"person"}, "person": {"operator"}
    }  # fmt: skip
    row = await office.duty()
    assert row is not None
    assert (row.state, row.call_id) == (DutyState.BUSY, call_id), "the talk has gone on all the while"
    logged = select(AccessLog.action, AccessLog.debtor_id.is_not(None)).where(
        AccessLog.action.startswith("call.monitor")
    )
    rows = await office.database.ask(lambda tx: [tuple(one) for one in tx.execute(logged.order_by(AccessLog.seq))])
    assert rows == [("call.monitor", True)] * 3 + [("call.monitor_end", True)]
    assert office.lab.office.complaints() == []


@pytest.mark.req("T14", "T13")
@pytest.mark.parametrize("mode", list(MonitorMode))
async def test_it_ends_with_the_call_in_whose_recording_is_what_the_person_heard(
    office: Office, return_ami: Ami, supervisor: Viewer, mode: MonitorMode
) -> None:
    call_id, number = await talking(office)
    leg = await leg_of(office, supervisor)
    await office.database.run(duty.pause, supervisor, "打合せ", office.clock.now())
    await office.database.run(monitoring.begin, supervisor, office.operator.user_id, mode, office.clock.now())
    if mode is MonitorMode.BARGE:
        await return_ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room(OPERATOR))
    else:
        await return_ami.event("ChanSpyStart", SpyerUniqueid=leg)
    await a_second_passes(return_ami)

    await office.lab.hang_up_at_carrier(number)

    await office.duty_becomes(DutyState.WRAP_UP)
    await office.is_at(supervisor, DutyState.PAUSED)
    await return_ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room(SUPERVISOR), times=2)
    assert (await in_room(office, SUPERVISOR), await in_room(office, OPERATOR)) == (1, 1)
    _, file, *_ = await office.recording(call_id)
    samples = await whole_recording(file)
    assert {word for hz, word in WORDS.items() if loudness(samples, hz) > HEARD} == (
        {"operator", "person", "supervisor"} if mode is MonitorMode.BARGE else {"operator", "person"}
    )


@pytest.mark.req("T14")
async def test_a_phone_that_has_nobody_to_hear_any_more_comes_home_by_itself(
    office: Office, return_ami: Ami, supervisor: Viewer
) -> None:
    await talking(office)
    leg = await listens(office, return_ami, supervisor)

    await office.lab.hang_up_at_carrier(OPERATOR)

    await return_ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room(SUPERVISOR), times=2)
    await office.is_at(supervisor, DutyState.READY)


@pytest.mark.req("T14")
@pytest.mark.parametrize("wish", ["ends", "whispers"])
async def test_what_a_bridge_was_killed_before_it_did_the_next_one_does(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path, wish: str
) -> None:
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    async with office.bridge():
        await office.ready()
        supervisor = await office.colleague(SUPERVISOR, "supervisor")
        await talking(office)
        leg = await listens(office, return_ami, supervisor)
    if wish == "ends":
        await office.database.run(monitoring.stop, supervisor, office.clock.now())
    else:
        await office.database.run(monitoring.change, supervisor, MonitorMode.WHISPER, office.clock.now())
    assert await office.database.run(commands.claim, office.settings.ami.pbx, office.clock.now())

    async with office.bridge():
        if wish == "ends":
            await return_ami.event("ConfbridgeJoin", Uniqueid=leg, Conference=names.room(SUPERVISOR), times=2)
            await office.is_at(supervisor, DutyState.READY)
        else:
            await return_ami.event("ChanSpyStart", SpyerUniqueid=leg, times=2)
            await office.is_at(supervisor, DutyState.MONITORING)
    await office.database.aclose()


@pytest.mark.req("T14")
async def test_a_duty_that_is_ended_during_a_call_lets_the_phone_go_once_the_result_is_saved(
    office: Office, return_ami: Ami, supervisor: Viewer
) -> None:
    call_id, number = await talking(office)
    leg = await leg_of(office, office.operator)
    now = office.clock.now()
    await office.database.run(floor_acts.end, supervisor, office.operator.user_id, "終業", now)
    await a_second_passes(return_ami)
    await office.call_is(call_id, CallState.TALKING)
    await office.lab.hang_up_at_carrier(number)
    await office.duty_becomes(DutyState.WRAP_UP)
    assert await in_room(office, OPERATOR) == 1

    entry = Entry("talked_self")
    await office.database.run(results.record_result, office.operator, call_id, entry, office.clock.now(), OFFICE)

    await return_ami.event("Hangup", Uniqueid=leg)
    assert await office.duty() is None
