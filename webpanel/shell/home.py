"""本日, the home screen: what is due for whoever looks at it, and what they did today."""

from typing import Any

from aiohttp import web

from db.rules.terms import Right
from db.usecases.today import open_today, own_numbers, peek_today
from webpanel.campaigns.work import load_offers
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.messages.views import load_inbox
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer
from webpanel.sms.batches import load_approvals


async def show_home(request: web.Request) -> web.StreamResponse:
    """The home screen."""
    if not request_viewer(request).may_anywhere(Right.DEBTOR_VIEW):
        return await page(request, "shell/home.html", due=None)
    inbox = await load_inbox(request, home=True, opened=True)
    offered = {**await load_offers(request), **await load_approvals(request)}
    return await page(
        request, "shell/home.html", inbox=inbox, **offered, **await _due(request, again=False), **await _numbers(request)
    )  # fmt: skip


async def due_part(request: web.Request) -> web.StreamResponse:
    """What is due, fetched again."""
    return fragment(request, "shell/due.html", **await _due(request, again=True))


async def numbers_part(request: web.Request) -> web.StreamResponse:
    """The user's numbers, fetched again."""
    return fragment(request, "shell/numbers.html", **await _numbers(request))


async def signed_in(request: web.Request) -> web.StreamResponse:
    """What a tab shows that was opened only to log in again."""
    return await page(request, "shell/signed_in.html")


async def _due(request: web.Request, *, again: bool) -> dict[str, Any]:
    asked = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    database = request.app[DATABASE]
    due = await database.ask(peek_today, *asked) if again else None
    return {"due": due or await database.run(open_today, *asked, again=again)}


async def _numbers(request: web.Request) -> dict[str, Any]:
    asked = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    return {"numbers": await request.app[DATABASE].ask(own_numbers, *asked)}
