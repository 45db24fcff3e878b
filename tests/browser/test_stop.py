"""The emergency stop in a real browser (P4)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_shell import live

Open = Callable[..., Page]


@pytest.mark.req("P4")
def test_a_stop_shows_at_once_on_every_screen_and_goes_when_resumed(open_page: Open) -> None:
    operator, boss = live(open_page("operator")), live(open_page("supervisor"))
    boss.click("text=緊急停止")
    boss.fill("#stop-reason", "誤った名簿で発信していたため")
    boss.click("text=今すぐ停止する")

    for page in (boss, operator):
        expect(page.locator(".stopped-word")).to_have_text("緊急停止中")
        expect(page.locator(".stopped")).to_contain_text("高橋 三郎「誤った名簿で発信していたため」")
    expect(boss.locator(".stop-switch form")).to_be_hidden()
    expect(operator.locator(".stopped-resume")).to_have_count(0)
    red = operator.locator(".stopped").evaluate("element => getComputedStyle(element).backgroundColor")
    red_part, green_part, blue_part = (int(part) for part in red.removeprefix("rgb(").removesuffix(")").split(","))
    assert red_part > 2 * max(green_part, blue_part)

    boss.click(".stopped-resume button")  # the browser asks for the tick first
    expect(boss.locator(".stopped")).to_be_visible()
    boss.check(".stopped-resume input[name=confirmed]")
    boss.click(".stopped-resume button")
    for page in (boss, operator):
        expect(page.locator(".stopped")).to_have_count(0)
