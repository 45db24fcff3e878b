"""Handlers of booked calls."""

from math import ceil
from typing import Any, Final

from aiohttp import web

from db.rules.terms import Right
from db.usecases import recalls
from db.usecases.recall_lists import Period, peek_list, read_list
from webpanel import forms
from webpanel.answers import done
from webpanel.debtors.forms import parse_recall
from webpanel.errors import FormError
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

AWAY: Final = frozenset({"0", "10"})
"""Minutes for which a pop may be put away; 0: for good."""


async def show(request: web.Request) -> web.StreamResponse:
    """The list of booked calls."""
    return await page(request, "recalls/recalls.html", **await _list(request, opened=True))


async def listed(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    return fragment(request, "recalls/list.html", **await _list(request, opened=False))


async def pop(request: web.Request) -> web.StreamResponse:
    """The bookings whose time has come. Logged only when somebody is on it who was not before."""
    asked = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    database = request.app[DATABASE]
    found = await database.ask(recalls.peek_pop, *asked)
    if found is None:
        found = await database.run(recalls.open_pop, *asked)
    look_in = None if found.look_at is None else max(1, ceil((found.look_at - asked[1]).total_seconds()))
    return fragment(request, "recalls/pop.html", popped=found, look_in=look_in)


async def take(request: web.Request) -> web.StreamResponse:
    """Make a booking one's own."""
    await request.app[DATABASE].run(recalls.take, *_row(request), request.app[CLOCK].now())
    return done(request)


async def move(request: web.Request) -> web.StreamResponse:
    """Book another time."""
    entry = parse_recall(await forms.fields(request), request.app[OFFICE].zone)
    if entry is None:
        raise FormError({"recall": "新しい日時を入力してください。"})
    await request.app[DATABASE].run(
        recalls.move, *_row(request), entry.due_at, request.app[CLOCK].now(), request.app[OFFICE]
    )
    return done(request)


async def cancel(request: web.Request) -> web.StreamResponse:
    """Take a booking back."""
    reason = (await forms.fields(request)).get("reason", "")
    await request.app[DATABASE].run(recalls.cancel, *_row(request), reason, request.app[CLOCK].now())
    return done(request)


async def put_away(request: web.Request) -> web.StreamResponse:
    """Close the pop of one booking."""
    minutes = (await forms.fields(request)).get("minutes", "0")
    if minutes not in AWAY:
        raise FormError({"minutes": "選択してください。"})
    await request.app[DATABASE].run(recalls.put_away, *_row(request), int(minutes), request.app[CLOCK].now())
    return done(request)


async def book(request: web.Request) -> web.StreamResponse:
    """Book a call without the result of a contact."""
    typed, debtor_id = await forms.fields(request), forms.path_id(request)
    entry = parse_recall(typed, request.app[OFFICE].zone)
    if entry is None:
        raise FormError({"recall": "再コールの日時を入力してください。"})
    now = request.app[CLOCK].now()
    await request.app[DATABASE].run(
        recalls.book_alone, request_viewer(request), debtor_id, forms.area(typed), entry, now
    )  # fmt: skip
    return done(request)


async def check(request: web.Request) -> web.StreamResponse:
    """What stands in the way of a booking as typed so far."""
    typed, debtor_id = await forms.fields(request), forms.path_id(request)
    entry, now = parse_recall(typed, request.app[OFFICE].zone), request.app[CLOCK].now()
    decision = None
    if entry is not None:
        asked = request_viewer(request), debtor_id, forms.area(typed), entry, now, request.app[OFFICE]
        decision = await request.app[DATABASE].ask(recalls.check, *asked)
    return fragment(request, "recalls/warning.html", decision=decision, past=False)


async def _list(request: web.Request, *, opened: bool) -> dict[str, Any]:
    viewer, office = request_viewer(request), request.app[OFFICE]
    period = next((one for one in Period if one.value == request.query.get("period")), Period.TODAY)
    everyones = request.query.get("whose") == "all" and viewer.may_anywhere(Right.RECALL_ANYONE)
    asked = viewer, period, everyones, request.app[CLOCK].now(), office
    database = request.app[DATABASE]
    found = None if opened else await database.ask(peek_list, *asked)
    found = found or await database.run(read_list, *asked, opened=opened)
    return {"found": found, "period": period, "periods": Period, "everyones": everyones, "zone": office.zone}


def _row(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_uuid(request)
