"""The live floor in a real browser (T14): it changes by itself, and its clocks count."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.rules.telephony import DialMode
from db.usecases import calls, campaign_desk, duty, listening
from tests.browser.conftest import DESK, TABLET, City
from tests.browser.test_campaigns import at_a_seat, people, running
from tests.integration.db.people import NOW
from tests.integration.webpanel.on_the_line import OnTheLine

pytestmark = pytest.mark.req("T14")


@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_the_floor_changes_by_itself(
    city: City, open_page: Callable[..., Page], tmp_path: Path, viewport: dict[str, int]
) -> None:
    people(city)
    campaign_id = running(city, DialMode.PREDICTIVE)
    at_a_seat(city, "operator")
    with city.database.write() as tx:
        listening.heard(tx, "main", NOW)
    page = open_page("supervisor", viewport)
    page.get_by_role("link", name="フロア").click()
    expect(page.locator("html[data-live]")).to_be_attached()
    row = page.locator(".floor-operators tbody tr")
    expect(row).to_contain_text("佐藤 花子")
    expect(row).to_contain_text("待機")
    expect(row.locator(".floor-clock")).to_have_text(re.compile(r"00:0[1-9]"))
    expect(page.locator(".floor-alerts")).to_contain_text("参加しているオペレーターがいません")
    with city.database.write() as tx:
        campaign_desk.join(tx, city.users["operator"], campaign_id, NOW)
    expect(row).to_contain_text("秋の催告")
    expect(page.locator(".floor-alerts p")).to_have_count(0)
    with city.database.write() as tx:
        duty.pause(tx, city.users["operator"], "休憩", NOW)
    expect(row).to_contain_text("離席（休憩）")
    page.screenshot(path=tmp_path / "floor.png")


@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_a_supervisor_acts_and_the_operator_sees_it_at_once(
    city: City, open_page: Callable[..., Page], tmp_path: Path, viewport: dict[str, int]
) -> None:
    people(city)
    running(city, DialMode.PREVIEW)
    at_a_seat(city, "operator")
    with city.database.write() as tx:
        listening.heard(tx, "main", NOW)
    theirs = open_page("operator", viewport)
    bar = theirs.locator("#call-bar")
    expect(theirs.locator("html[data-live]")).to_be_attached()
    page = open_page("supervisor", viewport)
    page.goto("/floor")
    page.get_by_role("link", name="操作").click()
    page.wait_for_load_state()
    panel = page.locator("#operator")
    expect(panel.get_by_role("heading")).to_be_focused()
    panel.get_by_role("button", name="離席にする").click()
    expect(panel.locator('[data-error-for="reason"]').first).to_contain_text("理由を60文字以内で入力してください")
    panel.get_by_label("理由（").fill("朝礼")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("status").first).to_contain_text("佐藤 花子さんを離席にしました。")
    expect(panel.get_by_role("button", name="待機に戻す")).to_be_visible()
    expect(page.locator(".floor-operators tbody tr")).to_contain_text("離席（朝礼）")
    page.screenshot(path=tmp_path / "panel.png")
    expect(bar).to_contain_text("離席（朝礼）")
    expect(bar).to_contain_text("高橋 三郎さんが離席にしました。")
    theirs.screenshot(path=tmp_path / "paused.png")
    panel.get_by_label("秋の催告").check()
    panel.get_by_label("変更の理由").fill("応援")
    panel.get_by_role("button", name="参加を変更する").click()
    expect(bar).to_contain_text("高橋 三郎さんが参加を変更しました（「秋の催告」に参加）。")
    theirs.screenshot(path=tmp_path / "moved.png")
    bar.get_by_role("button", name="確認").click()
    expect(bar).not_to_contain_text("高橋")
    panel.get_by_label("理由（").fill("終業")
    panel.get_by_role("button", name="業務を終了する").click()
    expect(panel).to_contain_text("この方は業務中ではありません")
    expect(bar).to_contain_text("高橋 三郎さんが業務を終了しました（終業）。")
    expect(bar.get_by_role("button", name="業務開始")).to_be_visible()
    page.screenshot(path=tmp_path / "ended.png")
    theirs.screenshot(path=tmp_path / "off.png")


@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_a_supervisor_listens_from_the_floor_and_ends_it_by_key(
    city: City, open_page: Callable[..., Page], tmp_path: Path, viewport: dict[str, int]
) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    call_id = line.talk()
    with city.database.write() as tx:
        listening.heard(tx, "main", NOW)
    page = open_page("supervisor", viewport)
    page.goto(f"/floor?operator={line.viewer.user_id}")
    panel, bar = page.locator("#operator"), page.locator("#call-bar")
    expect(panel).to_contain_text("画面上部の通話バーで席を選んで業務を開始し")
    page.screenshot(path=tmp_path / "no-seat.png")
    with city.database.write() as tx:
        duty.leg_answered(tx, duty.take_seat(tx, city.users["supervisor"], "1002", NOW).leg_id, NOW, "1002")
    expect(bar).to_contain_text("待機")
    panel.get_by_role("button", name="モニタリング", exact=True).click()
    expect(bar).to_contain_text("佐藤 花子さんの通話（モニタリング）。こちらの声はだれにも聞こえません。")
    expect(page.locator(".floor-heard")).to_contain_text("高橋 三郎（モニタリング）")
    bar.get_by_role("button", name="三者通話").click()
    expect(bar).to_contain_text("こちらの声は相手の方にも聞こえます。")
    expect(panel.get_by_role("button", name="三者通話")).to_have_attribute("aria-pressed", "true")
    page.screenshot(path=tmp_path / "threes.png")
    panel.get_by_label("理由（").fill("休憩")
    panel.get_by_role("button", name="離席にする").click()
    expect(panel).to_contain_text("通話の後に離席（休憩・高橋 三郎）")
    page.screenshot(path=tmp_path / "after.png")
    theirs = open_page("operator", viewport)
    expect(theirs.locator("#call-bar")).to_contain_text("この通話の後、離席になります（休憩・高橋 三郎さんの指示）")
    theirs.screenshot(path=tmp_path / "theirs.png")
    page.keyboard.press("F12")
    expect(bar).to_contain_text("待機")
    expect(page.locator(".floor-heard")).to_have_count(0)
    with city.database.write() as tx:
        calls.ended(tx, call_id, NOW, 16)
    expect(panel).to_contain_text("通話中ではありません")
