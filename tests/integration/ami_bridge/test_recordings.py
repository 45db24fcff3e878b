"""What the bridge notes of a recording's file when its call is over, on a disk that had no room."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from ami_bridge.recordings import Recordings
from db.clock import FixedClock
from db.engine import Database
from db.register import Register
from db.rules.telephony import RecordingState
from db.schema.calls import Recording
from db.usecases import calls
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.webpanel.on_the_line import OnTheLine

HEAD = 44


@dataclass
class Office:
    """Where the operator of `OnTheLine` sits."""

    database: Database
    small: SmallOffice


class Leaping:
    """A clock on which every wait is over at once."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds


@pytest.mark.req("T13")
@pytest.mark.parametrize(
    ("size", "state", "milliseconds"),
    [
        (0, RecordingState.MISSING, None),
        (HEAD, RecordingState.MISSING, None),
        (HEAD + 16_000, RecordingState.KEPT, 1000),
    ],
)
async def test_a_file_without_sound_is_no_recording_and_one_cut_off_is_kept_as_far_as_it_goes(
    small: SmallOffice, tmp_path: Path, size: int, state: RecordingState, milliseconds: int | None
) -> None:
    database = small.database
    line = OnTheLine(Office(database, small), small.user("op"), small.debtor())
    call_id = line.talk()
    line.hang_up(call_id)
    query = select(Recording.path, Recording.state, Recording.milliseconds)
    with database.read() as tx:
        file = tmp_path / tx.execute(query).one().path
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(size))
    time = Leaping()
    register = Register(database, FixedClock(NOW), time)

    async with asyncio.TaskGroup() as tasks:
        await Recordings(register, tmp_path, tasks, time).look_at(call_id)

    with database.read() as tx:
        assert tuple(tx.execute(query).one())[1:] == (state, milliseconds)
    await database.aclose()


@pytest.mark.req("T13")
@pytest.mark.parametrize("sound", [0, 16_000])
async def test_a_file_that_nobody_expected_becomes_known_or_goes(
    small: SmallOffice, tmp_path: Path, sound: int
) -> None:  # fmt: skip
    database = small.database
    line = OnTheLine(Office(database, small), small.user("op"), small.debtor())
    line.take_seat()
    call_id = line.place()
    with database.write() as tx:
        assert calls.authorize(tx, call_id, NOW, OFFICE)
        calls.unknown(tx, call_id, NOW)
    file = tmp_path / calls.recording_path(call_id, NOW)
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(HEAD + sound))
    time = Leaping()
    register = Register(database, FixedClock(NOW), time)

    async with asyncio.TaskGroup() as tasks:
        looked_at = Recordings(register, tmp_path, tasks, time)
        await looked_at.look_at(call_id)
        await looked_at.look_at(call_id)

    with database.read() as tx:
        rows = tx.execute(select(Recording.state, Recording.milliseconds, Recording.call_id)).all()
    assert [tuple(row) for row in rows] == ([(RecordingState.KEPT, 1000, call_id)] if sound else [])
    assert file.exists() == bool(sound)
    await database.aclose()
