"""The part of `saikoku jobs` that keeps the states of cases: what changed within a second, and everybody once a day."""

import asyncio
import logging
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock
from db.engine import Database
from db.hints import LOOK_EVERY, hints
from db.settings import Settings
from db.usecases import case_states
from db.usecases.office import Office

BREATH: Final = 0.05
"""Seconds between two transactions of a long sweep, in which others get their turn to write."""

log = logging.getLogger(__name__)


async def follow(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Keep the states until cancelled."""
    async with hints(database, settings.office.run_dir) as heard:
        while True:
            if await look(database, clock, office):
                await asyncio.sleep(BREATH)
            else:
                await heard.wait(LOOK_EVERY)


async def look(database: Database, clock: Clock, office: Office) -> bool:
    """Do the next piece of work, if there is any; returns whether there may be more."""
    now = clock.now()
    try:
        if not await database.ask(case_states.pending, now, office):
            return False
        return await database.run(case_states.step, now, office)
    except SQLAlchemyError as error:
        log.warning("the states of cases stay behind; trying again: %s", type(error).__name__)
        return False
