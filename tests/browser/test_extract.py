"""Building conditions by keyboard in a real browser, counted as they change."""

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from db.schema.staff import Membership, StaffGroup
from saikoku.city import seed_city
from tests.browser.conftest import DESK, TABLET, City

TODAY = date(2026, 11, 24)


@pytest.fixture
def town(city: City) -> City:
    """120 people with what is in a city, and a group to share with."""
    seed_city(city.database, debtors=120, seed=2, today=TODAY, staff_ids=[city.users["officer"].user_id])
    with city.database.write() as tx:
        tx.execute(insert(StaffGroup).values(id=1, name="納税一係"))
        tx.execute(insert(Membership).values(user_id=city.users["officer"].user_id, group_id=1))
    return city


def shot(page: Page, name: str) -> None:
    folder = os.environ.get("SAIKOKU_TEST_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"extract-{name}.png")


def add(page: Page, kind: str) -> None:
    """A, then the condition by typing its name, then Enter."""
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    choice = page.locator(".x-root > .x-add [data-choice]")
    expect(choice).to_be_focused()
    choice.select_option(kind)
    before = page.locator(".x-node").count()
    page.keyboard.press("Enter")
    expect(page.locator(".x-node")).to_have_count(before + 1)


@pytest.mark.req("T8")
@pytest.mark.parametrize("size", [DESK, TABLET], ids=["desk", "tablet"])
def test_conditions_are_built_by_keyboard_alone(
    town: City, open_page: Callable[..., Page], size: dict[str, int]
) -> None:
    page = open_page("officer", size)
    page.goto("/extract")
    cases = page.locator("[data-cases]")
    expect(cases).not_to_have_text("―")
    everybody = cases.inner_text()
    add(page, "amount")
    page.keyboard.type("１００，０００")  # as it comes from a Japanese keyboard
    expect(page.locator("[data-sentence]")).to_contain_text("滞納額（本税）が100,000円以上")
    expect(cases).not_to_have_text(everybody)
    rich = cases.inner_text()
    add(page, "phone")
    page.keyboard.press("Space")
    expect(page.locator("[data-sentence]")).to_contain_text("架電できる携帯の番号がある")
    add(page, "flag")
    page.keyboard.press("Space")
    expect(page.locator("[data-sentence]")).to_contain_text("注意事項に支援措置がある")
    expect(cases).to_have_text("0")
    # the second and the third into a group of which either is enough: up by Shift+Tab, chosen by Space, G
    for place in (1, 2):
        page.locator(".x-root > [data-parts] > .x-node").nth(place).locator("[data-pick]").focus()
        page.keyboard.press("Space")
    page.keyboard.press("g")
    expect(page.locator(".x-group:not(.x-root) [data-how]")).to_be_focused()
    expect(page.locator("[data-told]")).to_have_text("2個の条件をグループにしました。")
    expect(page.locator("[data-sentence]")).to_contain_text(
        "｛架電できる携帯の番号がある、または、注意事項に支援措置がある｝"
    )
    expect(cases).not_to_have_text("0")
    shot(page, f"build-{size['width']}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the side"
    # taken away again
    page.locator(".x-group:not(.x-root) > .x-group-head [data-remove]").focus()
    page.keyboard.press("Enter")
    expect(cases).to_have_text(rich)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/extract/*")
    expect(page.locator(".x-rows tbody tr")).to_have_count(min(int(rich), 50))
    shot(page, f"results-{size['width']}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the side"


@pytest.mark.req("T8")
def test_what_makes_no_sense_is_told_beside_the_condition(town: City, open_page: Callable[..., Page]) -> None:
    page = open_page("officer")
    page.goto("/extract")
    add(page, "amount")
    page.keyboard.type("5000")
    page.keyboard.press("Tab")
    page.keyboard.type("1000")
    wrong = page.locator(".x-leaf [data-problem]")
    expect(wrong).to_contain_text("上限（1,000円）が下限（5,000円）より小さい")
    expect(page.locator("[data-cases]")).to_have_text("―")
    expect(page.locator('[data-name="high"]')).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("たくさん")
    expect(wrong).to_have_text("数字で入力してください。")
    page.keyboard.press("Control+Enter")
    expect(wrong).to_have_text("数字で入力してください。")
    assert page.url.endswith("/extract")
    shot(page, "senseless")
    page.keyboard.press("Control+a")
    page.keyboard.type("9000")
    expect(wrong).to_have_text("")
    expect(page.locator("[data-sentence]")).to_contain_text("5,000円以上9,000円以下")


@pytest.mark.req("T8", "T19")
def test_saved_shared_exported_and_fixed(town: City, open_page: Callable[..., Page], tmp_path: Path) -> None:
    page = open_page("officer")
    page.goto("/extract")
    add(page, "amount")
    page.keyboard.type("30000")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/extract/*")
    expect(page.locator(".x-figures dd[data-later]")).to_have_text(re.compile(r"[0-9,]+円"))
    page.click("summary:has-text('条件を保存')")
    page.fill("#n-new", "3万円以上")
    page.select_option("#g-new", label="納税一係と共有")
    shot(page, "save")
    page.click("button:has-text('保存する')")
    expect(page.locator("h1")).to_contain_text("3万円以上")
    page.click("summary:has-text('CSV出力')")
    with page.expect_download() as download:
        page.click("button:has-text('出力する')")
    assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbf")
    page.click("summary:has-text('CSV出力')")
    page.click("summary:has-text('名簿を作成')")
    page.fill("#t-name", "11月の架電")
    page.click("button:has-text('作成する')")
    page.wait_for_url("**/targets/*")
    expect(page.locator(".told").first).to_contain_text("件の名簿を作成しました。")
    expect(page.locator("h1")).to_contain_text("対象者名簿 11月の架電")
    shot(page, "list")
    page.goto("/extract")
    expect(page.locator(".x-saved")).to_contain_text("納税一係と共有")
    expect(page.locator(".x-lists")).to_contain_text("11月の架電")
    shot(page, "saved")
    page.click("a:has-text('条件を編集')")
    expect(page.locator('[data-name="low"]')).to_have_value("30000")
    expect(page.locator("[data-sentence]")).to_contain_text("30,000円以上")
    page.set_viewport_size(TABLET)
    shot(page, "saved-1024")
