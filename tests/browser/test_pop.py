"""The pop of a return call in a real browser (T5): it opens beside what is being typed and takes nothing away."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.rules.callers import Caller, CallerKind
from db.rules.terms import Area
from db.usecases import calls, duty, giving, incoming, pauses, transfers
from tests.browser.conftest import City
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.on_the_line import OnTheLine

TYPED = "昨日の電話の続きを書いている"


def waits(city: City, channel: str, *candidates: int) -> uuid.UUID:
    """A call comes in."""
    call_id = incoming.call_id_of("main", channel)
    kind = CallerKind.SEVERAL if len(candidates) > 1 else CallerKind.KNOWN
    with city.database.write() as tx:
        caller = Caller(kind, "+819011112222", Area.TAX, candidates)
        incoming.arrived(tx, call_id, "main", channel, caller, NOW - timedelta(seconds=80), OFFICE)
    return call_id


def rings(city: City, *candidates: int) -> uuid.UUID:
    """A call comes in and is given to whoever is ready."""
    call_id = waits(city, "1.1", *candidates)
    with city.database.write() as tx:
        assert giving.give(tx, call_id, NOW)
        incoming.joined(tx, call_id, NOW)
    return call_id


@pytest.mark.req("T5", "P3")
def test_a_return_call_pops_beside_what_is_being_typed(
    city: City, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    one, other = city.small.debtor(), city.small.debtor("山田 花子", "ヤマダ ハナコ")
    written = city.small.debtor("見本 一郎", "ミホン イチロウ", phone="+819033334444")
    OnTheLine(city, city.users["operator"], one).take_seat()
    page = open_page("operator")
    page.goto(f"/debtors/{written}")
    page.locator("summary", has_text="通話以外の記録").click()
    note = page.locator("textarea[name=note]").first
    note.fill(TYPED)
    expect(page.locator("html[data-live]")).to_be_attached()

    rings(city, one, other)

    pop = page.locator(".pop")
    expect(pop).to_contain_text("090-1111-2222")
    expect(pop.get_by_role("button", name="この人")).to_have_count(2)
    expect(note).to_be_focused()
    expect(note).to_have_value(TYPED)
    pop.locator(f'[data-candidate="{other}"]').get_by_role("button", name="この人").click()
    link = pop.get_by_role("link", name="記録を開く")
    expect(link).to_have_attribute("href", f"/debtors/{other}")
    with page.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("h1, .person-name").first).to_be_visible()
    expect(opened.value).to_have_url(f"{page.url.rsplit('/', 1)[0]}/{other}")
    expect(note).to_have_value(TYPED)
    page.screenshot(path=tmp_path / "pop.png")


@pytest.mark.req("T5", "T14")
@pytest.mark.parametrize("viewport", [{"width": 1366, "height": 768}, {"width": 1024, "height": 768}], ids=str)
def test_callers_who_wait_are_counted_under_the_bar_while_one_is_typing(
    city: City, open_page: Callable[..., Page], tmp_path: Path, viewport: dict[str, int]
) -> None:
    written = city.small.debtor()
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{written}")
    page.locator("summary", has_text="通話以外の記録").click()
    note = page.locator("textarea[name=note]").first
    note.fill(TYPED)
    expect(page.locator("html[data-live]")).to_be_attached()
    queue = page.locator("#call-queue")
    expect(queue).to_have_text("")

    first = waits(city, "1.1", written)
    second = waits(city, "1.2", written)

    expect(queue).to_contain_text("着信の待機 2名")
    expect(queue).to_contain_text("最長 01:2")
    page.screenshot(path=tmp_path / "waiting.png")
    with city.database.write() as tx:
        incoming.gone(tx, first, NOW, OFFICE)
    expect(queue).to_contain_text("着信の待機 1名")
    with city.database.write() as tx:
        incoming.ask_back(tx, second, "", NOW, OFFICE)
    expect(queue).to_have_text("")
    expect(note).to_be_focused()
    expect(note).to_have_value(TYPED)


@pytest.mark.req("T3", "T5", "T7")
@pytest.mark.parametrize("viewport", [{"width": 1366, "height": 768}, {"width": 1024, "height": 768}], ids=str)
def test_a_call_is_taken_to_an_officer_whose_screen_pops(
    city: City, open_page: Callable[..., Page], tmp_path: Path, viewport: dict[str, int]
) -> None:
    person = city.small.debtor()
    line = OnTheLine(city, city.users["operator"], person)
    call_id = line.talk()
    operator, officer = open_page("operator", viewport), open_page("officer", viewport)
    bar = operator.locator("#call-bar")
    expect(bar.get_by_role("button", name="転送")).to_be_disabled()
    OnTheLine(city, city.users["officer"], person).take_seat("1002")
    operator.goto(f"/debtors/{person}")
    officer.goto("/")
    for page in (operator, officer):
        expect(page.locator("html[data-live]")).to_be_attached()
    expect(bar.get_by_role("combobox", name="転送先の職員")).to_contain_text("鈴木 次郎（待機）")
    operator.screenshot(path=tmp_path / "before.png")
    with city.database.write() as tx:
        pauses.began(tx, call_id, NOW)
    expect(bar).to_contain_text("録音停止中")
    operator.screenshot(path=tmp_path / "unrecorded.png")
    with city.database.write() as tx:
        pauses.ended(tx, call_id, NOW)
    expect(bar.get_by_role("button", name="録音停止")).to_be_visible()
    for key, act in (("m", "pause-recording"), ("h", "hold")):  # what an operator does all day needs no mouse
        with operator.expect_request(f"**/calls/{call_id}/{act}"):
            operator.keyboard.press(key)

    operator.keyboard.press("t")
    expect(bar.get_by_role("combobox", name="転送先の職員")).to_be_focused()
    operator.keyboard.press("Tab")
    operator.keyboard.press("Enter")

    expect(bar).to_contain_text("鈴木 次郎さんと相談中")
    pop = officer.locator(".pop")
    expect(pop).to_contain_text("佐藤 花子さんから転送の相談です")
    expect(officer.locator("#call-bar")).to_contain_text("転送の相談")
    operator.keyboard.press("Escape")
    operator.keyboard.press("t")
    expect(bar.get_by_role("button", name="転送する")).to_have_count(0)
    operator.screenshot(path=tmp_path / "between.png")
    with city.database.write() as tx:
        leg = duty.required(tx, line.viewer).leg_id
        assert transfers.operator_left(tx, leg, "1001", NOW)
        calls.joined(tx, call_id, NOW)
    expect(bar).to_contain_text("待機")
    expect(pop).to_contain_text("引き継いだ通話です")
    officer.screenshot(path=tmp_path / "officer.png")
    pop.get_by_role("link", name="記録を開く").click()
    expect(officer.locator(".person-name, h1").first).to_contain_text("山田 太郎")
    expect(officer.locator("#call-bar")).to_contain_text("通話中")


@pytest.mark.req("T5", "T10")
@pytest.mark.parametrize("viewport", [{"width": 1366, "height": 768}, {"width": 1024, "height": 768}], ids=str)
def test_a_wish_to_be_called_back_is_seen_opened_and_closed(
    city: City, open_page: Callable[..., Page], tmp_path: Path, viewport: dict[str, int]
) -> None:
    person = city.small.debtor()
    page = open_page("operator", viewport)
    page.goto("/")
    expect(page.locator("html[data-live]")).to_be_attached()
    wish = waits(city, "1.1", person)
    with city.database.write() as tx:
        incoming.ask_back(tx, wish, "0312345678", NOW, OFFICE)
    link = page.get_by_role("link", name="折返し依頼")
    expect(link).to_be_visible()
    page.screenshot(path=tmp_path / "home.png")

    link.click()

    expect(page.locator("h1")).to_contain_text("03-1234-5678")
    expect(page.get_by_role("link", name="山田 太郎")).to_have_attribute("href", f"/debtors/{person}")
    page.screenshot(path=tmp_path / "task.png")
    page.get_by_role("button", name="対応済みにする").click()
    page.wait_for_url("**/")
    expect(page.locator("h3", has_text="本日対応済みの着信")).to_contain_text("1件")
    expect(page.locator(".closed")).to_contain_text("佐藤 花子")
    page.screenshot(path=tmp_path / "closed.png")
