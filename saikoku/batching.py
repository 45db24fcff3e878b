"""The part of `saikoku jobs` that batches of messages need: the people on their lists are looked at, step by step (S2, S6)."""

import logging
import uuid
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock
from db.engine import Database
from db.hints import LOOK_EVERY, hints
from db.settings import Settings
from db.usecases import sms_batches
from db.usecases.office import Office

log: Final = logging.getLogger(__name__)


async def follow(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Prepare batches until cancelled."""
    async with hints(database, settings.office.run_dir) as heard:
        while True:
            await prepare(database, clock, office)
            await heard.wait(LOOK_EVERY)


async def prepare(database: Database, clock: Clock, office: Office) -> None:
    """Bring all batches as far as they can be; those that are stopped meanwhile take back what they had not sent."""
    try:
        for batch_id in await database.ask(sms_batches.unfinished):
            while not await _step(database, batch_id, clock, office):
                pass
    except SQLAlchemyError as error:
        log.warning("batches of messages are not prepared; trying again: %s", type(error).__name__)


async def _step(database: Database, batch_id: uuid.UUID, clock: Clock, office: Office) -> bool:
    """Look and keep apart: while people are asked about, SQLite's one writer is free for calls."""
    step = await database.ask(sms_batches.scan, batch_id, clock.now(), office)
    return step is None or await database.run(sms_batches.keep, step, clock.now())
