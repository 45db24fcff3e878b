"""Return calls on the screen: the pop beside what is being typed, and the choice of whose call it is (T5)."""

from typing import Final

from aiohttp import web

from db.usecases import incoming
from db.usecases.calls import own_call
from db.usecases.records import find
from webpanel import forms
from webpanel.answers import done
from webpanel.bar import load_bar, load_queue
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

LONGEST: Final = 100


async def pop(request: web.Request) -> web.StreamResponse:
    """Who may be calling, as it stands in the register; empty without a call that came in."""
    found = await request.app[DATABASE].ask(load_bar, request_viewer(request))
    return fragment(request, "line/pop.html", bar=found)


async def waiting(request: web.Request) -> web.StreamResponse:
    """How many callers wait, and how long the first of them has."""
    queue = await request.app[DATABASE].ask(load_queue, request_viewer(request))
    return fragment(request, "line/waiting.html", queue=queue)


async def caller(request: web.Request) -> web.StreamResponse:
    """Search for whose call it is."""
    viewer, call_id = request_viewer(request), forms.path_call(request)
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    call = await database.ask(own_call, viewer, call_id)
    words = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    found = await database.run(find, viewer, words, now) if words else None
    return await page(request, "line/caller.html", call=call, words=words, found=found)


async def choose(request: web.Request) -> web.StreamResponse:
    """Say whose call it is. The pop stays where it is; the search goes on to the record."""
    viewer, call_id = request_viewer(request), forms.path_call(request)
    form = await forms.fields(request)
    debtor_id = forms.number(form, "debtor_id")
    await request.app[DATABASE].run(incoming.choose, viewer, call_id, debtor_id, request.app[CLOCK].now())
    return done(request, f"/debtors/{debtor_id}" if form.get("open") == "1" else None)


async def dismiss(request: web.Request) -> web.StreamResponse:
    """Close a call of nobody known."""
    viewer, call_id = request_viewer(request), forms.path_call(request)
    await request.app[DATABASE].run(incoming.dismiss, viewer, call_id, request.app[CLOCK].now())
    return done(request)
