"""Who is asking: the session behind the cookie, the viewer, and the CSRF token.

The cookie carries 256 random bits and nothing else; the register keeps only their SHA-256. It is HttpOnly and
SameSite=Lax; where the panel is reached over TLS (`panel.secure_cookie`) it is Secure and has the `__Host-` prefix, so
that no other host of the domain can plant one (RFC 6265bis). A log-in always makes a new session. The viewer is loaded
from the register at every request: a disabled user, a revoked session or a right taken away counts at the next click.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from db.rules.viewer import Viewer
from db.settings import PanelSettings
from db.store import staff
from db.store.staff import SessionState
from db.usecases import accounts
from webpanel.errors import CsrfError, PasswordDueError, SignedOutError
from webpanel.keys import CLOCK, DATABASE, SETTINGS
from webpanel.routing import Kind, Route

CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
TOUCH_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The session of a request. `token` is the cookie's; it must not leave the process in any other way."""

    token: str
    viewer: Viewer
    state: SessionState


SESSION: Final = web.RequestKey("session", SignedIn)


def request_viewer(request: web.Request) -> Viewer:
    """The user who asks; handlers behind the guard always have one."""
    return request[SESSION].viewer


def csrf_token(request: web.Request) -> str:
    """The token that every form of this session carries."""
    return request[SESSION].state.csrf_token


def cookie_name(panel: PanelSettings, suffix: str = "") -> str:
    """The name of the session cookie (or of another of ours)."""
    return f"{'__Host-' if panel.secure_cookie else ''}saikoku{suffix}"


def set_cookie(response: web.StreamResponse, panel: PanelSettings, value: str, suffix: str = "") -> None:
    """Set one of our cookies; it lasts as long as the browser runs (the server ends sessions by itself)."""
    response.set_cookie(
        cookie_name(panel, suffix), value, path="/", httponly=True, samesite="Lax", secure=panel.secure_cookie
    )


def drop_cookie(response: web.StreamResponse, panel: PanelSettings) -> None:
    """Take the session cookie back."""
    response.del_cookie(cookie_name(panel), path="/", httponly=True, samesite="Lax", secure=panel.secure_cookie)


async def find(request: web.Request) -> SignedIn | None:
    """The live session of a request, or None."""
    panel = request.app[SETTINGS].panel
    token = request.cookies.get(cookie_name(panel), "")
    if not token:
        return None
    found = await request.app[DATABASE].ask(_load, token)
    now = request.app[CLOCK].now()
    if found is None or not accounts.is_live(found[0], now, timedelta(minutes=panel.idle_minutes)):
        return None
    state, viewer = found
    return SignedIn(token, viewer, state)


async def admit(request: web.Request, route: Route) -> None:
    """Let a request through to its handler, or raise: SignedOutError, CsrfError, PasswordDueError, NotAllowedError."""
    session = await find(request)
    if session is None:
        raise SignedOutError
    request[SESSION] = session
    if route.kind is Kind.ACTION:
        await _check_csrf(request, session.state.csrf_token)
    if session.state.must_change_password and not route.while_expired:
        raise PasswordDueError
    if route.right is not None:
        session.viewer.require(route.right)
    await _touch(request, route, session)


async def _check_csrf(request: web.Request, expected: str) -> None:
    given = request.headers.get(CSRF_HEADER) or str((await request.post()).get(CSRF_FIELD, ""))
    if not secrets.compare_digest(given.encode(), expected.encode()):
        raise CsrfError


async def _touch(request: web.Request, route: Route, session: SignedIn) -> None:
    now = request.app[CLOCK].now()
    if route.kind is not Kind.FRAGMENT and now - session.state.seen_at >= TOUCH_EVERY:
        await request.app[DATABASE].run(accounts.touch_session, session.token, now)


def _load(tx: Connection, token: str) -> tuple[SessionState, Viewer] | None:
    state = staff.session(tx, token)
    viewer = staff.viewer(tx, state.user_id) if state else None
    return (state, viewer) if state and viewer else None
