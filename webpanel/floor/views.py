"""Handlers of the live floor."""

from math import ceil
from typing import Any

from aiohttp import web

from db.rules.telephony import LIVE_CALLS, DutyState
from db.usecases import floor
from db.usecases.floor import Floor
from webpanel.bar import tone_of
from webpanel.floor import acts
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer


async def show(request: web.Request) -> web.StreamResponse:
    """The floor."""
    shown = _shown(request, await request.app[DATABASE].run(*_asked(request)))
    return await page(request, "floor/floor.html", **shown, **await acts.chosen(request))


async def now(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    _, *asked = _asked(request)
    return fragment(request, "floor/now.html", **_shown(request, await request.app[DATABASE].ask(floor.see, *asked)))


def _asked(request: web.Request) -> tuple[Any, ...]:
    return floor.open_floor, request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]


def _shown(request: web.Request, found: Floor) -> dict[str, Any]:
    at = request.app[CLOCK].now()
    look_in = max(1, ceil((found.look_at - at).total_seconds())) if found.look_at else None
    return {
        "floor": found,
        "look_in": look_in,
        "tone_of": tone_of,
        "Duty": DutyState,
        "LIVE": LIVE_CALLS,
        "acts": acts.may_act(request_viewer(request)),
    }
