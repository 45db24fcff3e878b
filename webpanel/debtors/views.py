"""Looking at a record: the page, what its script asks while it is open, and the preview of a promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from aiohttp import web
from sqlalchemy import Connection

from db.rules.promises import Promise, PromiseLine
from db.rules.sms import NUMBER_GONE
from db.rules.telephony import LIVE_CALLS
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.store import arrears, calls, debtors
from db.usecases.office import Office
from db.usecases.records import NotFoundError
from db.usecases.results import may_see_amounts
from webpanel.debtors.forms import parse_promise
from webpanel.debtors.screen import FLAG_SHAPES, Screen, Tab, case_tone, load, overdue_days
from webpanel.debtors.words import WORDS
from webpanel.errors import FormError
from webpanel.forms import area, fields, path_id
from webpanel.keys import CLOCK, DATABASE, OFFICE, SETTINGS
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer


async def show_record(request: web.Request) -> web.StreamResponse:
    """The basic screen. `tab` chooses what stands in the middle, `area` for which business one calls."""
    screen = await _load(request, path_id(request))
    return await page(
        request, "debtors/record.html",
        s=screen, r=screen.record, Tab=Tab, saved="saved" in request.query, case_tone=case_tone,
        overdue_days=overdue_days, flag_shapes=FLAG_SHAPES, gone_words=NUMBER_GONE, zone=screen.office.zone, **WORDS,
    )  # fmt: skip


async def show_pulse(request: web.Request) -> web.StreamResponse:
    """What the page's script compares to know whether to draw the page again: ids and states, nothing of the person."""
    viewer, debtor_id = request_viewer(request), path_id(request)
    return web.json_response(await request.app[DATABASE].ask(_pulse, viewer, debtor_id))


async def preview_promise(request: web.Request) -> web.StreamResponse:
    """The lines of a promise as typed so far, with what should be thought of: closed days, and more than is owed."""
    viewer, office = request_viewer(request), request.app[OFFICE]
    typed = await fields(request)
    now = request.app[CLOCK].now()
    lines = parse_promise(typed, office, now)
    if not lines:
        raise FormError({"promise": "約束の種類を選んでください。"})
    ask = request.app[DATABASE].ask
    shown = await ask(_preview, viewer, path_id(request), area(typed), lines, office, now)
    return fragment(request, "debtors/promise.html", p=shown, split=len(lines) > 1, **WORDS)


@dataclass(frozen=True, slots=True)
class Preview:
    """A promise before it is made. `owed` is None where amounts may not be shown; `closed` gives for a day that is not
    open the one that counts instead. `offer`: an officer has to decide on it."""

    lines: Sequence[PromiseLine]
    closed: Mapping[date, date]
    owed: int | None
    offer: bool

    @property
    def total(self) -> int:
        """Sum of the lines, in yen."""
        return sum(line.yen for line in self.lines)

    @property
    def above(self) -> bool:
        """Whether more is promised than is owed."""
        return self.owed is not None and self.total > self.owed


async def _load(request: web.Request, debtor_id: int) -> Screen:
    return await request.app[DATABASE].run(
        load,
        request_viewer(request),
        debtor_id,
        request.app[OFFICE],
        request.app[CLOCK].now(),
        office_name=request.app[SETTINGS].office.name,
        tab=Tab.read(request.query.get("tab", "")),
        wanted=request.query.get("area", ""),
    )


def _pulse(tx: Connection, viewer: Viewer, debtor_id: int) -> dict[str, str | bool]:
    call = calls.current(tx, viewer)
    if call is None or call.debtor_id != debtor_id:
        return {"call": "", "state": "", "identified": False}
    state = call.state.value if call.state in LIVE_CALLS else "over"
    return {"call": str(call.id), "state": state, "identified": call.identity_confirmed_at is not None}


def _preview(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, lines: Sequence[PromiseLine], office: Office,
    now: datetime,
) -> Preview:  # fmt: skip
    viewer.require(Right.PROMISE_OFFER, area)
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    today, owed = office.today(now), None
    if may_see_amounts(tx, viewer, debtor_id, area):
        owed = sum(line.total for line in arrears.lines(tx, viewer.within({area}), debtor_id, today))
    closed = {line.due: office.calendar.next_business_day(line.due) for line in lines if office.is_closed(line.due)}
    offer = Promise(today, tuple(lines)).needs_decision and not viewer.may(Right.PROMISE_DECIDE, area)
    return Preview(lines, closed, owed, offer=offer)
