"""The live floor in a real browser (T14): it changes by itself, and its clocks count."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.rules.telephony import DialMode
from db.usecases import campaign_desk, duty, listening
from tests.browser.conftest import DESK, TABLET, City
from tests.browser.test_campaigns import at_a_seat, people, running
from tests.integration.db.people import NOW

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
