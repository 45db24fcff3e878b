"""Messages between staff in a real browser (T10): the badge comes by itself, typing stays, the receipt comes back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, TABLET, City

Open = Callable[..., Page]
TYPED = "昨日の電話の続きを書いている"


@pytest.mark.req("T10")
@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_a_message_reaches_a_colleague_who_is_typing_and_is_answered(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    debtor_id = city.small.debtor()
    officer = open_page("officer", viewport)
    officer.goto(f"/debtors/{debtor_id}")
    officer.locator("summary", has_text="通話以外の記録").click()
    note = officer.locator("textarea[name=note]").first
    note.fill(TYPED)
    expect(officer.locator("html[data-live]")).to_be_attached()
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{debtor_id}")
    page.locator("summary", has_text="職員への連絡").click()
    box = page.locator("details", has=page.locator("summary", has_text="職員への連絡"))
    box.locator("[name=to]").select_option(label="鈴木 次郎")
    box.locator("[name=body]").fill("本人から分納の相談。折り返しをお願いします。")
    box.get_by_role("button", name="送信する").click()
    expect(page.locator("[data-message]")).to_contain_text("未読")
    expect(officer.locator(".badge")).to_contain_text("連絡 1件")
    expect(officer.locator("[data-message]")).to_contain_text("分納の相談")
    expect(note).to_be_focused()
    expect(note).to_have_value(TYPED)
    officer.screenshot(path=tmp_path / "record.png")
    officer.goto("/")
    expect(officer.locator(".today-messages")).to_contain_text("山田 太郎")
    officer.screenshot(path=tmp_path / "home.png")
    officer.locator(".today-messages summary").click()
    officer.locator(".today-messages [name=body]").fill("16時に折り返します")
    officer.get_by_role("button", name="返信する").click()
    expect(officer.locator(".today-messages")).to_have_count(0)
    expect(officer.locator(".badge")).to_have_count(0)
    expect(page.locator(".badge")).to_contain_text("連絡 1件")
    page.click(".badge")
    expect(page.locator("#m-out + ul")).to_contain_text("既読 鈴木 次郎")
    expect(page.locator("#m-in + ul")).to_contain_text("16時に折り返します")
    page.screenshot(path=tmp_path / "messages.png")
    page.get_by_role("button", name="確認した").click()
    expect(page.locator(".badge")).to_have_count(0)
