"""Logging in and sessions: who gets in, who does not, and that the answer says nothing of why (C1, C3)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from db.schema.staff import AccessLog, Session, Staff
from db.store.staff import token_digest
from db.usecases import accounts
from db.usecases.duty import take_seat
from tests.integration.db.people import ADMIN, NOW
from tests.integration.webpanel.conftest import PASSWORD, Browser, Panel
from webpanel.shell.login import REFUSED, local_path


def cookie_of(browser: Browser) -> str:
    return next(cookie.value for cookie in browser.client.session.cookie_jar if cookie.key == "saikoku")


@pytest.mark.req("C1")
async def test_a_user_logs_in_and_sees_the_home_screen(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    status, text, _ = await browser.get("/")
    assert status == 200
    assert "satoさん" in text
    assert "令和8年11月24日" in text


@pytest.mark.req("C1", "C3")
async def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.user("sato")
    panel.user("locked")
    gone = panel.user("gone")
    with panel.database.write() as tx:
        tx.execute(update(Staff).where(Staff.login == "locked").values(locked_until=NOW + timedelta(minutes=5)))
        tx.execute(update(Staff).where(Staff.id == gone.user_id).values(disabled_at=NOW))
    verified: list[str] = []

    def count(password_hash: str | None, password: str) -> bool:
        verified.append(password)
        return password == PASSWORD and password_hash is not None

    monkeypatch.setattr("webpanel.shell.login.verify_password", count)
    answers = set()
    for login, password in (("sato", "x"), ("unknown", PASSWORD), ("locked", PASSWORD), ("gone", PASSWORD)):
        browser = await panel.browser()
        status, text, headers = await browser.log_in(login, password)
        assert REFUSED in text
        token = text.split('name="csrf" value="')[1].split('"')[0]
        answers.add((status, text.replace(token, "").replace(login, ""), "saikoku=" in str(headers)))
    assert len(answers) == 1
    assert len(verified) == 4


@pytest.mark.req("C3")
async def test_an_account_is_locked_at_the_fifth_wrong_password(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser()
    for _ in range(5):
        assert (await browser.log_in("sato", "wrong"))[0] == 422
    assert (await browser.log_in("sato"))[0] == 422
    panel.clock.set(NOW + timedelta(minutes=16))
    assert (await browser.log_in("sato"))[0] == 303


@pytest.mark.req("C1")
async def test_a_log_in_makes_a_new_session_and_keeps_only_its_digest(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    first = cookie_of(browser)
    browser.client.session.cookie_jar.clear(lambda cookie: cookie.key == "saikoku")
    _, _, headers = await browser.log_in("sato")
    second = cookie_of(browser)
    assert first != second
    set_cookie = next(value for name, value in headers.items() if name == "Set-Cookie" and "saikoku=" in value)
    assert "HttpOnly" in set_cookie
    assert "SameSite=Lax" in set_cookie
    with panel.database.read() as tx:
        rows = tx.execute(select(Session)).all()
        kept = {bytes(row.token_digest) for row in rows}
        assert kept == {token_digest(first), token_digest(second)}
        assert not any(token in str(row) for token in (first, second) for row in rows)
        assert len({row.csrf_token for row in rows}) == 2
        logged = tx.execute(select(AccessLog.detail).where(AccessLog.action == "login")).scalars().all()
        assert not any(first in (line or "") for line in logged)


@pytest.mark.req("C1")
async def test_a_session_that_was_planted_is_not_taken_over(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser()
    browser.client.session.cookie_jar.update_cookies({"saikoku": "planted"}, panel.server.make_url("/"))
    await browser.log_in("sato")
    assert cookie_of(browser) != "planted"


@pytest.mark.req("C1")
async def test_disabled_revoked_and_logged_out_stop_at_the_next_request(panel: Panel) -> None:
    for login in ("disabled", "revoked", "leaving"):
        user = panel.user(login)
        browser = await panel.browser(login)
        token = cookie_of(browser)
        if login == "leaving":
            assert (await browser.post("/logout", script=False))[2]["Location"] == "/login"
        with panel.database.write() as tx:
            if login == "disabled":
                tx.execute(update(Staff).where(Staff.id == user.user_id).values(disabled_at=NOW))
            if login == "revoked":
                accounts.revoke_sessions(tx, user.user_id, NOW)
        browser.client.session.cookie_jar.update_cookies({"saikoku": token}, panel.server.make_url("/"))
        assert (await browser.get("/"))[2]["Location"] == "/login", login


@pytest.mark.req("C1")
async def test_a_right_taken_away_counts_at_the_next_request(panel: Panel) -> None:
    user = panel.user("boss", "system_admin")
    browser = await panel.browser("boss")
    assert (await browser.get("/admin/users"))[0] == 200
    with panel.database.write() as tx:
        from db.store import staff

        for row in staff.users(tx, ADMIN):
            for held in row.grants:
                accounts.revoke_grant(tx, ADMIN, NOW, user_id=user.user_id, grant_id=held.id)
    assert (await browser.get("/admin/users"))[0] == 403


@pytest.mark.req("C1")
async def test_a_session_ends_when_it_is_old_and_when_it_is_idle(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    for minutes in (50, 100):
        panel.clock.set(NOW + timedelta(minutes=minutes))
        assert (await browser.get("/"))[0] == 200, "use keeps it alive"
    panel.clock.set(NOW + timedelta(minutes=155))
    assert (await browser.get("/live/bar"))[0] == 200
    panel.clock.set(NOW + timedelta(minutes=161))
    assert (await browser.get("/live/bar"))[0] == 401, "what the page fetches by itself is no use"
    browser = await panel.browser("sato")
    for hours in range(1, 9):
        panel.clock.set(NOW + timedelta(minutes=161 + 50 * hours))
        await browser.get("/")
    panel.clock.set(NOW + timedelta(minutes=161 + 480))
    assert (await browser.get("/"))[0] == 303, "eight hours are the end"


@pytest.mark.req("C1")
async def test_a_session_that_ends_during_a_call_is_told_in_a_sentence_and_the_call_is_still_there(
    panel: Panel,
) -> None:
    user, seat = panel.user("sato"), panel.small.seat()
    browser = await panel.browser("sato")
    with panel.database.write() as tx:
        take_seat(tx, user, seat, NOW)
    panel.end_sessions()
    for script in (True, False):
        status, text, _ = await browser.post("/duty/end", script=script)
        assert status == 401
        assert "入力した内容はこの画面に残っています" in text
    stale = browser.csrf
    await browser.log_in("sato")
    browser.csrf = stale
    status, text, _ = await browser.post("/duty/end")
    assert status == 403, "a form of the earlier session: the script then asks for the new token"
    assert '"csrf"' in text
    _, text, _ = await browser.fragment("/live/token")
    assert f'"user": {user.user_id}' in text
    assert "電話機呼出中" in (await browser.fragment("/live/bar"))[1]


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("/debtors/5?tab=tax", "/debtors/5?tab=tax"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/login?next=/", "/"),
        ("", "/"),
    ],
)
def test_the_log_in_leads_only_to_this_server(given: str, taken: str) -> None:
    assert local_path(given) == taken


@pytest.mark.req("C1")
async def test_after_the_log_in_the_page_that_was_wanted(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser()
    _, _, headers = await browser.get("/signed-in?x=1&y=2")
    assert headers["Location"] == "/login?next=%2Fsigned-in%3Fx%3D1%26y%3D2"
    _, text, _ = await browser.get(headers["Location"])
    assert 'value="/signed-in?x=1&amp;y=2"' in text
