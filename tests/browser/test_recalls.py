"""Booked calls in a real browser (T6): booked with a warning, popping up by themselves, moved and taken back by hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.clock import FixedClock
from db.rules.terms import Area, FlagKind
from db.usecases import duty, recalls
from db.usecases.recalls import RecallEntry
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.people import NOW
from tests.integration.webpanel.on_the_line import OnTheLine

Open = Callable[..., Page]
pytestmark = pytest.mark.req("T6")
SIZES = pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
TYPED = "昨日の電話の続きを書いている"


def book(city: City, debtor_id: int, login: str, seconds: int, *, anyone: bool = False, note: str = "") -> None:
    with city.database.write() as tx:
        entry = RecallEntry(NOW + timedelta(seconds=seconds), anyone=anyone, note=note)
        recalls.book_alone(tx, city.users[login], debtor_id, Area.TAX, entry, NOW)


def at_a_seat(city: City, login: str) -> None:
    with city.database.write() as tx:
        duty.take_seat(tx, city.users[login], "1001", NOW)


@SIZES
def test_a_booking_pops_up_by_itself_beside_what_is_being_typed(
    city: City, open_page: Open, clock: FixedClock, tmp_path: Path, viewport: dict[str, int]
) -> None:
    called, written = city.small.debtor("約束 待子"), city.small.debtor("見本 一郎", phone="+819033334444")
    lawyer = city.small.debtor("受任 済子", phone="+819077778888", flags=(FlagKind.LAWYER, FlagKind.NO_CALLS))
    at_a_seat(city, "operator")
    book(city, called, "operator", 2, note="給料日のあとに")
    book(city, lawyer, "officer", 2, anyone=True)
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{written}")
    page.locator("summary", has_text="通話以外の記録").click()
    note = page.locator("textarea[name=note]").first
    note.fill(TYPED)
    expect(page.locator("#recall-pop [data-look-in]")).to_be_attached()
    expect(page.locator(".recall-pop")).to_have_count(0)

    clock.set(NOW + timedelta(seconds=2))

    pop = page.locator(".recall-pop")
    expect(pop).to_contain_text("約束 待子")
    expect(pop).to_contain_text("給料日のあとに")
    expect(pop.locator(".pop-person", has_text="受任 済子")).to_contain_text(
        "いまは連絡できません：弁護士が介入しているため架電できません。架電禁止に指定されているため架電できません。"
    )
    expect(note).to_be_focused()
    expect(note).to_have_value(TYPED)
    expect(page).to_have_title("◷ 再コール | 見本 一郎 | 催告")
    page.screenshot(path=tmp_path / "pop.png")
    with page.context.expect_page() as opened:
        pop.locator(".pop-person", has_text="約束 待子").get_by_role("link", name="記録を開く").click()
    expect(opened.value.locator(".person-name")).to_have_text("約束 待子")
    expect(note).to_have_value(TYPED)
    # closing the page loses nothing: it is there again, until it is put away
    page.goto("/")
    expect(page.locator(".recall-pop .pop-person")).to_have_count(2)
    page.locator(".pop-person", has_text="受任 済子").get_by_role("button", name="引き受ける").click()
    expect(page.locator(".pop-person", has_text="受任 済子").get_by_role("button", name="引き受ける")).to_have_count(0)
    page.locator(".pop-person", has_text="約束 待子").get_by_role("button", name="閉じる").click()
    expect(page.locator(".recall-pop .pop-person")).to_have_count(1)
    page.screenshot(path=tmp_path / "home.png")


@SIZES
def test_during_a_call_what_is_due_leaves_the_script_and_the_record_in_sight(
    city: City, open_page: Open, clock: FixedClock, tmp_path: Path, viewport: dict[str, int]
) -> None:
    for number in range(3):
        due = city.small.debtor(f"約束 待{number}", phone=f"+81903333444{number}")
        book(city, due, "operator", 1, note="給料日のあとに")
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    call_id = line.talk()
    clock.set(NOW + timedelta(seconds=2))
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{line.debtor_id}")
    pop = page.locator(".recall-pop")
    expect(pop).to_contain_text("約束 待0")
    expect(pop.locator(".pop-more").first).to_be_hidden()
    page.screenshot(path=tmp_path / "talking.png")
    box, script = pop.bounding_box(), page.locator(".scripts").bounding_box()
    assert box
    assert script
    assert box["y"] >= script["y"] + script["height"], "the script can be read"
    line.hang_up(call_id)
    expect(pop.locator(".pop-more").first).to_be_visible()


@SIZES
def test_bookings_are_listed_moved_and_taken_back(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    one, other = city.small.debtor("約束 待子"), city.small.debtor("見本 一郎", phone="+819033334444")
    book(city, one, "operator", 3600, note="給料日のあとに")
    book(city, other, "officer", 5400, anyone=True)
    page = open_page("operator", viewport)
    page.click("text=変更・取消")
    row = page.locator("tr", has_text="約束 待子")
    row.locator("summary").click()
    row.locator("[name=recall_at]").fill("2026-11-24T20:30")
    row.get_by_role("button", name="日時を変更する").click()
    expect(row).to_contain_text("20:30")
    expect(row).to_contain_text("この時刻は連絡できません")
    row.locator("summary").click()
    row.get_by_role("button", name="予約を取り消す").click()
    expect(page.locator("tr", has_text="約束 待子")).to_have_count(1), "the reason is required"
    row.locator("[name=reason]").fill("入金を確認")
    page.screenshot(path=tmp_path / "list.png", full_page=True)
    row.get_by_role("button", name="予約を取り消す").click()
    expect(page.locator("tr", has_text="約束 待子")).to_have_count(0)
    page.locator("tr", has_text="見本 一郎").get_by_role("button", name="引き受ける").click()
    expect(page.locator("tr", has_text="見本 一郎")).to_contain_text("佐藤 花子")


@SIZES
def test_a_call_is_booked_from_the_record_with_a_warning(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{city.small.debtor()}")
    page.keyboard.press("r")
    box = page.locator(".recall-alone")
    box.locator("[name=recall_at]").fill("2026-11-28T10:00")
    expect(box.locator(".recall-warning")).to_contain_text("この時刻は連絡できません")
    page.screenshot(path=tmp_path / "record.png")
    box.locator("[name=recall_at]").fill("2026-11-25T10:00")
    expect(box.locator(".recall-warning")).to_have_text("")
    box.locator("[name=recall_phone]").select_option(index=1)
    box.get_by_role("button", name="予約する").click()
    expect(page.locator(".recalls")).to_contain_text("R8.11.25 10:00 佐藤 花子 090-1111-2222")
    page.locator(".recalls summary").click()
    page.locator(".recalls [name=reason]").fill("入金を確認")
    page.locator(".recalls").get_by_role("button", name="予約を取り消す").click()
    expect(page.locator(".recalls")).to_have_count(0)
    page.screenshot(path=tmp_path / "after.png")
