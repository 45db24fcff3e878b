"""Data back to the core system: everything once, whatever is killed, and every file again."""

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from db.clock import FixedClock
from db.rules.exports import parse_export
from db.rules.imports.mapping import MappingError
from db.rules.terms import AnsweredBy, Area, Channel
from db.rules.viewer import NotAllowedError
from db.schema.base import new_id
from db.schema.contacts import Contact, Promise, PromiseLine
from db.schema.exchange import ExportItem, ExportRun
from db.settings import OfficeSettings, Settings
from db.usecases import exports
from db.usecases.imports.files import export_mappings
from saikoku import exports as command
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

pytestmark = pytest.mark.req("T20")

DOCUMENTS = {one.name: dict(one.document) for one in export_mappings(Path("deploy/mappings"))}
CONTACTS, PROMISES = DOCUMENTS["zeimu-export-contacts"], DOCUMENTS["zeimu-export-promises"]
SETTINGS = replace(Settings(), office=OfficeSettings(zone=OFFICE.zone))


class Desk:
    """An office with a person, and a folder that the core system reads."""

    def __init__(self, small: SmallOffice, folder: Path) -> None:
        self.database, self.small, self.folder = small.database, small, folder
        self.user = small.user("op")
        self.debtor_id = small.debtor("髙橋 一郎", number="0000000007")
        self.clock = FixedClock(NOW)
        folder.mkdir()

    def contact(self, note: str, *, area: Area = Area.TAX, after: timedelta = timedelta(0)) -> None:
        with self.database.write() as tx:
            tx.execute(
                insert(Contact).values(
                    id=new_id(), debtor_id=self.debtor_id, area=area, channel=Channel.CALL_OUT, at=NOW,
                    user_id=self.user.user_id, number="+819011112222", answered_by=AnsweredBy.SELF,
                    disposition="talked_self", note=note, recorded_at=NOW + after,
                )
            )  # fmt: skip

    def export(self, document: dict[str, object] = CONTACTS) -> list[list[str]]:
        """What the files of one call hold, without headings."""
        rows = []
        for path, _ in command.export(self.database, document, self.folder, SETTINGS, self.clock):
            rows += self.read(path)
        return rows

    def read(self, path: Path) -> list[list[str]]:
        with path.open(encoding="cp932", newline="") as file:
            return list(csv.reader(file))[1:]


@pytest.fixture
def desk(small: SmallOffice, tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(small, tmp_path / "out")


def later(desk: Desk, **by: int) -> None:
    desk.clock.set(desk.clock.now() + timedelta(**by))


def test_each_contact_goes_out_once(desk: Desk) -> None:
    desk.contact("一")
    desk.contact("二\r\n改行")
    desk.contact("水道", area=Area.PRIVATE)
    first = desk.export()
    assert [row[7] for row in first] == ["一", "二\r\n改行"]
    assert first[0][:7] == ["0000000007", "20261124 10:30:00", "架電", "opさん", "+819011112222", "本人", "本人と通話"]
    later(desk, minutes=5)
    assert desk.export() == []
    desk.contact("三", after=timedelta(minutes=6))
    later(desk, minutes=5)
    assert [row[7] for row in desk.export()] == ["三"]


def test_what_was_committed_late_is_not_missed(desk: Desk) -> None:
    desk.contact("一")
    later(desk, hours=1)
    desk.export()
    desk.contact("遅れて確定", after=timedelta(minutes=1))
    later(desk, hours=1)
    assert [row[7] for row in desk.export()] == ["遅れて確定"]


def test_promises_with_their_lines_and_their_cancelling(desk: Desk) -> None:
    promise_id = new_id()
    with desk.database.write() as tx:
        tx.execute(
            insert(Promise).values(
                id=promise_id, debtor_id=desk.debtor_id, area=Area.TAX, made_at=NOW, made_by=desk.user.user_id
            )
        )
        tx.execute(insert(PromiseLine), [
            {"promise_id": promise_id, "number": 1, "due_on": NOW.date(), "amount": 3_000},
            {"promise_id": promise_id, "number": 2, "due_on": NOW.date() + timedelta(days=30), "amount": 2_000},
        ])  # fmt: skip
    rows = desk.export(PROMISES)
    assert [(row[1], row[4], row[5], row[6], row[7], row[8]) for row in rows] == [
        ("新規", "1", "2", "20261124", "3000", "5000"),
        ("新規", "2", "2", "20261224", "2000", "5000"),
    ]
    later(desk, hours=1)
    with desk.database.write() as tx:
        tx.execute(update(Promise).values(cancelled_at=desk.clock.now()))
    later(desk, hours=1)
    assert [row[1] for row in desk.export(PROMISES)] == ["取消", "取消"]
    later(desk, hours=1)
    assert desk.export(PROMISES) == []


@pytest.mark.parametrize("dies_at", ["collect", "piece", "finish"])
def test_a_killed_export_neither_loses_nor_repeats(desk: Desk, monkeypatch: pytest.MonkeyPatch, dies_at: str) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    for number in range(5):
        desk.contact(str(number))
    real, calls = getattr(exports, dies_at), [0]

    def dying(*args: object, **kwargs: object) -> object:
        calls[0] += 1
        if calls[0] == (1 if dies_at == "finish" else 2):
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(exports, dies_at, dying)
        with pytest.raises(KeyboardInterrupt):
            desk.export()
    whole = list(desk.folder.glob("*.csv"))
    assert bool(whole) == (dies_at == "finish")
    later(desk, minutes=5)
    desk.contact("5", after=timedelta(minutes=5))
    assert sorted(row[7] for row in desk.export()) == ["0", "1", "2", "3", "4", "5"]
    assert sum(len(desk.read(path)) for path in desk.folder.glob("*.csv")) == 6
    with desk.database.read() as tx:
        assert len(tx.execute(select(ExportItem.subject_id)).all()) == 6


def test_an_export_can_be_fetched_again_as_it_was(desk: Desk) -> None:
    desk.contact("一")
    desk.export()
    path = next(desk.folder.glob("*.csv"))
    before = path.read_bytes()
    path.unlink()
    desk.contact("二")
    with desk.database.read() as tx:
        run_id = tx.execute(select(ExportRun.id)).scalar_one()
    assert command.write(desk.database, run_id, desk.folder, SETTINGS, desk.clock).read_bytes() == before


def test_only_those_with_the_right_in_the_area_export(desk: Desk) -> None:
    with desk.database.write() as tx, pytest.raises(NotAllowedError):
        exports.begin(tx, desk.user, CONTACTS, NOW, for_file=False, zone=OFFICE.zone)
    with desk.database.write() as tx:
        assert exports.begin(tx, ADMIN, CONTACTS, NOW, for_file=False, zone=OFFICE.zone)


def test_what_is_wrong_with_a_mapping_is_told() -> None:
    with pytest.raises(MappingError) as told:
        parse_export({"export": {"kind": "contacts", "areas": ["x"], "wen": 1}, "columns": [{"field": "money"}]})
    text = "\n".join(told.value.problems)
    for place in ("export.wen", "export.areas", "columns[1]"):
        assert place in text
    assert len(DOCUMENTS) == 3
