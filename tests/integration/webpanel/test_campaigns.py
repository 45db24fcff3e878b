"""Campaigns on the screen: made from a list, let run and ended by a supervisor, worked off by an operator (T4)."""

import json
import re

import pytest
from sqlalchemy import select, update

from db.rules.conditions import Amount
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.campaigns import Campaign, CampaignTarget
from db.schema.people import Debtor
from db.schema.staff import Grant
from db.store import summaries
from db.usecases import targets
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Browser, Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged
from webpanel.campaigns.forms import RETRIED

FORM = {
    "area": "tax", "name": "秋の催告", "mode": "preview", "order": "amount", "group_id": "", "pbx": "main", "opens": "09:00",
    "closes": "19:00", "days": "1", "tries": "3", "lines": "5", "calls_per_second": "1", "ring_seconds": "30",
    "target_abandonment": "1", "cap": "3", "soon_minutes": "5", "later_minutes": "60", "caller_id": "", "script": "台本です。",
    "abandoned_prompt": "", "machines": "ignore", "voicemail_prompt": "", **{f"retry_{result.value}": "later" for result in RETRIED},
}  # fmt: skip


def a_list(panel: Panel, boss: Viewer) -> str:
    with panel.database.write() as tx:
        summaries.refresh(tx, list(tx.execute(select(Debtor.id)).scalars()), OFFICE.today(NOW))
        return str(targets.freeze(tx, boss, Amount(low=1), "11月の名簿", None, NOW, OFFICE))


async def made(panel: Panel, boss: Viewer, browser: Browser) -> str:
    list_id = a_list(panel, boss)
    status, text, headers = await browser.post("/campaigns", {**FORM, "lists": list_id, f"weight_{list_id}": "2"})
    assert status == 204, text
    return headers["Saikoku-Location"].split("?")[0]


@pytest.mark.req("T4")
async def test_a_supervisor_makes_starts_pauses_and_ends_a_campaign(panel: Panel) -> None:
    boss = panel.user("boss", "supervisor")
    panel.small.debtor()
    panel.small.debtor("受任 済子", phone=None)
    browser = await panel.browser("boss")
    list_id = a_list(panel, boss)
    assert f"/campaigns/new?list={list_id}" in (await browser.get(f"/targets/{list_id}"))[1]
    _, text, _ = await browser.get(f"/campaigns/new?list={list_id}")
    assert re.search(rf'value="{list_id}" checked', text)
    address = await made(panel, boss, browser)
    _, text, _ = await browser.get(f"{address}?made=1")
    assert "台本です。" in text
    assert "作成しました" in text
    assert "2件を対象に加えました" in (await browser.post(f"{address}/start"))[1]
    _, text, _ = await browser.fragment("/campaigns/list")
    assert "実施中" in text
    assert "本日の応答なし（上限 3.0%）" in text
    assert (await browser.post(f"{address}/pause"))[0] == 200
    assert (await browser.post(f"{address}/pause"))[0] == 422
    assert (await browser.post(f"{address}/stop"))[0] == 200
    assert "終了" in (await browser.fragment(f"{address}/figures"))[1]
    assert logged(panel, "campaign.stop") == 1


@pytest.mark.req("T4")
async def test_what_is_wrong_is_said_beside_its_field(panel: Panel) -> None:
    boss = panel.user("boss", "supervisor")
    panel.small.debtor()
    browser = await panel.browser("boss")
    list_id = a_list(panel, boss)
    bad = {
        **FORM, "ring_seconds": "10", "cap": "5", "closes": "23:00", "machines": "message", "lists": list_id,
        f"weight_{list_id}": "1",
    }  # fmt: skip
    status, text, _ = await browser.post("/campaigns", bad)
    assert status == 422
    wrong = json.loads(text)["fields"]
    assert set(wrong) == {"ring_seconds", "cap", "closes", "machines", "voicemail_prompt"}
    status, text, _ = await browser.post("/campaigns", {**FORM, "lines": "多い", "opens": "朝"})
    assert set(json.loads(text)["fields"]) == {"lines", "opens"}
    status, text, _ = await browser.post("/campaigns", FORM)
    assert set(json.loads(text)["fields"]) == {"lists"}
    address = await made(panel, boss, browser)
    assert (await browser.post(address, {**FORM, "name": "", "lists": list_id}))[0] == 422
    with panel.database.read() as tx:
        assert tx.execute(select(Campaign.name)).scalar_one() == "秋の催告"


@pytest.mark.req("C1", "T15")
async def test_campaigns_of_another_area_are_not_there(panel: Panel) -> None:
    boss = panel.user("boss", "supervisor")
    panel.small.debtor()
    address = await made(panel, boss, await panel.browser("boss"))
    other = panel.user("other", "supervisor")
    with panel.database.write() as tx:
        tx.execute(update(Grant).where(Grant.user_id == other.user_id).values(area=Area.HEALTH))
    browser = await panel.browser("other")
    assert (await browser.get(address))[0] == 404
    assert (await browser.post(f"{address}/start"))[0] == 404
    assert "秋の催告" not in (await browser.get("/campaigns"))[1]
    assert "秋の催告" not in (await browser.get("/"))[1]


@pytest.mark.req("T4", "T7")
async def test_an_operator_joins_takes_the_next_person_and_goes_on(panel: Panel) -> None:
    boss, viewer = panel.user("boss", "supervisor"), panel.user("sato")
    first = panel.small.debtor(owes=90_000)
    second = panel.small.debtor("見本 一郎", phone="+819033334444", owes=40_000)
    supervisor = await panel.browser("boss")
    address = await made(panel, boss, supervisor)
    await supervisor.post(f"{address}/start")
    line = OnTheLine(panel, viewer, first)
    line.take_seat()
    browser = await panel.browser("sato")
    assert "参加" in (await browser.fragment("/live/campaigns"))[1]
    assert (await browser.post(f"{address}/next"))[0] == 422
    assert (await browser.post(f"{address}/join"))[0] == 204
    assert "次の人" in (await browser.fragment("/live/campaigns"))[1]
    _, _, headers = await browser.post(f"{address}/next")
    assert headers["Saikoku-Location"] == f"/debtors/{first}?area=tax"
    _, text, _ = await browser.get(headers["Saikoku-Location"])
    assert "台本です。" in text
    assert "見送って次へ" in text
    assert "見送って次へ" not in (await browser.get(f"/debtors/{second}"))[1]
    status, text, headers = await browser.post(f"{address}/pass-over", {"reason": "その他"})
    assert (status, headers["Saikoku-Location"]) == (204, f"/debtors/{second}?area=tax"), text
    phone = {"debtor_id": str(second), "area": "tax", "phone_id": str(OnTheLine(panel, viewer, second).phone_id)}
    assert (await browser.post("/calls", phone))[0] == 204
    with panel.database.read() as tx:
        target = tx.execute(select(CampaignTarget).where(CampaignTarget.debtor_id == second)).one()
    assert target.attempt_id is not None
    assert "プレビュー" in (await browser.get(f"/debtors/{second}"))[1]
