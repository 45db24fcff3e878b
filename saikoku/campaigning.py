"""The part of `saikoku jobs` that campaigns need: it dials for operators who are ready in progressive campaigns, as soon as
they are, and brings on whoever's dial is over and of whom nobody told.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock
from db.engine import Database
from db.hints import LOOK_EVERY, hints
from db.settings import Settings
from db.store.campaigns import with_claims
from db.usecases import campaign_targets, campaign_work
from db.usecases.office import Office

SWEPT_EVERY: Final = timedelta(seconds=30)

log = logging.getLogger(__name__)


async def follow(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Serve campaigns until cancelled."""
    swept: datetime | None = None
    async with hints(database, settings.office.run_dir) as heard:
        while True:
            await dial(database, clock, office)
            if swept is None or clock.now() - swept >= SWEPT_EVERY:
                swept = clock.now()
                await sweep(database, swept, office)
            await heard.wait(LOOK_EVERY)


async def dial(database: Database, clock: Clock, office: Office) -> int:
    """Place the calls of all who are ready for one; returns how many."""
    placed = 0
    try:
        while await database.ask(campaign_work.is_waited_for):
            if not await database.run(campaign_work.dial_next, clock.now(), office):
                break
            placed += 1
    except SQLAlchemyError as error:
        log.warning("campaigns are not dialled; trying again: %s", type(error).__name__)
    return placed


async def sweep(database: Database, now: datetime, office: Office) -> None:
    """Bring on what is over."""
    try:
        if await database.ask(with_claims):
            await database.run(campaign_targets.sweep, now, office)
    except SQLAlchemyError as error:
        log.warning("campaigns are not brought on; trying again: %s", type(error).__name__)
