"""The shell in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import City


@pytest.mark.req("C1")
def test_log_in_and_take_a_seat(open_page: Callable[..., Page], city: City) -> None:
    page = open_page("operator")
    expect(page.locator(".bar-word")).to_have_text("業務外")
    page.select_option("#bar-seat", "1001")
    page.click("text=業務開始")
    expect(page.locator(".bar-word")).to_have_text("電話機呼出中")
