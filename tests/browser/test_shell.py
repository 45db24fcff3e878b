"""The shell in a real browser: what must not get lost, whatever happens to the session, the server or the focus."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from sqlalchemy import select, update

from db.rules.terms import Area
from db.schema.calls import Duty
from db.schema.people import Phone
from db.schema.staff import Session
from db.usecases import calls, duty
from tests.browser.conftest import PASSWORD, City, PanelThread
from tests.integration.db.people import NOW, OFFICE

Open = Callable[..., Page]


def on_duty(city: City, login: str = "operator", seat: str = "1001") -> None:
    """Take a seat, and let the phone be answered."""
    with city.database.write() as tx:
        row = duty.take_seat(tx, city.users[login], seat, NOW)
        duty.leg_answered(tx, row.leg_id, NOW)


def talking(city: City, name: str = "山田 太郎", login: str = "operator") -> None:
    """A call in which both hear each other."""
    debtor_id = city.small.debtor(name)
    with city.database.write() as tx:
        phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor_id)).scalar_one()
        call_id = calls.place_call(tx, city.users[login], debtor_id, phone_id, Area.TAX, NOW, OFFICE)
        calls.authorize(tx, call_id, NOW, OFFICE)
        calls.ringing(tx, call_id, NOW)
        calls.joined(tx, call_id, NOW)


def live(page: Page) -> Page:
    """Wait until the page's stream is open: only then does what follows test the live part."""
    expect(page.locator("html[data-live]")).to_be_attached()
    return page


@pytest.mark.req("T3")
def test_log_in_and_take_a_seat_by_keyboard(open_page: Open) -> None:
    page = open_page("operator")
    word = page.locator(".bar-word")
    expect(word).to_have_text("業務外")
    page.focus("#bar-seat")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(word).to_have_text("電話機呼出中")


@pytest.mark.req("C1")
def test_a_session_that_ends_while_typing_loses_nothing(open_page: Open, city: City) -> None:
    page = live(open_page("admin"))
    page.goto("/admin/users")
    page.fill("#u-login", "tanaka")
    page.fill("#u-name", "葛\U000e0100城 はじめ")
    page.select_option("#u-level", "officer")
    page.check("input[name=areas][value=tax]")
    with city.database.write() as tx:
        tx.execute(update(Session).values(revoked_at=NOW))
    page.click("text=登録する")
    dialog = page.locator("#signed-out")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("入力した内容はこの画面に残っています")
    with page.expect_popup() as opened:
        dialog.get_by_text("ログイン画面を開く").click()
    again = opened.value
    again.fill("#login", "admin")
    again.fill("#password", PASSWORD)
    again.click("button")
    expect(again.locator("h1")).to_have_text("ログインしました")
    live(again).close()
    expect(dialog).to_be_hidden()
    expect(page.locator("#u-name")).to_have_value("葛\U000e0100城 はじめ")
    expect(page.locator("#u-level")).to_have_value("officer")
    page.click("text=登録する")
    expect(page.locator("[data-form-note]")).to_contain_text("初期パスワード: ")
    expect(page.locator("table.users")).to_contain_text("葛\U000e0100城 はじめ")


@pytest.mark.req("C1")
def test_another_users_log_in_does_not_send_my_form(open_page: Open, city: City) -> None:
    page = open_page("admin")
    page.goto("/admin/users")
    page.fill("#u-login", "tanaka")
    other = page.context.new_page()
    with city.database.write() as tx:
        tx.execute(update(Session).values(revoked_at=NOW))
    other.goto("/login")
    other.fill("#login", "operator")
    other.fill("#password", PASSWORD)
    other.click("button")
    other.wait_for_url("**/")
    other.close()
    page.fill("#u-name", "田中")
    page.select_option("#u-level", "officer")
    page.click("text=登録する")
    expect(page.locator("[data-form-error]").last).to_contain_text("画面の有効期限が切れています")
    expect(page.locator("#u-login")).to_have_value("tanaka")


@pytest.mark.req("T3")
def test_a_live_update_keeps_the_focus_and_waits_for_what_is_being_chosen(open_page: Open, city: City) -> None:
    on_duty(city)
    page = live(open_page("operator"))
    page.select_option("#bar-reason", "打合せ")
    page.focus("#bar-reason")
    talking(city)
    page.wait_for_function("() => document.documentElement.dataset.changes > 0")
    expect(page.locator("#bar-reason")).to_be_focused()
    expect(page.locator("#bar-reason")).to_have_value("打合せ")
    page.locator("#bar-reason").blur()
    expect(page.locator(".bar-word")).to_have_text("通話中")
    hold = page.get_by_role("button", name="保留")
    hold.focus()
    with city.database.write() as tx:
        call_id = tx.execute(select(Duty.call_id)).scalar_one()
        assert call_id is not None
        calls.held(tx, call_id, NOW)
    expect(page.locator(".bar-word")).to_have_text("保留中")
    assert page.evaluate("document.getElementById('call-bar').contains(document.activeElement)")


