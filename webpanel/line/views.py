"""Handlers of the line. Each is one use case; what happens then reaches the screens through the register."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from db.usecases import calls, campaign_work, duty, pauses, transfers
from db.usecases.commands import CommandKind
from webpanel import forms
from webpanel.answers import done
from webpanel.bar import load_bar
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment
from webpanel.routing import Handler
from webpanel.sessions import request_viewer


async def bar(request: web.Request) -> web.StreamResponse:
    """The call bar as it stands in the register."""
    found = await request.app[DATABASE].ask(load_bar, request_viewer(request))
    return fragment(request, "line/bar.html", bar=found)


async def start(request: web.Request) -> web.StreamResponse:
    """Go on duty at a seat."""
    seat = (await forms.fields(request)).get("seat", "")
    return await _do(request, duty.take_seat, seat)


async def ring(request: web.Request) -> web.StreamResponse:
    """Call the operator's phone again."""
    return await _do(request, duty.ring_again)


async def pause(request: web.Request) -> web.StreamResponse:
    """Leave the line for a while."""
    reason = (await forms.fields(request)).get("reason", "")
    return await _do(request, duty.pause, reason)


async def resume(request: web.Request) -> web.StreamResponse:
    """Come back."""
    return await _do(request, duty.resume)


async def end(request: web.Request) -> web.StreamResponse:
    """Go home."""
    return await _do(request, duty.go_home)


async def seen(request: web.Request) -> web.StreamResponse:
    """The operator knows what a supervisor has done with them."""
    return await _do(request, duty.seen)


async def place(request: web.Request) -> web.StreamResponse:
    """Call one number of a person's record; `deliberate` insists where the rule lets an officer insist."""
    form = await forms.fields(request)
    debtor_id, phone_id = forms.number(form, "debtor_id"), forms.number(form, "phone_id")
    await request.app[DATABASE].run(
        campaign_work.place,
        request_viewer(request),
        debtor_id,
        phone_id,
        forms.area(form),
        request.app[CLOCK].now(),
        request.app[OFFICE],
        deliberate=form.get("deliberate") == "1",
    )
    return done(request, f"/debtors/{debtor_id}")


async def consult(request: web.Request) -> web.StreamResponse:
    """Speak with an officer about the viewer's call."""
    call_id, form = forms.path_call(request), await forms.fields(request)
    officer = forms.number(form, "officer", "転送先の職員を選んでください。")
    await request.app[DATABASE].run(
        transfers.begin, request_viewer(request), call_id, officer, request.app[CLOCK].now()
    )  # fmt: skip
    return done(request)


async def hand_over(request: web.Request) -> web.StreamResponse:
    """Leave the call to the officer."""
    call_id, now = forms.path_call(request), request.app[CLOCK].now()
    await request.app[DATABASE].run(transfers.complete, request_viewer(request), call_id, now)
    return done(request)


async def take_back(request: web.Request) -> web.StreamResponse:
    """Go on with the call oneself."""
    call_id, now = forms.path_call(request), request.app[CLOCK].now()
    await request.app[DATABASE].run(transfers.cancel, request_viewer(request), call_id, now)
    return done(request)


def recording(*, pause: bool) -> Handler:
    """A handler that leaves what follows out of the viewer's recording, or records again."""

    async def handler(request: web.Request) -> web.StreamResponse:
        call_id, now = forms.path_call(request), request.app[CLOCK].now()
        await request.app[DATABASE].run(pauses.request, request_viewer(request), call_id, now, pause=pause)
        return done(request)

    return handler


def wanting(kind: CommandKind) -> Handler:
    """A handler that asks the PBX to do something to the viewer's own call."""

    async def handler(request: web.Request) -> web.StreamResponse:
        call_id, now = forms.path_call(request), request.app[CLOCK].now()
        await request.app[DATABASE].run(calls.request, request_viewer(request), call_id, kind, now)
        return done(request)

    return handler


async def _do(request: web.Request, use_case: Callable[..., Any], *args: str) -> web.StreamResponse:
    await request.app[DATABASE].run(use_case, request_viewer(request), *args, request.app[CLOCK].now())
    return done(request)
