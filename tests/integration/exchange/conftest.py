"""Files of synthetic core systems, taken by the worker as `saikoku import` and `saikoku jobs` do."""

import tomllib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from db.clock import FixedClock
from db.engine import Database
from db.rules.terms import ImportState
from db.rules.viewer import system_viewer
from db.schema.base import new_id
from db.store import imports
from db.store.imports import ImportRow
from db.usecases import leases
from db.usecases.imports import request, steps
from db.usecases.imports.files import Folder, folder_of, make_folder, receive
from db.usecases.imports.request import Wanted
from db.usecases.imports.steps import Turn
from saikoku.importing import Importer
from tests.integration.db.people import NOW, OFFICE

BY = system_viewer("test")
MAPPINGS = Path("deploy/mappings")


def document(name: str, **changes: Any) -> dict[str, Any]:
    """A mapping that comes with saikoku, changed at the top."""
    return {**tomllib.loads((MAPPINGS / f"{name}.toml").read_text()), **changes}


@dataclass
class Exchange:
    """A register with its folder of imports, and a worker."""

    database: Database
    folder: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    def ask(self, mapping: str | dict[str, Any], data: bytes, **wanted: Any) -> Turn:
        """Put an import in line, with the lease taken."""
        turn = Turn(new_id(), f"test-{uuid.uuid4().hex}")
        target = make_folder(self.folder, turn.run_id).file
        source = target.with_name("source")
        source.write_bytes(data)
        received = receive(source, target)
        made = document(mapping) if isinstance(mapping, str) else mapping
        given = {"as_of": NOW, "dry_run": False, "again": False, "file_name": f"{made['kind']}.csv"} | wanted
        with self.database.write() as tx:
            request.ask(
                tx,
                BY,
                Wanted(
                    run_id=turn.run_id,
                    mapping=made,
                    size=received.size,
                    sha256=received.sha256,
                    encoding=received.encoding,
                    **given,
                ),
                self.clock.now(),
            )
        return turn

    def work(self, turn: Turn, **options: Any) -> ImportRow:
        """Let a worker take it as far as it goes."""
        with self.database.write() as tx:
            assert leases.take(tx, steps.LEASE, turn.holder, self.clock.now(), steps.LASTS, lambda _: True) is None
        return Importer(self.database, self.folder, self.clock, OFFICE.zone, **options).work(turn)

    def take(self, mapping: str | dict[str, Any], data: bytes, **wanted: Any) -> ImportRow:
        """Import a file."""
        turn = self.ask(mapping, data, **wanted)
        row = self.row(turn)
        return row if row.state is ImportState.SAME else self.work(turn)

    def confirm(self, row: ImportRow) -> ImportRow:
        """Say that it is right, and let it be done."""
        with self.database.write() as tx:
            request.confirm(tx, BY, row.id, self.clock.now())
        return self.work(Turn(row.id, "test-confirm"))

    def row(self, turn: Turn) -> ImportRow:
        """How an import stands."""
        with self.database.read() as tx:
            found = imports.one(tx, BY, turn.run_id)
        assert found is not None
        return found

    def files(self, row: ImportRow) -> Folder:
        """Its folder."""
        return folder_of(self.folder, row.id)

    def refusals(self, row: ImportRow) -> list[list[str]]:
        """The report of refused lines, without its heading."""
        import csv

        with self.files(row).refused.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))[1:]

    def all(self, *columns: Any, **by: Any) -> list[tuple[Any, ...]]:
        """Rows of the register."""
        query = select(*columns)
        for name, value in by.items():
            query = query.where(getattr(columns[0].class_, name) == value)
        with self.database.read() as tx:
            return sorted(tuple(row) for row in tx.execute(query))

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.clock.set(now)


@pytest.fixture
def exchange(database: Database, tmp_path: Path) -> Exchange:
    """An empty register."""
    return Exchange(database, tmp_path / "imports")
