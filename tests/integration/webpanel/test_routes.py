"""Every route of the panel refuses whoever may not use it. New routes are walked by themselves."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import update

from db.schema.staff import Staff
from db.settings import Settings
from tests.integration.webpanel.conftest import Panel
from webpanel.middleware import HEADERS
from webpanel.routing import ROUTES, Kind, Route

PUBLIC = {("GET", "/healthz"), ("GET", "/metrics"), ("GET", "/login"), ("POST", "/login")}


def path_of(route: Route) -> str:
    return re.sub(r"\{[^}]+\}", "1", route.path)


def guarded(panel: Panel) -> list[Route]:
    return [route for route in panel.server.app[ROUTES] if route.kind is not Kind.PUBLIC]  # type: ignore[attr-defined]


@pytest.mark.req("C1")
async def test_only_these_routes_are_open_to_strangers(panel: Panel) -> None:
    routes = panel.server.app[ROUTES]  # type: ignore[attr-defined]
    assert {(r.method, r.path) for r in routes if r.kind is Kind.PUBLIC} == PUBLIC


@pytest.mark.req("C1")
async def test_every_route_refuses_without_a_session(panel: Panel) -> None:
    browser = await panel.browser()
    for route in guarded(panel):
        ask = browser.post if route.method == "POST" else browser.get
        status, text, headers = await ask(path_of(route))
        if route.kind is Kind.PAGE:
            assert (status, headers["Location"].split("?")[0]) == (303, "/login"), route.path
        else:
            assert status == 401, route.path
            assert "ログイン" in text, route.path


@pytest.mark.req("C1")
async def test_every_route_refuses_without_its_right(panel: Panel) -> None:
    panel.user("nobody", "pbx_admin")
    browser = await panel.browser("nobody")
    rights = [route for route in guarded(panel) if route.right is not None]
    assert len(rights) > 15
    for route in rights:
        ask = browser.post if route.method == "POST" else browser.get
        status, text, _ = await ask(path_of(route))
        assert status == 403, route.path
        assert "権限がありません" in text, route.path


@pytest.mark.req("C1")
async def test_every_post_refuses_without_the_token(panel: Panel) -> None:
    panel.user("anybody", "supervisor")
    browser = await panel.browser("anybody")
    with panel.database.write() as tx:
        tx.execute(update(Staff).values(failures=0))
    for wrong in ("", "x" * 43, "トークン"):
        browser.csrf = ""
        for route in guarded(panel):
            if route.method == "POST":
                status, text, _ = await browser.post(path_of(route), {"csrf": wrong}, script=False)
                assert status == 403, route.path
                assert "画面の有効期限" in text, route.path


@pytest.mark.req("C1")
async def test_a_log_in_form_needs_its_own_token(panel: Panel) -> None:
    """Otherwise a strange site could log an officer in as somebody else and read what they write."""
    panel.user("sato")
    browser = await panel.browser()
    form = {"login": "sato", "password": "Correct-Horse-9"}
    assert (await browser.post("/login", form, script=False))[0] == 403


@pytest.mark.req("C3")
async def test_nothing_but_the_password_can_be_done_while_its_change_is_due(panel: Panel) -> None:
    user = panel.user("new", "supervisor")
    with panel.database.write() as tx:
        tx.execute(update(Staff).where(Staff.id == user.user_id).values(must_change_password=True))
    browser = await panel.browser("new")
    for route in guarded(panel):
        if route.while_expired:
            continue
        ask = browser.post if route.method == "POST" else browser.get
        status, _, headers = await ask(path_of(route))
        if route.kind is Kind.PAGE:
            assert (status, headers["Location"]) == (303, "/password"), route.path
        else:
            assert status == 403, route.path


@pytest.mark.req("C1")
async def test_the_headers_forbid_what_is_not_ours(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    for path in ("/", "/login", "/nowhere", "/static/base.css", "/healthz", "/live/bar"):
        _, _, headers = await browser.get(path)
        for name, value in HEADERS.items():
            assert headers[name] == value, path
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store"), path
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.req("C1")
async def test_no_page_carries_inline_script_or_style(panel: Panel) -> None:
    panel.user("sato", "supervisor")
    panel.user("admin", "system_admin")
    for login, paths in (("sato", ("/", "/password", "/login")), ("admin", ("/admin/users", "/admin/access-log"))):
        browser = await panel.browser(login)
        for path in paths:
            _, text, _ = await browser.get(path)
            assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path


async def test_what_is_not_there_is_said_in_words(panel: Panel) -> None:
    browser = await panel.browser()
    status, text, _ = await browser.get("/nowhere")
    assert status == 404
    assert "お探しの画面はありません" in text
    status, text, _ = await browser.get("/logout")
    assert status == 405
    assert "この操作はできません" in text


async def test_a_fault_is_logged_and_told_without_its_details(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("webpanel.shell.home.open_today", broken)
    status, text, _ = await browser.get("/")
    assert status == 500
    assert "システムの不具合" in text
    assert "secret detail" not in text
    assert "ZeroDivisionError" in caplog.text


async def test_the_log_names_routes_and_never_people(panel: Panel, caplog: pytest.LogCaptureFixture) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    with caplog.at_level("INFO"):
        await browser.get("/?q=山田太郎")
        await browser.post("/calls/0190a000-0000-7000-8000-000000000001/hangup")
    mine = [record.getMessage() for record in caplog.records if record.name.startswith("webpanel")]
    assert any("/calls/{id}/hangup" in line for line in mine)
    assert not any("山田" in line or "0190a000" in line for line in mine)


async def test_health_and_metrics(panel: Panel) -> None:
    browser = await panel.browser()
    assert (await browser.get("/healthz"))[:2] == (200, "ok\n")
    status, text, headers = await browser.get("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'saikoku_panel_requests_total{method="GET",route="/healthz",status="200"} 1' in text


def test_the_cookie_is_secure_where_the_panel_is_behind_tls() -> None:
    from aiohttp import web

    from webpanel.sessions import set_cookie

    response = web.Response()
    set_cookie(response, replace(Settings().panel, secure_cookie=True), "t")
    cookie = response.cookies["__Host-saikoku"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        True, True, "Lax", "/", "",
    )  # fmt: skip
