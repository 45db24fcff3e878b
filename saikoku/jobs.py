"""`saikoku jobs`: the housekeeping of an office, every few minutes: what is over its time is erased, booked calls that
nobody made and mail that came back become tasks, the summaries of cases follow the calendar, and once a day the hours at
which people are reached are learnt anew; people who may be one under two numbers (名寄せ) are looked for, a part of the
register a round. Beside it, all the time: the states of cases (`saikoku.states`), campaigns (`saikoku.campaigning`) and batches of
messages (`saikoku.batching`).

Each job stands alone: one that fails is logged and tried again in the next round, and holds up no other. All can be run
twice, or by two processes at once, without harm.
"""

import asyncio
import logging
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock, office_date
from db.engine import Database
from db.recording_files import OutsideError, inside
from db.rules.reach import learn
from db.settings import Settings
from db.usecases import merges, reach, recalls, retention, summaries, task_rules
from db.usecases.imports.files import sweep
from db.usecases.office import Office
from saikoku import batching, campaigning, states

EVERY: Final = 600.0
"""Seconds between two rounds."""

SWEEPS: Final = 40
"""So many times a round `db.usecases.merges.SWEPT` people are compared with those near them: a million in eight hours."""

log = logging.getLogger(__name__)


async def run(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Keep house until cancelled."""
    rounds = _rounds(settings, database, clock, office)
    states_kept = states.follow(settings, database, clock, office)
    campaigns = campaigning.follow(settings, database, clock, office)
    await asyncio.gather(states_kept, campaigns, batching.follow(settings, database, clock, office), rounds)


async def _rounds(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    while True:
        await keep_house(database, settings.dial.recordings_dir, clock.now())
        await raise_tasks(database, clock.now(), office)
        await asyncio.to_thread(sweep, settings.imports.dir, clock.now())
        await follow_calendar(database, office_date(clock.now(), settings.office.zone))
        await learn_reach(database, clock.now(), office)
        await find_pairs(database, clock.now())
        await asyncio.sleep(EVERY)


async def keep_house(database: Database, folder: Path, now: datetime) -> int:
    """One round; returns how many recordings were erased. `folder` is that of the recordings."""
    try:
        await database.run(retention.tidy, now)
        return await _erase_recordings(database, folder, now)
    except SQLAlchemyError as error:
        log.warning("the register cannot be written; trying again in %.0f s: %s", EVERY, type(error).__name__)
        return 0


async def follow_calendar(database: Database, today: date) -> None:
    """Bring the summaries of cases to `today`: what fell due, which flags began or ended."""
    try:
        people = await summaries.follow_calendar(database, today)
    except SQLAlchemyError as error:
        log.warning("the summaries stay behind; trying again in %.0f s: %s", EVERY, type(error).__name__)
        return
    if people:
        log.info("the summaries of %d people followed the calendar to %s", people, today.isoformat())


async def raise_tasks(database: Database, now: datetime, office: Office) -> int:
    """Make tasks of booked calls that nobody made in time and of mail that came back; returns how many."""
    try:
        late = await database.run(recalls.escalate, now, office)
        returned = await database.run(task_rules.watch_returned_mail, now, office)
    except SQLAlchemyError as error:
        log.warning("tasks are not raised; trying again in %.0f s: %s", EVERY, type(error).__name__)
        return 0
    if late or returned:
        log.info("tasks: %d booked calls not made in time, %d papers that came back", late, returned)
    return late + returned


async def learn_reach(database: Database, now: datetime, office: Office) -> bool:
    """Learn anew at which hours people are reached (T2), once a day; returns whether it was done."""
    try:
        if not await database.ask(reach.is_due, now):
            return False
        dials = await database.ask(reach.histories, now, office)
        await database.run(reach.keep, await asyncio.to_thread(learn, dials), now)
    except SQLAlchemyError as error:
        log.warning("best times are not learnt; trying again in %.0f s: %s", EVERY, type(error).__name__)
        return False
    log.info("best times are learnt from %d numbers", len(dials))
    return True


async def find_pairs(database: Database, now: datetime) -> int:
    """Look for people who may be one, among the next of the register; returns how many pairs are new.

    Read and written apart, so that SQLite's one writer is held for the pairs that are new only.
    """
    new = 0
    try:
        for _ in range(SWEEPS):
            found = await database.ask(merges.look)
            new += await database.run(merges.keep, found, now)
            if not found.after:
                break
    except SQLAlchemyError as error:
        log.warning("pairs of people are not looked for; trying again in %.0f s: %s", EVERY, type(error).__name__)
    if new:
        log.info("%d pairs of people may be one", new)
    return new


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
