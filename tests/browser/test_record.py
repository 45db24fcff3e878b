"""The record in a real browser: found at a glance, worked by keyboard, and nothing typed is ever lost."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from db.rules.terms import Area, Channel
from db.schema.contacts import Contact, PromiseLine, Recall
from db.usecases import calls, results
from db.usecases.results import Entry
from tests.browser.conftest import TABLET, City
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.on_the_line import OnTheLine

Opener = Callable[..., Page]
STRANGE = "葛\U000e0100城 O'Brien　凛🌸"


def in_view(page: Page, selector: str) -> bool:
    """Whether an element is on the screen, not hidden by a box that scrolls, without scrolling."""
    return bool(
        page.locator(selector).first.evaluate("""element => {
        const box = element.getBoundingClientRect();
        const at = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 8));
        return box.bottom <= innerHeight && box.right <= innerWidth && (element === at || element.contains(at));
    }""")
    )


@pytest.mark.req("T9")
@pytest.mark.parametrize("viewport", [None, TABLET], ids=["1366", "1024"])
def test_who_what_last_and_next_are_in_sight_without_scrolling(
    open_page: Opener, city: City, viewport: dict[str, int] | None
) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    with city.database.write() as tx:
        for month in range(1, 11):
            city.small.owe(tx, line.debtor_id, Area.TAX, 10_000 + month, date(2025, month, 28))
    call_id = line.talk()
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{line.debtor_id}")
    for part in (
        ".person-name",
        ".phone .number",
        ".advice",
        "[name=kana]",
        ".pad-keys",
        "#note",
        ".save button",
        ".scripts",
    ):
        assert in_view(page, part), part
    line.confirm(call_id)
    line.hang_up(call_id)
    line.save(call_id, note="最後の話")
    page.goto(f"/debtors/{line.debtor_id}")
    for part in (
        ".person-name",
        ".facts",
        ".phone .number",
        ".sum-yen",
        ".table-box th",
        ".contact .note",
        ".advice",
        ".as-of",
    ):
        assert in_view(page, part), part
    size = page.evaluate(
        "[document.documentElement.scrollHeight, innerHeight, document.documentElement.scrollWidth, innerWidth]"
    )
    assert size[0] <= size[1]
    assert size[2] <= size[3]


@pytest.mark.req("T7", "C5")
def test_a_whole_call_by_keyboard_alone(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["contracted"], city.small.debtor())
    call_id = line.talk()
    page = open_page("contracted")
    page.goto(f"/debtors/{line.debtor_id}")
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.type("書きかけ")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(page.locator("[name=kana]")).to_be_focused()
    page.keyboard.type("ヤマダ タロウ")
    page.keyboard.press("Tab")
    page.keyboard.type("S55.5.3")
    page.keyboard.press("Tab")
    page.keyboard.type("見本町1-2-3")
    page.keyboard.press("Enter")
    expect(page.locator(".sum-yen")).to_be_visible()
    expect(page.locator(".identity-done")).to_be_visible()
    assert page.input_value("#note") == "書きかけ", "what was typed before identity is still there"
    page.keyboard.press("1")
    page.keyboard.press("p")
    for button in ("全額", "来月末"):
        while button not in page.evaluate("document.activeElement.textContent"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    expect(page.locator(".preview")).to_contain_text("令和8年12月31日")
    expect(page.locator(".preview")).to_contain_text("閉庁日です")
    line.hang_up(call_id)
    expect(page.locator(".save button")).to_contain_text("登録して次へ")
    assert page.input_value("#note") == "書きかけ", "the end of the call leaves it, too"
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/$"))
    with city.database.read() as tx:
        row = tx.execute(select(Contact.disposition, Contact.note)).one()
        promise = tx.execute(select(PromiseLine.due_on, PromiseLine.amount)).one()
    assert tuple(row) == ("talked_self", "書きかけ")
    assert promise.due_on == date(2026, 12, 31)
    assert promise.amount > 48_000


@pytest.mark.req("T7")
def test_a_result_takes_two_clicks(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.hang_up(line.talk())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.click("[value=no_answer]")
    page.click(".save button")
    page.wait_for_url(re.compile(r"/$"))
    with city.database.read() as tx:
        assert tx.execute(select(Contact.disposition)).scalar_one() == "no_answer"


@pytest.mark.req("T7", "T12")
def test_an_error_stands_beside_its_field_and_what_was_typed_stays(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.fill("#note", "消えないで")
    page.click(".save button")
    expect(page.locator('[data-error-for="disposition"]')).to_contain_text("結果を選んで")
    page.keyboard.press("Escape")
    page.locator(".advice").click()
    page.keyboard.press("1")
    page.click("summary:has-text('納付約束')")
    page.fill("[name=promise_total]", "9999999")
    page.fill("[name=promise_first]", "2026-12-15")
    expect(page.locator(".preview")).to_contain_text("滞納額")
    page.keyboard.press("Control+Enter")
    expect(page.locator('[data-error-for="promise"]')).to_contain_text("超えています")
    assert page.input_value("#note") == "消えないで"
    assert page.input_value("[name=promise_total]") == "9999999"


@pytest.mark.req("T6")
@pytest.mark.parametrize(
    ("choice", "value"),
    [("30分後", "2026-11-24T11:00"), ("明日同時刻", "2026-11-25T10:30"), ("土曜午前", "2026-11-28T10:00")],
)
def test_recall_choices_are_on_the_offices_clock(open_page: Opener, city: City, choice: str, value: str) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.talk()
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.keyboard.press("4")
    page.keyboard.press("r")
    page.click(f"text={choice}")
    shown = page.input_value("[name=recall_at]")
    assert shown[:13] == value[:13]
    assert 0 <= int(shown[14:]) - int(value[14:]) <= 2, "the page counts on from the server's time"
    page.keyboard.press("Control+Enter")
    expect(page.locator(".told").first).to_be_visible()
    with city.database.read() as tx:
        assert tx.execute(select(Recall.id)).all()


@pytest.mark.req("T7")
def test_phrases_complete_the_note(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.talk()
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.keyboard.press("n")
    page.keyboard.type("一言。給料")
    expect(page.locator(".phrases li")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#note") == "一言。給料日後に納付するとのこと。"
    page.keyboard.press("Control+Space")
    expect(page.locator(".phrases li").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".phrases")).to_have_count(0)


@pytest.mark.req("T3")
def test_f4_calls_the_suggested_number_and_the_record_turns_to_the_call(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.take_seat()
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    expect(page.locator(".sum-yen")).to_be_visible()
    page.keyboard.press("F4")
    expect(page.locator("form[action$='/result']")).to_be_visible()
    expect(page.locator(".sum-yen")).to_have_count(0)
    expect(page.locator(".advice")).to_contain_text("呼び出しています")
    expect(page.locator(".bar-word")).to_have_text("発信中")


@pytest.mark.req("T3", "C4")
def test_a_dial_that_was_given_up_says_why(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.take_seat()
    call_id = line.place()
    page = open_page("operator")
    streams: list[Route] = []
    page.route(
        "**/events*", lambda route: streams.append(route)
    )  # the stream opens only after the change: it must bring it all the same
    with page.expect_request("**/events*"):
        page.goto(f"/debtors/{line.debtor_id}")
    expect(page.locator("form[action$='/result']")).to_be_visible()
    with city.database.write() as tx:
        calls.refuse(tx, call_id, NOW, "緊急停止中のため架電できません。")
    for stream in streams:
        stream.continue_()
    page.unroute("**/events*")
    expect(page.locator(".work .sentence").first).to_contain_text("緊急停止中")
    expect(page.locator("form[action$='/result']")).to_have_count(0)


@pytest.mark.req("T1")
def test_what_a_colleague_records_appears_while_something_is_typed(open_page: Opener, city: City) -> None:
    debtor_id = city.small.debtor()
    page = open_page("operator")
    with page.expect_response(lambda response: "/events" in response.url):
        page.goto(f"/debtors/{debtor_id}")
    page.click("text=通話以外の記録")
    page.fill("#note", "入力中")
    with city.database.write() as tx:
        results.note_contact(
            tx,
            city.users["officer"],
            debtor_id,
            Area.TAX,
            Channel.COUNTER,
            Entry("counter_talk", "来庁された"),
            NOW,
            OFFICE,
        )
    expect(page.locator(".contacts")).to_contain_text("来庁された")
    assert page.input_value("#note") == "入力中"
    expect(page.locator("#note")).to_be_focused()


@pytest.mark.req("C5", "T7")
def test_an_identity_that_did_not_match_stays_typed_whatever_happens_on_the_line(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    call_id = line.talk()
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    for name, said in (("kana", "ヤマダ"), ("birth_date", "S55.5.3"), ("address", "見本町1-2-3")):
        page.fill(f"[name={name}]", said)
    page.click("text=照合")
    expect(page.locator('[data-error-for="identity"]')).to_contain_text("あと2回")
    page.focus("#note")
    with city.database.write() as tx:
        calls.held(tx, call_id, NOW)
    expect(page.locator(".record")).to_have_attribute("data-state", "held")
    assert page.input_value("[name=kana]") == "ヤマダ"
    line.hang_up(call_id)
    expect(page.locator(".identity")).to_contain_text("本人確認のないまま")


@pytest.mark.req("T9")
def test_tabs_change_the_middle_and_leave_what_is_typed(open_page: Opener, city: City) -> None:
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    line.confirm(line.talk())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.fill("#note", "入力中")
    page.click("text=税目詳細")
    expect(page.locator(".segment-table").first).to_be_visible()
    assert "tab=items" in page.url
    assert page.input_value("#note") == "入力中"


@pytest.mark.req("T5")
def test_a_strange_name_is_found_by_f2_and_shown_as_it_is(open_page: Opener, city: City) -> None:
    debtor_id = city.small.debtor(STRANGE, "カツラギ オブライエン　リン")
    page = open_page("operator")
    page.keyboard.press("F2")
    page.keyboard.type("葛城 O’Brien 凛🌸")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/debtors/{debtor_id}")
    assert page.inner_text(".person-name") == STRANGE
    assert "凛" in page.title()
