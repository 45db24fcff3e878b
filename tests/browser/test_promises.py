"""Promises in a real browser: entered line by line, offered by an operator, decided on by an officer."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from db.rules.promises import PromiseLine
from db.rules.terms import Area, Channel
from db.schema.claims import Payment
from db.usecases.results import Entry, note_contact
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.people import NOW, OFFICE

Opener = Callable[..., Page]


@pytest.mark.req("T12")
@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_a_promise_line_by_line_is_offered_approved_and_shown_against_what_was_paid(
    open_page: Opener, city: City, viewport: dict[str, int]
) -> None:
    debtor_id = city.small.debtor()
    with city.database.write() as tx:
        lines = (PromiseLine(date(2026, 10, 20), 10_000), PromiseLine(date(2026, 11, 16), 10_000))
        entry = Entry("counter_talk", promise=lines)
        made = NOW - timedelta(days=50)
        note_contact(tx, city.users["officer"], debtor_id, Area.TAX, Channel.COUNTER, entry, made, OFFICE)
        tx.execute(insert(Payment).values(
            debtor_id=debtor_id, area=Area.TAX, reference="1", paid_on=date(2026, 10, 28), reported_on=date(2026, 11, 2),
            amount=13_000, place="コンビニ",
        ))  # fmt: skip
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{debtor_id}?tab=promises")
    expect(page.locator(".promise")).to_contain_text("不履行")
    page.click("summary:has-text('通話以外の記録')")
    page.select_option("[name=kind]", "counter:counter_talk")
    page.click("summary:has-text('納付約束')")
    page.check("[name=promise][value=hand]")
    expect(page.locator("[name=promise_total]")).to_be_hidden()
    page.fill("[name=line_day_1]", "2026-12-05")
    page.fill("[name=line_yen_1]", "5000")
    page.fill("[name=line_day_2]", "2027-01-15")
    page.fill("[name=line_yen_2]", "9000")
    expect(page.locator(".preview")).to_contain_text("閉庁日です")
    expect(page.locator(".preview")).to_contain_text("徴収職員が承認します")
    page.click("text=行を追加")
    expect(page.locator("[name=line_day_4]")).to_be_focused()
    page.click(".save button")
    page.wait_for_url("**saved=1")
    officer = open_page("officer", viewport)
    expect(officer.locator(".today-tasks")).to_contain_text("分納の承認")
    officer.click(".today-tasks tbody a")
    expect(officer.locator(".promise").first).to_contain_text("申出（承認待ち）")
    officer.click("text=分納を承認する")
    expect(officer.locator(".promise").first).to_contain_text("承認 鈴木 次郎")
    expect(officer.locator(".promise").nth(1)).to_contain_text("変更前")
    officer.click("summary:has-text('約束を取り消す')")
    officer.fill("[name=reason]", "本人の申し出により変更")
    officer.locator("button:has-text('取り消す')").first.click()
    expect(officer.locator(".promise").first).to_contain_text("本人の申し出により変更")