@pytest.mark.req("T3")
def test_two_browsers_of_one_user_show_one_state(open_page: Open, city: City) -> None:
    first, second = live(open_page("operator")), live(open_page("operator"))
    first.select_option("#bar-seat", "1002")
    first.click("text=業務開始")
    for page in (first, second):
        expect(page.locator(".bar-word")).to_have_text("電話機呼出中")
        expect(page.locator(".bar-seat")).to_have_text("席 1002")
    other = open_page("officer")
    option = other.locator('#bar-seat option[value="1002"]')
    expect(option).to_be_disabled()
    expect(option).to_contain_text("佐藤 花子さん使用中")


@pytest.mark.req("T3")
def test_two_users_who_choose_one_seat(open_page: Open, city: City) -> None:
    """Both have it on the screen as free; the second is told who was faster, beside the button."""
    first, second = open_page("operator"), open_page("officer")
    second.select_option("#bar-seat", "1001")
    first.select_option("#bar-seat", "1001")
    first.click("text=業務開始")
    expect(first.locator(".bar-word")).to_have_text("電話機呼出中")
    second.click("text=業務開始")
    expect(second.locator("#call-bar [data-form-error]").first).to_have_text("席1001は佐藤 花子さんが使用中です。")


@pytest.mark.req("T3", "P3")
def test_a_panel_that_restarts_during_a_call_comes_back_with_the_call(
    open_page: Open, city: City, panel: PanelThread
) -> None:
    on_duty(city)
    talking(city, "O'Neill 😀 葛\U000e0100城")
    page = live(open_page("operator"))
    expect(page.locator(".bar-name")).to_have_text("O'Neill 😀 葛\U000e0100城 様")
    panel.stop()
    expect(page.locator("#stale")).to_contain_text("時点の表示です")
    expect(page.locator(".bar-word")).to_have_text("通話中")
    with city.database.write() as tx:
        call_id = tx.execute(select(Duty.call_id)).scalar_one()
        assert call_id is not None
        calls.held(tx, call_id, NOW)
    page.click("text=保留")
    expect(page.locator("#call-bar form[action$='/hold'] [data-form-error]")).to_contain_text(
        "サーバーに接続できません"
    )
    panel.start()
    expect(page.locator("#stale")).to_be_hidden(timeout=30_000)
    expect(page.locator(".bar-word")).to_have_text("保留中")
    expect(page.locator(".bar-name")).to_have_text("O'Neill 😀 葛\U000e0100城 様")


@pytest.mark.req("T7")
def test_shortcuts_work_and_stay_out_of_what_is_typed(open_page: Open, city: City) -> None:
    on_duty(city)
    talking(city)
    page = live(open_page("operator"))
    page.keyboard.press("F2")
    expect(page.locator("#shell-q")).to_be_focused()
    page.keyboard.type("?1PRS")
    expect(page.locator("#shell-q")).to_have_value("?1PRS")
    expect(page.locator("#help")).to_be_hidden()
    page.locator("#shell-q").blur()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("F12")
    page.keyboard.press("Escape")
    with page.expect_request(re.compile(r"/calls/[0-9a-f-]+/hangup$")) as sent:
        page.keyboard.press("F12")
    assert sent.value.method == "POST"


@pytest.mark.req("C1")
def test_no_page_breaks_its_own_content_policy(open_page: Open, city: City) -> None:
    for login, paths in (("operator", ("/", "/password")), ("admin", ("/", "/admin/users", "/admin/access-log"))):
        page = open_page(login)
        said: list[str] = []

        def listen(message: ConsoleMessage, said: list[str] = said) -> None:
            if message.type in {"error", "warning"}:
                said.append(message.text)

        page.on("console", listen)
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        for path in paths:
            live(page).goto(path)
            live(page)
        assert said == []


@pytest.mark.parametrize("width", [1366, 1024])
def test_nothing_sticks_out_sideways(open_page: Open, city: City, width: int) -> None:
    on_duty(city)
    talking(city, "株式会社とても長い名前の会社みなと野営業所第三事業部債権管理課")
    for login, paths in (("operator", ("/", "/password")), ("admin", ("/admin/users", "/admin/access-log"))):
        page = open_page(login, {"width": width, "height": 768})
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
