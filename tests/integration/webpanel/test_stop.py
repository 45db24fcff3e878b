"""The emergency stop on the screen (P4): who sees it, who may use it, what it says."""

import asyncio

import pytest
from sqlalchemy import select

from db.rules.viewer import system_viewer
from db.schema.staff import AccessLog
from db.store import office
from db.usecases import stop
from tests.integration.db.people import NOW
from tests.integration.webpanel.conftest import Panel

CONFIRMED = {"confirmed": "1"}
PATIENCE = 20.0  # only bounds a test that would otherwise hang; nothing is asserted about it


def in_force(panel: Panel) -> bool:
    with panel.database.read() as tx:
        return office.emergency_stop(tx)


@pytest.mark.req("P4")
async def test_everybody_sees_who_stopped_when_and_why(panel: Panel) -> None:
    panel.user("sato")
    panel.user("boss", "supervisor")
    panel.user("auditor", "auditor")
    boss = await panel.browser("boss")
    assert (await boss.post("/stop", {"reason": "誤った名簿 <b>"}))[0] == 204
    for login in ("boss", "sato", "auditor"):
        browser = await panel.browser(login)
        for path in ("/", "/password", "/live/stop"):
            _, text, _ = await browser.get(path)
            assert "緊急停止中" in text, (login, path)
            assert "bossさん「誤った名簿 &lt;b&gt;」" in text
            assert "11/24 10:30" in text
            assert ('action="/stop/resume"' in text) is (login == "boss")


@pytest.mark.req("P4", "C1")
async def test_the_switch_is_shown_to_those_who_may_use_it(panel: Panel) -> None:
    panel.user("sato")
    panel.user("boss", "supervisor")
    for login, shown in (("sato", False), ("boss", True)):
        _, text, _ = await (await panel.browser(login)).get("/")
        assert ('action="/stop"' in text) is shown
        assert "緊急停止中" not in text
    assert (await (await panel.browser("sato")).post("/stop", {"reason": "x"}))[0] == 403
    assert not in_force(panel)


@pytest.mark.req("P4")
async def test_stopping_takes_one_button_and_resuming_a_confirmation(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    boss = await panel.browser("boss")
    assert (await boss.post("/stop"))[0] == 204
    assert stop.NO_REASON in (await boss.fragment("/live/stop"))[1]
    status, text, _ = await boss.post("/stop/resume")
    assert status == 422
    assert "確認し" in text
    assert in_force(panel)
    assert (await boss.post("/stop/resume", CONFIRMED))[0] == 204
    assert (await boss.fragment("/live/stop"))[1].strip() == ""
    assert (await boss.post("/stop/resume", CONFIRMED))[0] == 204, "a second press is not an error"
    with panel.database.read() as tx:
        done = tx.execute(select(AccessLog.action).where(AccessLog.action.like("office.%"))).scalars().all()
    assert done == ["office.stop", "office.resume"]


@pytest.mark.req("P4")
async def test_without_the_script_the_form_leads_back_to_its_page(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    boss = await panel.browser("boss")
    assert (await boss.post("/stop", {"reason": "x"}, script=False))[0] == 303
    assert in_force(panel)


@pytest.mark.req("P4")
async def test_a_stop_from_the_command_line_is_told_to_every_stream(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    async with asyncio.timeout(PATIENCE), browser.client.get("/events") as stream:
        while b"ready" not in await stream.content.readline():
            pass
        with panel.database.write() as tx:
            stop.stop(tx, system_viewer("command line"), "x", NOW)
        while b'"topic": "office"' not in (said := await stream.content.readline()):
            assert b"event: end" not in said
        assert b'"key": ""' in said
