"""Keeping the summaries of a whole register: made for the first time, and brought along when a day begins."""

from datetime import date

from db.engine import Database
from db.store import summaries

_TOGETHER = 400
"""People in one transaction: short enough that nobody who saves a result notices."""


def rebuild(database: Database, today: date) -> None:
    """Make all summaries anew, some thousand people in a transaction. A million debtors take about two minutes."""
    with database.read() as tx:
        strides = list(summaries.ranges(tx))
    for first, last in strides:
        with database.write() as tx:
            summaries.refresh_range(tx, first, last, today)
    with database.write() as tx:
        summaries.set_day(tx, today)


def complete(database: Database, today: date) -> None:
    """Make the summaries of a register that has none yet."""
    with database.read() as tx:
        lacking = summaries.missing(tx)
    if lacking:
        rebuild(database, today)


async def follow_calendar(database: Database, today: date) -> int:
    """Bring the summaries from yesterday to today; returns how many people it concerned.

    A register without summaries gets them. What is cut short goes on from where it was.
    """
    if await database.ask(summaries.missing):
        strides = await database.ask(lambda tx: list(summaries.ranges(tx)))
        for first, last in strides:
            await database.run(summaries.refresh_range, first, last, today)
    people = await database.ask(summaries.concerned, today)
    for start in range(0, len(people), _TOGETHER):
        await database.run(summaries.refresh, people[start : start + _TOGETHER], today)
    if await database.ask(summaries.day) != today:
        await database.run(summaries.set_day, today)
    return len(people)
