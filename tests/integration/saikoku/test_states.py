"""The states of cases follow by themselves: a change is seen within a round, the panel is told, and a stop is clean."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from db.clock import FixedClock
from db.engine import Database
from db.hints import hints
from db.outbox import changes_after, latest
from db.rules.bits import CASE_STATES
from db.rules.terms import Area, CaseState, Channel
from db.schema.summaries import CaseSummary
from db.settings import OfficeSettings, Settings
from db.store import summaries
from db.usecases import case_states
from db.usecases.results import Entry, note_contact
from saikoku import states
from tests.integration.db.people import NOW, OFFICE, SmallOffice

CLOCK = FixedClock(NOW)


@pytest.fixture
async def open_database(database: Database, small: SmallOffice) -> AsyncIterator[Database]:
    """A register with one debtor and the summaries of the day."""
    small.user("officer", "officer")
    debtor_id = small.debtor()
    with database.write() as tx:
        summaries.refresh(tx, [debtor_id], OFFICE.today(NOW))
        summaries.set_day(tx, OFFICE.today(NOW))
    yield database
    await database.aclose()


def state(database: Database) -> int:
    with database.read() as tx:
        return tx.execute(select(CaseSummary.state)).scalar_one()


@pytest.mark.req("T10")
async def test_a_change_is_followed_and_whoever_looks_is_told(open_database: Database, small: SmallOffice) -> None:
    while await states.look(open_database, CLOCK, OFFICE):
        pass
    assert state(open_database) == CASE_STATES[CaseState.NOT_CONTACTED]
    assert not await states.look(open_database, CLOCK, OFFICE), "nothing happened"
    officer = small.user("second", "officer")
    with open_database.write() as tx:
        before = latest(tx)
        note_contact(tx, officer, 1, Area.TAX, Channel.COUNTER, Entry("counter_talk"), NOW, OFFICE)
    while await states.look(open_database, CLOCK, OFFICE):
        pass
    assert state(open_database) == CASE_STATES[CaseState.NO_PROMISE]
    with open_database.read() as tx:
        assert "workflow" in {change.topic for change in changes_after(tx, before)}


@pytest.mark.req("T10")
async def test_it_runs_beside_the_panel_until_it_is_stopped(open_database: Database, tmp_path: Path) -> None:
    settings = replace(Settings(), office=OfficeSettings(run_dir=tmp_path))
    running = asyncio.create_task(states.follow(settings, open_database, CLOCK, OFFICE))
    async with asyncio.timeout(30), hints(open_database, tmp_path) as heard:
        while await open_database.ask(case_states.last_swept) is None:
            await heard.wait(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert state(open_database) == CASE_STATES[CaseState.NOT_CONTACTED]


async def test_a_register_that_cannot_be_written_is_tried_again(
    open_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: object) -> bool:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setattr(case_states, "step", locked)
    assert not await states.look(open_database, CLOCK, OFFICE)
    assert "stay behind" in caplog.text
