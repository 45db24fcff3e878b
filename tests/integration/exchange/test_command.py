"""`saikoku import` and `saikoku export`: what they print, and the exit status a script goes by."""

from pathlib import Path

import pytest

from db.usecases import leases
from saikoku.__main__ import main
from tests.integration.exchange.core import City, Zeimu

pytestmark = pytest.mark.req("T20")

CITY, ZEIMU = City(6), Zeimu()
MAPPINGS = Path("deploy/mappings")


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    """The command line on an empty register."""
    monkeypatch.setenv("SAIKOKU_DATABASE_URL", url)
    monkeypatch.setenv("SAIKOKU_OFFICE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("SAIKOKU_IMPORTS_DIR", str(tmp_path / "imports"))
    return Run(tmp_path)


class Run:
    """Runs `saikoku import` on files of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, mapping: str, data: bytes, *options: str) -> int:
        file = self.folder / f"{mapping}_20261123.csv"
        file.write_bytes(data)
        kind = mapping.partition("-")[2]
        return main(["import", kind, str(file), "--mapping", str(MAPPINGS / f"{mapping}.toml"), *options])


def test_the_exit_status_tells_what_became_of_a_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.take("zeimu-people", ZEIMU.people(CITY.people), "--dry-run") == 0
    assert "検査済" in capsys.readouterr().out
    assert run.take("zeimu-people", ZEIMU.people(CITY.people)) == 0
    assert "追加 6" in capsys.readouterr().out
    assert run.take("zeimu-people", ZEIMU.people(CITY.people)) == 0
    assert "取り込み済み" in capsys.readouterr().out
    report = run.folder / "report.csv"
    broken = ZEIMU.assessments(CITY.bills).replace(b",5080630,", b",5080631,", 1)
    assert run.take("zeimu-assessments", broken, "--rejected", str(report)) == 1
    assert "納期限" in report.read_text("utf-8-sig")
    assert run.take("zeimu-assessments", b"?") == 3
    assert "見出しに" in capsys.readouterr().out


def test_a_held_file_is_taken_with_a_word(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.take("zeimu-people", ZEIMU.people(CITY.people))
    assert run.take("zeimu-assessments", ZEIMU.assessments(CITY.bills)) == 0
    assert run.take("zeimu-assessments", ZEIMU.assessments(CITY.bills[:3])) == 3
    assert "--confirm" in capsys.readouterr().out
    assert run.take("zeimu-assessments", ZEIMU.assessments(CITY.bills[:3]), "--confirm") == 0
    assert "終了 21" in capsys.readouterr().out


def test_who_asks_wrongly_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    mapping = str(MAPPINGS / "zeimu-people.toml")
    assert main(["import", "flags", "x.csv", "--mapping", mapping]) == 2
    assert main(["import", "people", str(run.folder / "nowhere.csv"), "--mapping", mapping]) == 2
    assert main(["import", "people", mapping, "--mapping", "nowhere.toml"]) == 2
    assert main(["export"]) == 2
    told = capsys.readouterr().err
    assert "is a mapping of people" in told
    assert "cannot be read" in told


def test_an_export_is_written_and_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (run.folder / "out").mkdir()
    mapping = str(MAPPINGS / "zeimu-export-contacts.toml")
    assert main(["export", "--mapping", mapping, "--to", str(run.folder / "out")]) == 0
    assert len(list((run.folder / "out").glob("contacts-*.csv"))) == 1
    assert main(["export", "--list"]) == 0
    assert "交渉記録" in capsys.readouterr().out


def test_before_the_upgrade_nothing_is_touched_and_a_fault_is_no_refused_line(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(leases, "take", None)
    assert run.take("zeimu-people", ZEIMU.people(CITY.people)) == 4
    monkeypatch.setenv("SAIKOKU_DATABASE_URL", f"sqlite:///{tmp_path}/bare.db")
    assert run.take("zeimu-people", ZEIMU.people(CITY.people)) == 2
    assert main(["export", "--list"]) == 2
    assert capsys.readouterr().err.count("run `saikoku db upgrade`") == 2
