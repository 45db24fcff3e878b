"""The housekeeping: recordings whose time is over go with their files, held ones stay."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from db.engine import Database
from db.rules.telephony import RecordingState
from db.schema.calls import Recording
from db.schema.ops import Outbox
from db.usecases import calls, merges, recordings
from saikoku import jobs
from saikoku.jobs import keep_house
from tests.integration.db.people import NOW, SmallOffice
from tests.integration.webpanel.on_the_line import OnTheLine

LATER = NOW + calls.KEEP_RECORDING + timedelta(minutes=1)


class House:
    """An office with one recorded call, and its folder of recordings."""

    def __init__(self, database: Database, small: SmallOffice, folder: Path) -> None:
        self.database, self.small, self.folder = database, small, folder
        line = OnTheLine(self, small.user("op"), small.debtor())
        call_id = line.talk()
        line.hang_up(call_id)
        with database.write() as tx:
            recordings.recording_kept(tx, call_id, NOW, size=5, milliseconds=1, sha256="-")
        self.file = folder / self.row[1]
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(b"sound")

    @property
    def row(self) -> tuple[RecordingState, str]:
        with self.database.read() as tx:
            found = tx.execute(select(Recording.state, Recording.path)).one()
            return found.state, found.path

    def set(self, **values: object) -> None:
        with self.database.write() as tx:
            tx.execute(update(Recording).values(**values))

    async def keep(self) -> int:
        """One round, when the recording is over its time."""
        return await keep_house(self.database, self.folder, LATER)


@pytest.fixture
async def house(database: Database, small: SmallOffice, tmp_path: Path) -> AsyncIterator[House]:
    """A house to keep."""
    yield House(database, small, tmp_path / "recordings")
    await database.aclose()


@pytest.mark.req("T13")
async def test_a_recording_over_its_time_goes_with_its_file(house: House) -> None:
    assert await keep_house(house.database, house.folder, LATER - timedelta(minutes=5)) == 0
    assert house.file.exists()

    assert await house.keep() == 1

    assert house.row[0] is RecordingState.ERASED
    assert not house.file.exists()
    assert await house.keep() == 0


@pytest.mark.req("T13")
async def test_a_held_recording_stays(house: House) -> None:
    house.set(legal_hold=True)
    assert await house.keep() == 0
    assert house.file.exists()


@pytest.mark.req("T13")
async def test_one_whose_file_is_gone_already_is_erased_too(house: House) -> None:
    house.file.unlink()
    assert await house.keep() == 1
    assert house.row[0] is RecordingState.ERASED


@pytest.mark.req("T13")
async def test_while_the_folder_is_not_there_nothing_is_said_to_be_erased(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = house.folder.rename(house.folder.with_name("not-mounted"))
    with caplog.at_level(logging.ERROR):
        assert await house.keep() == 0
    assert house.row[0] is RecordingState.KEPT
    assert "folder" in caplog.text
    elsewhere.rename(house.folder)
    assert await house.keep() == 1


@pytest.mark.req("T13")
@pytest.mark.parametrize("way", ["up", "absolute", "a folder"])
async def test_what_is_no_recording_of_ours_is_never_removed(
    house: House, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    other = house.folder.parent / "other.wav"
    other.write_bytes(b"other")
    house.set(path={"up": "../other.wav", "absolute": str(other), "a folder": "2026"}[way])
    with caplog.at_level(logging.ERROR):
        assert await house.keep() == 0
    assert other.exists()
    assert house.file.exists()
    assert house.row[0] is RecordingState.KEPT
    assert "cannot be erased" in caplog.text


@pytest.mark.req("T13")
async def test_a_round_trims_the_outbox(house: House) -> None:
    house.set(legal_hold=True)
    await house.keep()
    with house.database.read() as tx:
        assert not tx.execute(select(Outbox.seq)).first()


@pytest.mark.req("T10")
async def test_people_who_may_be_one_are_found_a_part_of_the_register_at_a_time(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(merges, "SWEPT", 2)
    monkeypatch.setattr(jobs, "SWEEPS", 1)
    house.small.debtor("鈴木 一", "スズキ ハジメ", phone=None)
    house.small.debtor()
    assert await jobs.find_pairs(house.database, NOW) == 1, "the first is near the third"
    assert await jobs.find_pairs(house.database, NOW) == 0, "the third"
    assert await jobs.find_pairs(house.database, NOW) == 0, "the end"
    house.small.debtor()
    assert await jobs.find_pairs(house.database, NOW) == 1, "from the beginning again"
    monkeypatch.setattr(merges, "look", _broken)
    assert await jobs.find_pairs(house.database, NOW) == 0
    assert "OperationalError" in caplog.text


def _broken(tx: object) -> merges.Found:
    raise OperationalError("SELECT", {}, Exception("disk I/O error"))
