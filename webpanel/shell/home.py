"""本日, the home screen: what is due for whoever looks at it, and what they did today."""

from typing import Any

from aiohttp import web

from db.rules.terms import Right
from db.usecases.today import open_today
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer


async def show_home(request: web.Request) -> web.StreamResponse:
    """The home screen."""
    return await page(request, "shell/home.html", **await _context(request))


async def today_part(request: web.Request) -> web.StreamResponse:
    """Its live part."""
    return fragment(request, "shell/today.html", **await _context(request))


async def signed_in(request: web.Request) -> web.StreamResponse:
    """What a tab shows that was opened only to log in again."""
    return await page(request, "shell/signed_in.html")


async def _context(request: web.Request) -> dict[str, Any]:
    viewer = request_viewer(request)
    if not viewer.may_anywhere(Right.DEBTOR_VIEW):
        return {"due": None}
    found = await request.app[DATABASE].run(open_today, viewer, request.app[CLOCK].now(), request.app[OFFICE])
    return {"due": found}
