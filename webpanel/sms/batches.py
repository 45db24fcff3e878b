"""Batches of messages: the list, making one, looking at real cases, letting it go, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from db.rules.sms import SmsState
from db.rules.sms_batches import APPROVAL_ABOVE, BatchSettings, BatchState, NumberRule, reason_words
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.store import sms as messages
from db.store import sms_batches as store
from db.store.sms_batches import BatchRow
from db.usecases import sms_batch_desk as desk
from db.usecases import targets
from db.usecases.policies import policy_of
from db.usecases.sms_batch_desk import Progress
from webpanel import forms
from webpanel.answers import done
from webpanel.keys import CLOCK, DATABASE, OFFICE, SETTINGS, WORDING
from webpanel.render import fragment, page
from webpanel.routing import Handler
from webpanel.sessions import request_viewer
from webpanel.sms.batch_forms import read

COUNTS: Final = web.AppKey("batch_counts", desk.Counts)
DAYS: Final = "月火水木金土日"
WORDS: Final[Mapping[str, Any]] = {
    "State": BatchState, "Fate": SmsState, "reason_words": reason_words, "days": DAYS, "approval_above": APPROVAL_ABOVE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One batch. `counted_at`: as of when `progress` is, if it was not counted just now; `may_approve`: whether the viewer may let it
    go."""

    row: BatchRow
    counted_at: datetime | None
    progress: Progress
    may_approve: bool


async def show(request: web.Request) -> web.StreamResponse:
    """All batches of the viewer's areas."""
    return await page(request, "sms/batches.html", lines=await _lines(request), **WORDS)


async def listed(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    return fragment(request, "sms/batch_list.html", lines=await _lines(request), **WORDS)


async def load_approvals(request: web.Request) -> dict[str, Any]:
    """What the home screen shows of batches."""
    return {"approvals": await request.app[DATABASE].ask(desk.to_approve, request_viewer(request))}


async def approvals(request: web.Request) -> web.StreamResponse:
    """The batches that wait for the viewer's approval, fetched again."""
    return fragment(request, "sms/approvals.html", **await load_approvals(request))


async def new(request: web.Request) -> web.StreamResponse:
    """The form of a new batch, a list chosen if one is named."""
    viewer = request_viewer(request)
    areas = [area for area in Area if viewer.may(Right.SMS_BATCH, area)]
    area = next((area for area in areas if area.value == request.query.get("area")), areas[0])
    office = request.app[OFFICE]

    def load(tx: Connection) -> Mapping[str, Any]:
        policy = policy_of(tx, area, office)
        usual = BatchSettings(name="", opens=policy.opens, closes=policy.closes)
        return {
            "lists": targets.listed(tx, viewer) if viewer.may_anywhere(Right.EXTRACT) else [],
            "templates": messages.templates(tx, area),
            "usual": usual,
        }

    choices = await request.app[DATABASE].ask(load)
    chosen = request.query.get("list", "")
    return await page(
        request, "sms/batch_new.html", area=area, areas=areas, chosen=chosen, rules=NumberRule, **choices, **WORDS
    )


async def make(request: web.Request) -> web.StreamResponse:
    """Make one; nothing is sent yet."""
    area, office, now = forms.area(await forms.fields(request)), request.app[OFFICE], request.app[CLOCK].now()
    entered = read(await request.post(), office.zone)
    made = await request.app[DATABASE].run(
        desk.make, request_viewer(request), area, entered.list_id, entered.template_id, entered.settings, now, office,
        request.app[WORDING], request.app[SETTINGS].office.name,
    )  # fmt: skip
    return done(request, f"/sms/batches/{made}")


async def one(request: web.Request) -> web.StreamResponse:
    """One batch."""
    return await page(request, "sms/batch.html", line=await _line(request), **WORDS)


async def progress(request: web.Request) -> web.StreamResponse:
    """How far it has come, fetched again."""
    return fragment(request, "sms/batch_progress.html", line=await _line(request), **WORDS)


async def sample(request: web.Request) -> web.StreamResponse:
    """Real cases of the list."""
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    cases = await request.app[DATABASE].run(desk.sample, *_batch(request), now, office)
    return fragment(request, "sms/batch_sample.html", cases=cases, **WORDS)


async def results(request: web.Request) -> web.StreamResponse:
    """What came of it."""
    viewer, batch_id = _batch(request)

    def load(tx: Connection) -> desk.Results:
        return desk.results(tx, desk.required(tx, viewer, batch_id))

    found = await request.app[DATABASE].ask(load)
    return fragment(request, "sms/batch_results.html", found=found, **WORDS)


def acting(use_case: Callable[..., None]) -> Handler:
    """The handler of a step that needs nothing but the batch."""

    async def act(request: web.Request) -> web.StreamResponse:
        await request.app[DATABASE].run(use_case, *_batch(request), request.app[CLOCK].now())
        return done(request)

    return act


async def set_pace(request: web.Request) -> web.StreamResponse:
    """Send faster or slower."""
    per_minute = forms.number(await forms.fields(request), "per_minute", "数字を入力してください。")
    await request.app[DATABASE].run(desk.set_pace, *_batch(request), per_minute, request.app[CLOCK].now())
    return done(request)


async def stop(request: web.Request) -> web.StreamResponse:
    """End it, with a reason."""
    reason = (await forms.fields(request)).get("reason", "")
    await request.app[DATABASE].run(desk.stop, *_batch(request), reason, request.app[CLOCK].now())
    return done(request)


async def _lines(request: web.Request) -> list[Line]:
    viewer, now, counts = request_viewer(request), request.app[CLOCK].now(), request.app[COUNTS]

    def load(tx: Connection) -> list[Line]:
        rows = store.listed(tx, viewer.areas(Right.SMS_BATCH))
        counted = [counts.of(tx, row, now) for row in rows]
        return [
            _line_of(viewer, row, None if at == now else at, there)
            for row, (at, there) in zip(rows, counted, strict=True)
        ]

    return await request.app[DATABASE].ask(load)


async def _line(request: web.Request) -> Line:
    viewer, batch_id = _batch(request)

    def load(tx: Connection) -> Line:
        row = desk.required(tx, viewer, batch_id)
        return _line_of(viewer, row, None, desk.progress(tx, row))

    return await request.app[DATABASE].ask(load)


def _line_of(viewer: Viewer, row: BatchRow, counted_at: datetime | None, there: Progress) -> Line:
    return Line(row, counted_at, there, desk.may_approve(viewer, row, there.queued))


def _batch(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_uuid(request)
