"""The worker of imports: takes one import from the file to the register, for `saikoku import` and `saikoku jobs` alike.

It may be killed at any moment: whoever takes the import up again reads the file anew, or goes on applying where it was
(`db.usecases.imports` says why that is safe). Files of an import stand in a folder of its own, readable by us only.
"""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from db.clock import Clock, office_date
from db.engine import Database
from db.rules.imports.lines import HeaderError
from db.rules.imports.mapping import MappingError, parse_mapping
from db.rules.terms import ImportState
from db.store import imports
from db.store.imports import ImportRow
from db.usecases.imports import steps
from db.usecases.imports.context import Context
from db.usecases.imports.files import folder_of
from db.usecases.imports.steps import CancelledError, Turn
from saikoku.import_work import BY, BadFileError, Work

CONTAINERS: Final = 200_000
"""New containers between two looks for cycles, while an import goes on."""

log = logging.getLogger(__name__)


class Importer:
    """Works on one import after the other."""

    def __init__(
        self,
        database: Database,
        imports_dir: Path,
        clock: Clock,
        zone: ZoneInfo,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`stop` is asked between steps; `progress` is told of thousandths about twice a second."""
        self._database = database
        self._progress = progress
        self._dir = imports_dir
        self._clock = clock
        self._zone = zone
        self._stop = stop

    def work(self, turn: Turn) -> ImportRow:
        """Take an import as far as it goes; returns how it stands then. Raises StoppedError, LeaseLostError."""
        row = self._row(turn)
        if not row.running:
            return row
        folder = folder_of(self._dir, turn.run_id)
        try:
            work = Work(self._database, self._clock, self._stop, self._progress, self._context(row), turn, row, folder)
            with _few_collections():
                work.run()
        except CancelledError:
            self._close(turn, ImportState.CANCELLED)
        except (HeaderError, MappingError, BadFileError) as error:
            self._close(turn, ImportState.FAILED, str(error))
        except OSError as error:
            log.exception("import %s cannot be read", turn.run_id)
            self._close(turn, ImportState.FAILED, f"ファイルを読めませんでした（{error.strerror}）。")
        done = self._row(turn)
        if done.state not in (*imports.UNFINISHED, ImportState.HELD, ImportState.CHECKED):
            folder.file.unlink(missing_ok=True)
            folder.stage.unlink(missing_ok=True)
        return done

    def _row(self, turn: Turn) -> ImportRow:
        with self._database.read() as tx:
            row = imports.one(tx, BY, turn.run_id)
        if row is None:
            raise LookupError(turn.run_id)
        return row

    def _context(self, row: ImportRow) -> Context:
        today = office_date(self._clock.now(), self._zone)
        return Context(parse_mapping(row.mapping), row.as_of, office_date(row.as_of, self._zone), today)

    def _close(self, turn: Turn, state: ImportState, error: str = "") -> None:
        with self._database.write() as tx:
            steps.close(tx, turn, self._clock.now(), state, error)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles seldom: a file's lines are many containers that live shortly and hold no cycles, and to go over them
    took a third of the time of reading."""
    usual = gc.get_threshold()
    gc.set_threshold(CONTAINERS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
