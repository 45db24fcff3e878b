"""催告ルール in a real browser: changed by keyboard, refused beside the field (C4)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

Open = Callable[..., Page]


@pytest.mark.req("C4")
def test_rules_are_changed_by_keyboard(open_page: Open) -> None:
    page = open_page("supervisor")
    page.click("text=催告ルール")
    page.fill("#r-opens", "07:30")
    page.fill("#r-reason", "朝の在宅者が多いため")
    page.wait_for_load_state()  # keys are heard once the page's script runs
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-error-for=opens]")).to_contain_text("08:00以降")
    expect(page.locator("#r-reason")).to_have_value("朝の在宅者が多いため")
    page.fill("#r-opens", "08:30")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-form-note]")).to_contain_text("09:00→08:30")
    expect(page.locator("table.log")).to_contain_text("連絡を始める時刻: 09:00→08:30")  # without a reload
    expect(page.locator("table.log")).to_contain_text("高橋 三郎")
