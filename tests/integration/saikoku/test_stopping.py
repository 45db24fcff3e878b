"""`saikoku stop`, `resume` and `doctor` as a shell runs them, with no panel and no bridge (P2, P4)."""

from pathlib import Path

import pytest
from sqlalchemy import select

from db.engine import Database
from db.schema.staff import AccessLog
from db.store import office
from saikoku.__main__ import main


@pytest.fixture
def environ(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("DATABASE_URL", url),
        ("OFFICE_RUN_DIR", str(tmp_path / "run")),
        ("DIAL_RECORDINGS_DIR", str(tmp_path)),
        ("AMI_PORT", "1"),
    ):
        monkeypatch.setenv(f"SAIKOKU_{name}", value)


def in_force(database: Database) -> office.Stopped | None:
    with database.read() as tx:
        return office.stopped(tx)


@pytest.mark.req("P4")
def test_stop_asks_nothing_and_resume_asks(
    environ: None, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # fmt: skip
    assert main(["stop", "名簿の", "誤り"]) == 0
    found = in_force(database)
    assert found is not None
    assert found.reason == "名簿の 誤り"
    assert found.by.startswith("command line (")

    (tmp_path / "no").write_text("no\n")
    (tmp_path / "yes").write_text("yes\n")
    with (tmp_path / "no").open() as answer:
        monkeypatch.setattr("sys.stdin", answer)
        assert main(["resume"]) == 2
    assert in_force(database) is not None
    assert "名簿の 誤り" in capsys.readouterr().out
    with (tmp_path / "yes").open() as answer:
        monkeypatch.setattr("sys.stdin", answer)
        assert main(["resume"]) == 0
    assert in_force(database) is None
    with database.read() as tx:
        assert tx.execute(select(AccessLog.action)).scalars().all() == ["office.stop", "office.resume"]


@pytest.mark.req("P4")
def test_resume_can_be_answered_beforehand_and_may_find_nothing_to_do(
    environ: None, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stop", "x"]) == 0
    assert main(["resume", "--yes"]) == 0
    assert in_force(database) is None
    assert main(["resume"]) == 0
    assert "nothing is stopped" in capsys.readouterr().out


@pytest.mark.req("P4")
def test_a_stop_that_did_not_happen_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAIKOKU_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.setenv("SAIKOKU_OFFICE_RUN_DIR", str(tmp_path / "run"))
    assert main(["stop", "x"]) == 2
    assert "NOT stopped" in capsys.readouterr().err
    assert main(["resume"]) == 2


@pytest.mark.req("P2")
def test_doctor_says_all_and_tells_by_its_status(
    environ: None, database: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    assert main(["doctor", "--asterisk", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(line.split()[0] in {"ok", "warn", "bad"} for line in lines)
    assert any(line.startswith("ok    the register") for line in lines)
    assert any(line.startswith("bad   no manager link to 127.0.0.1:1") for line in lines)
