"""Quick entry (T7): a full result in three clicks, or by keyboard alone, while one talks; the office's own phrases."""

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from db.schema.contacts import Contact, PromiseLine, Recall
from tests.browser.conftest import TABLET, City
from tests.browser.test_record import in_view
from tests.integration.db.people import NOW
from tests.integration.webpanel.on_the_line import OnTheLine

Opener = Callable[..., Page]


class Clicks:
    """Clicks and counts. What is clicked must be in sight: a scroll would be one more thing to do."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def click(self, selector: str) -> None:
        self.page.wait_for_selector(selector)
        assert in_view(self.page, selector), selector
        self.page.locator(selector).first.click()
        self.count += 1


@pytest.mark.req("T7", "T6")
@pytest.mark.parametrize("viewport", [None, TABLET], ids=["1366", "1024"])
def test_a_result_with_a_recall_takes_three_clicks_during_the_call(
    open_page: Opener, city: City, viewport: dict[str, int] | None
) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{line.debtor_id}")
    hand = Clicks(page)
    hand.click(".pad-key:has([value=talked_family])")
    hand.click(".quick-now [data-recall=tomorrow]")
    hand.click(".save button")
    expect(page.locator(".told").first).to_contain_text("登録しました")
    assert hand.count == 3
    with city.database.read() as tx:
        assert tx.execute(select(Contact.disposition)).scalar_one() == "talked_family"
        due = tx.execute(select(Recall.due_at)).scalar_one()
    assert 0 <= (due - NOW).total_seconds() - 24 * 3600 <= 180


@pytest.mark.req("T7", "T12")
@pytest.mark.parametrize("viewport", [None, TABLET], ids=["1366", "1024"])
def test_a_result_with_a_promise_takes_three_clicks_during_the_call(
    open_page: Opener, city: City, viewport: dict[str, int] | None
) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{line.debtor_id}")
    hand = Clicks(page)
    hand.click(".pad-key:has([value=talked_self])")
    hand.click("[data-promise-day='2026-11-30']")
    hand.click(".save button")
    expect(page.locator(".told").first).to_contain_text("登録しました")
    assert hand.count == 3
    with city.database.read() as tx:
        made = tx.execute(select(PromiseLine.due_on, PromiseLine.amount)).one()
    assert made.due_on == date(2026, 11, 30)
    assert made.amount > 48_000


@pytest.mark.req("T7", "T6", "T12")
def test_result_phrase_promise_and_recall_by_keyboard_alone(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    press, typed = page.keyboard.press, page.keyboard.type

    def tab_to(selector: str) -> None:
        for _ in range(30):
            press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no way to {selector} by Tab")

    press("1")
    press("n")
    typed("給料日")
    expect(page.locator(".phrases li")).to_have_count(1)
    press("ArrowDown")
    press("Enter")
    tab_to(".promise-form summary")
    press("Enter")
    tab_to("[name=promise_total]")
    typed("10000")
    tab_to("[data-fill=promise_first][data-value='2026-12-15']")
    press("Enter")
    expect(page.locator(".preview")).to_contain_text("令和8年12月15日")
    tab_to(".recall-form summary")
    press("Enter")
    tab_to("[data-recall=tomorrow]")
    press("Enter")
    held: list[Route] = []
    page.route("**/calls/*/result", lambda route: held.append(route))
    with page.expect_request("**/calls/*/result"):
        press("Control+Enter")
    press("F2")  # the next person, while this one is still being saved
    typed("ヤマダ")
    held[0].continue_()
    expect(page.locator(".told").first).to_contain_text("登録しました")
    expect(page.locator("[data-shortcut=F2]")).to_be_focused()
    expect(page.locator("[data-shortcut=F2]")).to_have_value("ヤマダ")
    with city.database.read() as tx:
        assert tuple(tx.execute(select(Contact.disposition, Contact.note)).one()) == (
            "talked_self",
            "給料日後に納付するとのこと。",
        )
        assert tuple(tx.execute(select(PromiseLine.due_on, PromiseLine.amount)).one()) == (date(2026, 12, 15), 10_000)
        assert len(tx.execute(select(Recall.id)).all()) == 1


@pytest.mark.req("T7")
def test_p_and_r_open_what_tab_then_goes_into(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    for key, form in (("p", ".promise-form"), ("r", ".recall-form")):
        page.keyboard.press(key)
        expect(page.locator(f"{form}[open] summary")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".recall-fields [data-recall='30']")).to_be_focused()


@pytest.mark.req("T7", "T12")
def test_a_promise_for_a_day_gone_by_is_refused_at_the_field_as_it_is_typed(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.locator(".advice").click()
    page.keyboard.press("1")
    page.keyboard.press("p")
    page.fill("[name=promise_total]", "1000")
    page.fill("[name=promise_first]", "2026-11-23")
    expect(page.locator('[data-error-for="promise_first"]')).to_contain_text("過去の日付")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[name=promise_first]")).to_have_attribute("aria-invalid", "true")
    with city.database.read() as tx:
        assert tx.execute(select(Contact.id)).all() == []


@pytest.mark.req("T7")
def test_a_supervisor_sets_the_phrases_that_operators_are_offered(open_page: Opener, city: City) -> None:
    page = open_page("supervisor")
    page.goto("/rules")
    page.click("text=メモの定型文")
    page.wait_for_load_state()  # keys are heard once the page's script runs
    page.fill("#p-phrases", "ボーナス後に納付するとのこと。\n勤務先を聴取。")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-form-note]")).to_contain_text("登録しました（2件）")
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.talk()
    desk = open_page("operator")
    desk.goto(f"/debtors/{line.debtor_id}")
    desk.keyboard.press("n")
    desk.keyboard.press("Control+Space")
    expect(desk.locator(".phrases li")).to_have_text(["ボーナス後に納付するとのこと。", "勤務先を聴取。"])
