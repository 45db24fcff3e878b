"""The parts of `saikoku doctor` that need neither a register nor a PBX (P2)."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ami_bridge.checks import Level
from db.settings import DialSettings
from db.store.calls import SeatRow
from saikoku import doctor

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


def seat(extension: str = "1001", channel: str = "PJSIP/1001", pbx: str = "main") -> SeatRow:
    return SeatRow(extension, "席", channel, pbx, None)


@pytest.mark.req("P2")
def test_a_foreign_package_named_db_is_found_out() -> None:
    assert doctor.package(Path("/a/db/__init__.py"), Path("/a/saikoku/__init__.py")).level is Level.OK
    assert doctor.package(Path("/b/db/__init__.py"), Path("/a/saikoku/__init__.py")).level is Level.BAD


@pytest.mark.req("P2")
@pytest.mark.parametrize(("zone", "level"), [("Asia/Tokyo", Level.OK), ("UTC", Level.BAD), ("Asia/Seoul", Level.OK)])
def test_the_office_is_in_japan(zone: str, level: Level) -> None:
    assert doctor.zone(ZoneInfo(zone), NOW).level is level


@pytest.mark.req("P2")
def test_a_run_dir_that_is_not_there_is_bad(tmp_path: Path) -> None:
    assert doctor.run_dir(tmp_path).level is Level.OK
    assert list(tmp_path.iterdir()) == []
    assert doctor.run_dir(tmp_path / "none").level is Level.BAD


@pytest.mark.req("P2", "T13")
def test_recordings_need_a_folder(tmp_path: Path) -> None:
    (missing,) = doctor.recordings(DialSettings(recordings_dir=tmp_path / "none"))
    assert missing.level is Level.BAD
    assert next(iter(doctor.recordings(DialSettings(recordings_dir=tmp_path)))).level is Level.OK


@pytest.mark.req("P2", "T13")
@pytest.mark.parametrize(("gib", "level"), [(0.5, Level.BAD), (5, Level.WARN), (50, Level.OK)])
def test_room_for_recordings(gib: float, level: Level) -> None:
    assert doctor.free_space(int(gib * doctor.GIB)).level is level


@pytest.mark.req("P2")
def test_seats() -> None:
    assert [one.level for one in doctor.seats([], "main")] == [Level.WARN]
    assert [one.level for one in doctor.seats([seat()], "main")] == [Level.OK]
    assert [one.level for one in doctor.seats([seat(), seat("1002", "")], "main")] == [Level.BAD]
    assert [one.level for one in doctor.seats([seat(pbx="branch")], "main")] == [Level.OK, Level.WARN]


@pytest.mark.req("P2")
def test_files_that_cannot_be_read_are_a_warning(tmp_path: Path) -> None:
    assert [one.level for one in doctor.files(tmp_path)] == [Level.WARN]
