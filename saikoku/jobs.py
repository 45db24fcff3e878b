"""`saikoku jobs`: the housekeeping of an office, every few minutes: what is over its time is erased.

Each job stands alone: one that fails is logged and tried again in the next round, and holds up no other. All can be run
twice, or by two processes at once, without harm.
"""

import asyncio
import logging
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock
from db.engine import Database
from db.recording_files import OutsideError, inside
from db.settings import Settings
from db.usecases import retention

EVERY: Final = 600.0
"""Seconds between two rounds."""

log = logging.getLogger(__name__)


async def run(settings: Settings, database: Database, clock: Clock) -> None:
    """Keep house until cancelled."""
    while True:
        await keep_house(database, settings.dial.recordings_dir, clock.now())
        await asyncio.sleep(EVERY)


async def keep_house(database: Database, folder: Path, now: datetime) -> int:
    """One round; returns how many recordings were erased. `folder` is that of the recordings."""
    try:
        await database.run(retention.tidy, now)
        return await _erase_recordings(database, folder, now)
    except SQLAlchemyError as error:
        log.warning("the register cannot be written; trying again in %.0f s: %s", EVERY, type(error).__name__)
        return 0


async def _erase_recordings(database: Database, folder: Path, now: datetime) -> int:
    due = await database.ask(retention.recordings_due, now)
    if due and not await asyncio.to_thread(folder.is_dir):
        log.error("%d recordings are over their time, but their folder %s is not there", len(due), folder)
        return 0
    erased = 0
    for recording_id in due:
        erased += await _erase(database, folder, recording_id, now)
    if erased:
        log.info("%d recordings were over their time and are erased", erased)
    return erased


async def _erase(database: Database, folder: Path, recording_id: UUID, now: datetime) -> bool:
    def remove(path: str) -> None:
        inside(folder, path).unlink(missing_ok=True)

    try:
        return await database.run(retention.erase_recording, recording_id, now, remove)
    except (OSError, OutsideError) as error:
        log.error("recording %s cannot be erased: %s", recording_id, error)
        return False
