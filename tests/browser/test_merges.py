"""名寄せ in a real browser: offered on the record, compared, decided, seen on both, and taken back."""

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from db.rules.terms import Area, Channel
from db.usecases import merges, results
from db.usecases.results import Entry
from tests.browser.conftest import TABLET, City
from tests.browser.test_record import in_view
from tests.integration.db.people import NOW, OFFICE

Opener = Callable[..., Page]
OTHER = "+81312345678"


def twice(city: City) -> tuple[int, int]:
    """One person under two numbers, each with something owed and something said."""
    one = city.small.debtor(number="0000012345")
    two = city.small.debtor("山田　太郎", number="0000067890", phone=OTHER, owes=7_000)
    with city.database.write() as tx:
        city.small.owe(tx, two, Area.TAX, 12_300, date(2025, 9, 1))
        for debtor_id, note in ((one, "納付書の再送を希望。"), (two, "給料日後に納付するとのこと。")):
            results.note_contact(
                tx, city.users["officer"], debtor_id, Area.TAX, Channel.COUNTER, Entry("counter_talk", note=note), NOW,
                OFFICE,
            )  # fmt: skip
    return one, two


@pytest.mark.req("T9", "T10")
@pytest.mark.parametrize("viewport", [None, TABLET], ids=["1366", "1024"])
def test_offered_compared_merged_and_parted(open_page: Opener, city: City, viewport: dict[str, int] | None) -> None:
    one, two = twice(city)
    page = open_page("officer", viewport)
    page.goto(f"/debtors/{one}")
    page.click(".candidates summary")
    expect(page.locator(".candidates")).to_contain_text("氏名が一致・カナが一致・生年月日が一致・住所が一致")
    page.click(".candidates a")
    expect(page.locator(".sides")).to_contain_text("0000067890")
    page.focus("#note-merge")
    page.keyboard.type("窓口で本人に確認")
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("名寄せしました")
    expect(page.locator(".decisions")).to_contain_text("窓口で本人に確認")
    for here, other in ((one, "0000067890"), (two, "0000012345")):
        page.goto(f"/debtors/{here}")
        expect(page.locator(".joined")).to_contain_text(other)
        expect(page.locator(".phones")).to_contain_text("03-1234-5678")
        expect(page.locator(".phones")).to_contain_text("090-1111-2222")
        expect(page.locator(".contacts")).to_contain_text("納付書の再送を希望。")
        expect(page.locator(".contacts")).to_contain_text("給料日後に納付するとのこと。")
        expect(page.locator(".arrears")).to_contain_text("名寄せした宛名番号を含む合計")
        assert page.locator(".candidates").count() == 0
        assert in_view(page, ".joined a")
        assert in_view(page, ".contact .note")
    page.click(".joined >> text=比較")
    page.wait_for_url("**/merges/**")
    page.click("text=名寄せを解除する >> nth=-1")
    assert page.locator("#note-part:invalid").count() == 1
    page.fill("#note-part", "別の方と判明")
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("名寄せを解除しました")
    page.goto(f"/debtors/{one}")
    assert page.locator(".joined, .candidates").count() == 0


@pytest.mark.req("T10")
def test_the_list_says_why_and_leads_to_the_pair(open_page: Opener, city: City) -> None:
    twice(city)
    page = open_page("officer")
    page.goto("/merges")
    expect(page.locator(".empty")).to_contain_text("候補はありません")
    with city.database.write() as tx:
        merges.keep(tx, merges.look(tx), NOW)
    page.click(".desk >> text=名寄せ")
    expect(page.locator(".pairs")).to_contain_text("住所が一致")
    page.click("text=比較する")
    page.locator("#note-reject").press("Enter")
    expect(page.locator(".told")).to_contain_text("別人としました")
    page.click("text=名寄せの一覧へ")
    expect(page.locator(".pairs")).to_contain_text("0000012345")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
