"""Campaigns in `saikoku jobs`: they dial for whoever becomes ready, and what nobody told is brought on."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from db.clock import FixedClock
from db.engine import Database
from db.hints import Bell, hints
from db.rules.campaigns import TargetState
from db.rules.telephony import DialMode
from db.schema.calls import Call
from db.schema.campaigns import CampaignTarget
from db.settings import OfficeSettings, Settings
from db.usecases import campaign_work
from saikoku import campaigning
from tests.integration.db.floor import SETTINGS, Floor
from tests.integration.db.people import NOW, OFFICE, SmallOffice

CLOCK = FixedClock(NOW)


@pytest.mark.req("T4")
async def test_whoever_becomes_ready_is_dialled_for_without_being_asked(url: str, tmp_path: Path) -> None:
    database = Database(url, ring=Bell(tmp_path))
    floor = Floor(SmallOffice(database))
    (debtor_id,) = floor.people(1)
    campaign_id = floor.run(replace(SETTINGS, mode=DialMode.PROGRESSIVE))
    running = asyncio.create_task(
        campaigning.follow(replace(Settings(), office=OfficeSettings(run_dir=tmp_path)), database, CLOCK, OFFICE)
    )
    viewer = floor.operator("op", "1001", campaign_id)
    async with asyncio.timeout(30), hints(database, tmp_path) as heard:
        while not (placed := await database.ask(lambda tx: tx.execute(select(Call.user_id, Call.debtor_id)).all())):
            await heard.wait(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [tuple(row) for row in placed] == [(viewer.user_id, debtor_id)]
    await database.aclose()


@pytest.mark.req("T4")
async def test_a_claim_that_a_dead_bridge_left_comes_back(database: Database, small: SmallOffice) -> None:
    floor = Floor(small)
    floor.people(1)
    floor.claim(floor.run())
    await campaigning.sweep(database, NOW + timedelta(minutes=2), OFFICE)
    assert floor.one(select(CampaignTarget.state)) is TargetState.OPEN
    await database.aclose()


async def test_a_register_that_cannot_be_written_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: object) -> bool:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setattr(campaign_work, "is_waited_for", locked)
    assert await campaigning.dial(database, CLOCK, OFFICE) == 0
    assert "trying again" in caplog.text
    await database.aclose()
