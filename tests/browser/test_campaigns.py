"""Campaigns in a real browser (T4): made by a supervisor, worked off by an operator by keyboard, and the pop of a dialled call."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from db.outbox import publish
from db.rules.campaigns import CampaignSettings, TargetOrder
from db.rules.conditions import Amount
from db.rules.telephony import DialMode
from db.rules.terms import Area
from db.schema.calls import Call
from db.schema.people import Debtor
from db.store import summaries
from db.usecases import calls, campaign_targets, campaigns, duty, targets
from db.usecases import campaign_desk as desk
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.people import NOW, OFFICE

Open = Callable[..., Page]
pytestmark = pytest.mark.req("T4")
SIZES = pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
SCRIPT = "みなと野市役所です。山田様ご本人でしょうか。\n本人確認のあとに用件をお伝えします。"


def people(city: City) -> list[int]:
    names = ("見本 一郎", "見本 二郎", "見本 三郎")
    each = [
        city.small.debtor(name, owes=90_000 - 10_000 * n, phone=f"+81903333444{n}") for n, name in enumerate(names)
    ]  # fmt: skip
    with city.database.write() as tx:
        summaries.refresh(tx, list(tx.execute(select(Debtor.id)).scalars()), OFFICE.today(NOW))
    return each


def a_list(city: City) -> uuid.UUID:
    with city.database.write() as tx:
        return targets.freeze(tx, city.users["supervisor"], Amount(low=1), "秋の名簿", None, NOW, OFFICE)


def running(city: City, mode: DialMode) -> uuid.UUID:
    boss, list_id = city.users["supervisor"], a_list(city)
    settings = CampaignSettings(name="秋の催告", mode=mode, order=TargetOrder.AMOUNT, script=SCRIPT)
    with city.database.write() as tx:
        campaign_id = desk.make(tx, boss, Area.TAX, settings, {list_id: 1}, NOW, OFFICE)
        desk.start(tx, boss, campaign_id, NOW)
    return campaign_id


def at_a_seat(city: City, login: str) -> None:
    with city.database.write() as tx:
        taken = duty.take_seat(tx, city.users[login], "1001", NOW)
        duty.leg_answered(tx, taken.leg_id, NOW)


def rang_in_vain(city: City) -> None:
    """What the bridge and the PBX do to the call that was just placed."""
    with city.database.write() as tx:
        call_id = tx.execute(select(Call.id).where(Call.wrapped_at.is_(None))).scalar_one()
        assert calls.authorize(tx, call_id, NOW + timedelta(seconds=1), OFFICE)
        calls.ringing(tx, call_id, NOW + timedelta(seconds=2))
        calls.ended(tx, call_id, NOW + timedelta(seconds=30), 19)


@SIZES
def test_an_operator_works_off_three_people_by_keyboard(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    people(city)
    running(city, DialMode.PREVIEW)
    at_a_seat(city, "operator")
    page = open_page("operator", viewport)
    page.get_by_role("button", name="参加", exact=True).click()
    expect(page.locator("#call-bar").get_by_role("button", name="次の人")).to_be_visible()
    page.screenshot(path=tmp_path / "home.png")
    page.keyboard.press("F8")
    for n, name in enumerate(("見本 一郎", "見本 二郎", "見本 三郎")):
        expect(page.locator(".person-name")).to_have_text(name)
        expect(page.locator("html[data-live]")).to_be_attached()  # its scripts hear the keys
        expect(page.locator(".campaign-box")).to_contain_text("秋の催告")
        expect(page.locator(".campaign-script")).to_contain_text("本人確認のあとに")
        if n == 0:
            page.screenshot(path=tmp_path / "reserved.png")
        if n == 1:
            page.locator(".pass-over select").select_option("別の担当者が対応中")
            page.get_by_role("button", name="見送って次へ").click()
            continue
        page.keyboard.press("F4")
        expect(page.locator("#call-bar")).to_contain_text("発信中")
        rang_in_vain(city)
        expect(page.locator("#call-bar")).to_contain_text("後処理")
        if n == 0:
            page.screenshot(path=tmp_path / "wrapup.png")
        expect(page.get_by_role("button", name="登録して次へ")).to_be_visible()
        page.keyboard.press("4")
        page.keyboard.press("Control+Enter")
    page.wait_for_url("**/")
    expect(page.locator("#t-offers")).to_be_visible()
    expect(page.locator("html[data-live]")).to_be_attached()
    held: list[Route] = []
    page.route("**/campaigns/*/next", lambda route: held.append(route))
    with page.expect_request("**/campaigns/*/next"):
        page.keyboard.press("F8")
    page.locator("#call-bar form").first.evaluate("form => { form.dataset.before = 'yes'; }")
    with city.database.write() as tx:
        publish(tx, NOW, "duty", "bar", city.users["operator"].user_id)
    expect(page.locator("[data-before]")).to_have_count(0)  # the bar was shown anew while the answer is on its way
    held[0].continue_()
    why = page.locator("#call-bar .sentence", has_text="いま架電できる方がいません")
    expect(why).to_be_visible()
    why.evaluate("sentence => { sentence.dataset.before = 'yes'; }")
    with city.database.write() as tx:
        publish(tx, NOW, "duty", "bar", city.users["operator"].user_id)
    expect(page.locator("[data-before]")).to_have_count(0)  # the bar was shown anew
    expect(why).to_be_visible()


@SIZES
def test_a_supervisor_makes_a_campaign_and_sees_how_far_it_has_come(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    city.small.debtor("番号 無子", phone=None, owes=500)
    people(city)
    list_id = a_list(city)
    page = open_page("supervisor", viewport)
    page.goto(f"/targets/{list_id}")
    page.get_by_role("link", name="キャンペーンを作成").click()
    page.fill("#c-name", "秋の催告")
    page.fill("#c-ring_seconds", "5")
    page.screenshot(path=tmp_path / "new.png", full_page=True)
    page.wait_for_load_state()  # keys are heard once the page's script runs
    page.keyboard.press("Control+Enter")
    expect(page.locator('[data-error-for="ring_seconds"]')).to_contain_text("15～90秒")
    expect(page.locator("#c-ring_seconds")).to_be_focused()
    expect(page.locator("#c-name")).to_have_value("秋の催告")
    page.fill("#c-ring_seconds", "25")
    page.locator("#c-mode").select_option("predictive")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/campaigns/[0-9a-f]+-"))  # loaded: its script sends the form
    page.get_by_role("button", name="開始", exact=True).click()
    expect(page.locator("#t-figures ~ p").first).to_contain_text("実施中")
    with city.database.write() as tx:
        campaign_id = campaigns.running(tx, "main", NOW, OFFICE)[0].id
        for claimed in campaigns.claim(tx, campaign_id, 5, NOW, OFFICE):
            assert campaigns.authorize_campaign(tx, [claimed.attempt_id], NOW, OFFICE)
            campaign_targets.abandoned(tx, claimed.attempt_id, NOW)
            calls.ended(tx, claimed.attempt_id, NOW, 16)
        campaign_targets.sweep(tx, NOW, OFFICE)
    page.reload()
    page.screenshot(path=tmp_path / "one.png", full_page=True)
    page.get_by_role("link", name="キャンペーン", exact=True).click()
    expect(page.locator(".campaigns tbody")).to_contain_text("100.0%")
    expect(page.locator(".campaigns tbody")).to_contain_text("電話番号がない")
    page.screenshot(path=tmp_path / "list.png")
    page.get_by_role("button", name="一時停止").click()
    expect(page.locator(".campaigns tbody")).to_contain_text("一時停止")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="終了", exact=True).click()
    expect(page.locator(".campaigns tbody")).to_contain_text("■ 終了")


def test_a_person_who_answered_a_campaign_comes_onto_the_screen_by_themselves(
    city: City, open_page: Open, tmp_path: Path
) -> None:
    people(city)
    campaign_id = running(city, DialMode.PREDICTIVE)
    at_a_seat(city, "operator")
    with city.database.write() as tx:
        desk.join(tx, city.users["operator"], campaign_id, NOW)
    page = open_page("operator")
    expect(page.locator("html[data-live]")).to_be_attached()
    with city.database.write() as tx:
        (claimed,) = campaigns.claim(tx, campaign_id, 1, NOW, OFFICE)
        assert campaigns.authorize_campaign(tx, [claimed.attempt_id], NOW, OFFICE)
        assert campaigns.give_answered(tx, claimed.attempt_id, NOW)
    page.wait_for_url(f"**/debtors/{claimed.debtor_id}?area=tax")
    expect(page.locator(".campaign-box")).to_contain_text("秋の催告")
    with city.database.write() as tx:
        calls.joined(tx, claimed.attempt_id, NOW)
    expect(page.locator("#call-bar")).to_contain_text("通話中")
    expect(page.locator("#call-pop .pop")).to_be_hidden()  # whoever it tells of is on the screen
    page.screenshot(path=tmp_path / "answered.png")
