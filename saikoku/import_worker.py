"""The worker of imports and exports in `saikoku jobs`: takes up what the panel asked for, and what was interrupted."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock
from db.engine import Database
from db.hints import LOOK_EVERY, hints
from db.processes import is_gone, this_process
from db.settings import Settings
from db.store import imports
from db.usecases import exports, leases
from db.usecases.imports import steps
from db.usecases.imports.steps import Turn
from db.usecases.leases import LeaseLostError
from saikoku.import_work import StoppedError
from saikoku.importing import Importer

AFTER_TROUBLE: Final = 10.0
"""Seconds before an import that the register refused is taken up again."""

log = logging.getLogger(__name__)


async def run(settings: Settings, database: Database, clock: Clock) -> None:
    """Work until cancelled; then stop between two steps."""
    stop = threading.Event()
    worker = Worker(database, settings.imports.dir, clock, settings.office.zone, stop)
    async with hints(database, settings.office.run_dir) as listening:
        while True:
            try:
                work = asyncio.ensure_future(asyncio.to_thread(worker.work))
                await asyncio.shield(work)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.wait([work])
                raise
            except SQLAlchemyError as error:
                log.warning("an import waits, the register refuses it: %s", type(error).__name__)
                await asyncio.sleep(AFTER_TROUBLE)
            await listening.wait(LOOK_EVERY)


class Worker:
    """Takes imports one after the other, under the lease of imports. In a thread: reading a file is work."""

    def __init__(
        self, database: Database, imports_dir: Path, clock: Clock, zone: ZoneInfo, stop: threading.Event
    ) -> None:
        self._database, self._clock, self._stop = database, clock, stop
        self._importer = Importer(database, imports_dir, clock, zone, stop.is_set)
        self._holder = this_process()

    def work(self) -> int:
        """Take all that waits; returns how many imports that were."""
        self._collect_exports()
        done = 0
        if not self._waiting() or not self._take():
            return done
        try:
            while not self._stop.is_set() and (run_id := self._waiting()):
                row = self._importer.work(Turn(run_id, self._holder))
                log.info("import %s: %s, %d lines refused", run_id, row.state.value, row.rejected)
                done += 1
        except StoppedError:
            log.info("an import is interrupted; it goes on when this starts again")
        except LeaseLostError:
            log.warning("another process works on imports")
            return done
        self._release()
        return done

    def _collect_exports(self) -> None:
        """Gather what exports asked for in the panel are to hold."""
        while not self._stop.is_set():
            with self._database.read() as tx:
                run_id = exports.next_to_do(tx)
            if run_id is None:
                return
            with self._database.write() as tx:
                if exports.collect(tx, run_id) == 0:
                    exports.finish(tx, run_id, self._clock.now())

    def _waiting(self) -> UUID | None:
        with self._database.read() as tx:
            return imports.next_to_do(tx)

    def _take(self) -> bool:
        with self._database.write() as tx:
            return leases.take(tx, steps.LEASE, self._holder, self._clock.now(), steps.LASTS, is_gone) is None

    def _release(self) -> None:
        with self._database.write() as tx:
            leases.release(tx, steps.LEASE, self._holder)
