"""Assignments in a real browser (T10): many at once with a count first, one by hand, and the officer's own list."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.store import summaries
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.people import NOW, OFFICE

Open = Callable[..., Page]


@pytest.mark.req("T10")
@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_cases_are_given_with_a_count_first(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    people = [city.small.debtor(name) for name in ("見本 一郎", "見本 二郎", "見本 三郎")]
    with city.database.write() as tx:
        summaries.refresh(tx, people, OFFICE.today(NOW))
    page = open_page("supervisor", viewport)
    page.click("text=担当案件")
    page.click("text=案件を割り当てる")
    expect(page.locator(".preview")).to_contain_text("3件・本税 144,000円")
    page.check("[name=district][value=中央]")
    expect(page.locator(".preview")).to_contain_text("3件")
    page.select_option("[name=to]", label="鈴木 次郎")
    page.fill("[name=instructions]", "年内に面談")
    page.fill("[name=due_on]", "2026-12-25")
    page.screenshot(path=tmp_path / "assign.png", full_page=True)
    page.wait_for_load_state()  # keys are heard once the page's script runs
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-form-note]")).to_contain_text("3件の担当を変更しました")
    expect(page.locator(".preview")).to_contain_text("0件")
    page.goto(f"/debtors/{people[0]}")
    expect(page.locator(".holder")).to_contain_text("担当 鈴木 次郎 期限 R8.12.25")
    page.locator(".holder summary", has_text="担当を変更").click()
    page.locator(".holder [name=to]").select_option(label="佐藤 花子")
    page.locator(".holder").get_by_role("button", name="変更する").click()
    expect(page.locator(".holder")).to_contain_text("担当 佐藤 花子")
    page.locator(".holder summary", has_text="担当の履歴").click()
    page.screenshot(path=tmp_path / "record.png")
    officer = open_page("officer", viewport)
    officer.click("text=担当案件")
    expect(officer.locator("#content tbody tr")).to_have_count(2)
    expect(officer.locator("#content tbody")).to_contain_text("年内に面談")
    officer.screenshot(path=tmp_path / "cases.png")
