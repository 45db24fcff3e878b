"""What `saikoku doctor` says of a register, on both databases (P2)."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from db.engine import Database
from db.findings import Finding, Level
from db.rules.campaigns import MachineRule
from db.rules.viewer import system_viewer
from db.schema.staff import AccessLog
from db.settings import DatabaseSettings, Settings
from db.store import access_log
from db.usecases import campaign_desk, stop
from saikoku import doctor
from tests.integration.db.floor import SETTINGS, Floor
from tests.integration.db.people import ADMIN, NOW, SmallOffice


def looked(database: Database) -> list[Finding]:
    return doctor.register(replace(Settings(), database=DatabaseSettings(database.url)))


def bad(database: Database) -> list[str]:
    """What is bad; the tests' PostgreSQL runs without fsync, and doctor has to say so."""
    found = [finding.what for finding in looked(database) if finding.level is Level.BAD]
    without_fsync = [what for what in found if "fsync" in what]
    assert len(without_fsync) == (0 if database.is_sqlite else 1)
    return [what for what in found if what not in without_fsync]


def write(database: Database, rows: int) -> None:
    with database.write() as tx:
        for _ in range(rows):
            access_log.append(tx, ADMIN, NOW, "test")


@pytest.mark.req("P2")
def test_a_good_register(database: Database, small: SmallOffice) -> None:
    small.seat()
    write(database, 3)
    assert bad(database) == []
    assert any("newest form" in finding.what for finding in looked(database))


@pytest.mark.req("P2", "T4")
def test_whether_a_campaign_needs_the_modules_that_tell_machines(database: Database, small: SmallOffice) -> None:
    settings = replace(Settings(), database=DatabaseSettings(database.url))
    floor = Floor(small)
    floor.people(1)
    floor.run()
    assert not doctor.detects(settings)
    campaign_id = floor.run(replace(SETTINGS, machines=MachineRule.HANG_UP))
    assert doctor.detects(settings)
    floor.do(campaign_desk.stop, floor.boss, campaign_id, NOW)
    assert not doctor.detects(settings)


@pytest.mark.req("P2")
def test_an_older_form_is_told_from_the_newest(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    (found,) = looked(database)
    assert found.level is Level.BAD
    assert "of form 0000" in found.what
    assert "db upgrade" in found.mend


@pytest.mark.req("P2", "C2")
def test_the_end_of_the_access_log_is_proven(database: Database) -> None:
    write(database, doctor.LINKS + 20)
    assert bad(database) == []
    with database.write() as tx:
        tx.execute(update(AccessLog).where(AccessLog.seq == doctor.LINKS).values(login="somebody"))
    assert any(f"broken at row {doctor.LINKS}" in what for what in bad(database))


@pytest.mark.req("C2")
@pytest.mark.parametrize("rows", [0, 2, 3, 4, 9])
def test_rows_cut_off_the_end_show_whatever_the_length(database: Database, rows: int) -> None:
    write(database, rows)
    with database.write() as tx:
        assert list(access_log.verify_end(tx, 3)) == []
        if rows:
            last = tx.execute(select(AccessLog.seq).order_by(AccessLog.seq.desc()).limit(1)).scalar_one()
            tx.execute(delete(AccessLog).where(AccessLog.seq == last))
            assert [link.what for link in access_log.verify_end(tx, 3)] == ["the log does not end where it should"]


@pytest.mark.req("P2", "P4")
def test_a_stop_in_force_is_said(database: Database) -> None:
    with database.write() as tx:
        stop.stop(tx, system_viewer("command line"), "x", NOW)
    assert any("emergency stop since 2026-11-24 01:30 UTC by command line" in one.what for one in looked(database))


@pytest.mark.req("P2")
def test_a_register_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    (found,) = looked(Database(f"sqlite:///{tmp_path}/none.db"))
    assert found.level is Level.BAD
    assert not (tmp_path / "none.db").exists()


@pytest.mark.req("P2")
def test_a_server_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    (found,) = looked(Database(f"postgresql://saikoku:geheim@/x?host={tmp_path}"))
    assert found.level is Level.BAD
    assert "geheim" not in str(found)
    assert "\n" not in str(found)
