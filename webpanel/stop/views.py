"""Handlers of the emergency stop. Stopping takes one button; resuming has to be confirmed."""

from aiohttp import web

from db.store import office
from db.usecases import stop as use_case
from webpanel import forms
from webpanel.answers import done
from webpanel.errors import FormError
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import fragment
from webpanel.sessions import request_viewer


async def bar(request: web.Request) -> web.StreamResponse:
    """The red bar, or nothing."""
    return fragment(request, "stop/bar.html", stopped=await request.app[DATABASE].ask(office.stopped))


async def stop(request: web.Request) -> web.StreamResponse:
    """Stop everything that dials or sends."""
    reason = (await forms.fields(request)).get("reason", "")
    await request.app[DATABASE].run(use_case.stop, request_viewer(request), reason, request.app[CLOCK].now())
    return done(request)


async def resume(request: web.Request) -> web.StreamResponse:
    """Let go again."""
    if (await forms.fields(request)).get("confirmed") != "1":
        raise FormError({"confirmed": "再開してよいことを確認し、チェックを付けてください。"})
    await request.app[DATABASE].run(use_case.resume, request_viewer(request), request.app[CLOCK].now())
    return done(request)
