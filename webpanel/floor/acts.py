"""What is done with an operator from the floor: the panel beside the list, and its buttons."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from db.rules.telephony import MonitorMode
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.usecases import floor_acts, monitoring
from db.usecases.duty import DutyError
from webpanel import forms
from webpanel.answers import done, told
from webpanel.bar import tone_of
from webpanel.errors import FormError, wants_json
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import fragment
from webpanel.sessions import request_viewer

_ACTS: Final[Mapping[str, Callable[..., str]]] = {
    "pause": floor_acts.pause,
    "back": floor_acts.bring_back,
    "end": floor_acts.end,
    "withdraw": floor_acts.withdraw,
}
CAMPAIGN: Final = "campaign-"
"""What the name of a campaign's check box begins with; its id follows."""


def may_act(viewer: Viewer) -> bool:
    """Whether there is anything that the viewer may do with an operator."""
    return viewer.may_anywhere(Right.FLOOR_ACT) or viewer.may_anywhere(Right.CALL_MONITOR)


async def chosen(request: web.Request) -> dict[str, Any]:
    """What the page shows of the operator who was chosen on it (`?operator=`), if that is the viewer's to choose."""
    text = request.query.get("operator", "")
    readable = text.isascii() and text.isdigit() and len(text) < 10
    if not readable or not may_act(request_viewer(request)):
        return {"steered": None}
    try:
        return await _load(request, int(text))
    except DutyError:
        return {"steered": None}


async def panel(request: web.Request) -> web.StreamResponse:
    """The panel of one operator, fetched again."""
    shown = await _load(request, forms.path_id(request))
    return fragment(request, "floor/operator.html", **shown, tone_of=tone_of)


async def act(request: web.Request) -> web.StreamResponse:
    """Pause, bring back, end, or take back what was to follow."""
    form = await forms.fields(request)
    use_case = _ACTS.get(form.get("act", ""))
    if use_case is None:
        raise FormError({}, "操作を選んでください。")
    return await _do(request, use_case, form.get("reason", ""))


async def assign(request: web.Request) -> web.StreamResponse:
    """Choose the campaigns that an operator works on."""
    form = await forms.fields(request)
    try:
        ids = {uuid.UUID(name.removeprefix(CAMPAIGN)) for name in form if name.startswith(CAMPAIGN)}
    except ValueError:
        raise FormError({}, "キャンペーンを選び直してください。") from None
    return await _do(request, floor_acts.assign, ids, form.get("reason", ""))


async def monitor(request: web.Request) -> web.StreamResponse:
    """Take part in the operator's call, or in another way."""
    viewer, user_id, now = request_viewer(request), forms.path_id(request), request.app[CLOCK].now()
    mode = _mode(await forms.fields(request))
    await request.app[DATABASE].run(monitoring.begin, viewer, user_id, mode, now)
    return done(request)


async def change_monitor(request: web.Request) -> web.StreamResponse:
    """Take part in the same call in another way, from the call bar."""
    mode, now = _mode(await forms.fields(request)), request.app[CLOCK].now()
    await request.app[DATABASE].run(monitoring.change, request_viewer(request), mode, now)
    return done(request)


async def stop_monitor(request: web.Request) -> web.StreamResponse:
    """Take part no more."""
    await request.app[DATABASE].run(monitoring.stop, request_viewer(request), request.app[CLOCK].now())
    return done(request)


def _mode(form: forms.Fields) -> MonitorMode:
    try:
        return MonitorMode(form.get("mode", ""))
    except ValueError:
        raise FormError({}, "モニタリングの方法を選んでください。") from None


async def _load(request: web.Request, user_id: int) -> dict[str, Any]:
    found = await request.app[DATABASE].ask(floor_acts.look_at, request_viewer(request), user_id)
    return {"steered": found}


async def _do(request: web.Request, use_case: Callable[..., str], *values: Any) -> web.StreamResponse:
    viewer, user_id, now = request_viewer(request), forms.path_id(request), request.app[CLOCK].now()
    said = await request.app[DATABASE].run(use_case, viewer, user_id, *values, now)
    return told(said) if wants_json(request) else done(request)
