"""Logging in and out.

Whatever is wrong (the name, the password, a locked or a disabled account), the answer is the same sentence after the
same work: the password is always verified, against a hash that is nobody's where there is no user. At most two are
verified at a time: each takes 64 MiB and a good part of a second of one core, which strangers must not multiply.

The log-in form has no session yet, so its token stands in a cookie of its own and in the form (double submit).
"""

import asyncio
import secrets
from datetime import timedelta
from typing import Final

from aiohttp import web

from db.reference.passwords import verify_password
from db.store import staff
from db.usecases import accounts
from webpanel.answers import done
from webpanel.errors import CsrfError
from webpanel.keys import CLOCK, DATABASE, SETTINGS
from webpanel.render import page
from webpanel.sessions import CSRF_FIELD, SESSION, cookie_name, drop_cookie, find, request_viewer, set_cookie

REFUSED: Final = "ログイン名またはパスワードが違うか、このアカウントは現在使用できません。"
VERIFIERS: Final = web.AppKey("verifiers", asyncio.Semaphore)
_LOGIN_COOKIE: Final = "-login"
_LONGEST: Final = 256


async def show_login(request: web.Request) -> web.StreamResponse:
    """The log-in form; who is logged in already goes on."""
    target = local_path(request.query.get("next", ""))
    if await find(request) is not None:
        return web.Response(status=303, headers={"Location": target})
    return await _form(request, target)


async def log_in(request: web.Request) -> web.StreamResponse:
    """Judge a log-in and start a session."""
    form = await request.post()
    _check_token(request, str(form.get(CSRF_FIELD, "")))
    login, password = str(form.get("login", "")).strip()[:_LONGEST], str(form.get("password", ""))[:_LONGEST]
    target = local_path(str(form.get("next", "")))
    database, panel, now = request.app[DATABASE], request.app[SETTINGS].panel, request.app[CLOCK].now()
    found = await database.ask(staff.credentials, login)
    verified = await verify(request.app, found.password_hash if found else None, password)
    signed_in = await database.run(
        accounts.record_sign_in,
        found,
        verified=verified,
        login=login,
        now=now,
        lifetime=timedelta(minutes=panel.session_minutes),
        remote=request.remote or "",
        agent=request.headers.get("User-Agent", ""),
    )
    if signed_in is None:
        return await _form(request, target, login=login, refused=REFUSED)
    response = web.Response(status=303, headers={"Location": target})
    set_cookie(response, panel, signed_in.token)
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session."""
    session = request[SESSION]
    await request.app[DATABASE].run(accounts.sign_out, session.token, request_viewer(request), request.app[CLOCK].now())
    response = done(request, "/login")
    drop_cookie(response, request.app[SETTINGS].panel)
    return response


async def verify(app: web.Application, password_hash: str | None, password: str) -> bool:
    """Verify a password in a thread, after those before it."""
    async with app[VERIFIERS]:
        return await asyncio.to_thread(verify_password, password_hash, password)


def local_path(given: str) -> str:
    """Where to go after the log-in: a path on this server, or the home screen for anything else."""
    plain = given.startswith("/") and not given.startswith(("//", "/\\", "/login"))
    return given if plain and given.isprintable() else "/"


async def _form(request: web.Request, target: str, *, login: str = "", refused: str = "") -> web.StreamResponse:
    panel = request.app[SETTINGS].panel
    token = request.cookies.get(cookie_name(panel, _LOGIN_COOKIE), "") or secrets.token_urlsafe(32)
    response = await page(
        request, "shell/login.html", status=422 if refused else 200,
        target=target, login=login, refused=refused, token=token,
    )  # fmt: skip
    set_cookie(response, panel, token, _LOGIN_COOKIE)
    return response


def _check_token(request: web.Request, given: str) -> None:
    expected = request.cookies.get(cookie_name(request.app[SETTINGS].panel, _LOGIN_COOKIE), "")
    if not expected or not secrets.compare_digest(given.encode(), expected.encode()):
        raise CsrfError
