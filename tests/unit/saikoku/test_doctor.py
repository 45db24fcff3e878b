"""The parts of `saikoku doctor` that need neither a register nor a PBX (P2)."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from db.findings import Level
from db.settings import AmiSettings, DialSettings
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


# -- Asterisk's own record --------------------------------------------------------------------------------------------

LINE = '"ANSWER","{at}","","s","c","PJSIP/1","1.5","1.5","","",""\n'


@pytest.fixture
def cel(tmp_path: Path) -> Path:
    """A record whose last line is at second 1000."""
    file = tmp_path / "saikoku-cel.csv"
    file.write_text(LINE.format(at="999.5") + LINE.format(at="1000.0") + '"HANGUP","10')
    return file


@pytest.mark.req("P2", "T3")
def test_a_record_that_can_be_read_is_said_with_its_last_line(cel: Path) -> None:
    found = doctor.record(AmiSettings(cel_file=cel), 1001.0)
    assert (found.level, "1970-01-01 00:16" in found.what) == (Level.OK, True)


@pytest.mark.req("P2", "T3")
def test_a_record_that_helps_nobody_is_a_warning_with_its_mend(cel: Path, tmp_path: Path) -> None:
    def mend(ami: AmiSettings) -> str:
        found = doctor.record(ami, 1001.0)
        assert found.level is Level.WARN
        return found.mend

    assert "set it" in mend(AmiSettings(cel_file=Path()))
    assert "include saikoku-cel.conf" in mend(AmiSettings(cel_file=tmp_path / "none.csv"))
    assert "NFS" in mend(AmiSettings(host="192.0.2.1", cel_file=tmp_path / "none.csv"))
    other_form = tmp_path / "Master.csv"
    other_form.write_text('"a","b"\n')
    assert "and reload" in mend(AmiSettings(cel_file=other_form))
    cel.write_text(LINE.format(at="2000.0"))
    assert "NTP" in mend(AmiSettings(cel_file=cel))


@pytest.mark.req("P2", "T3")
def test_a_pbx_on_another_host_is_said(cel: Path) -> None:
    assert "is its file" in doctor.record(AmiSettings(host="192.0.2.1", cel_file=cel), 1001.0).what
