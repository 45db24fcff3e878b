"""訪問計画 of a list of targets: who is to visit on which day, how many may be visited then, and the tasks."""

from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from db.reference.calendar import DateTextError, era_date, parse_date
from db.rules.viewer import Viewer
from db.store.receivers import Receiver
from db.usecases import target_visits, targets
from db.usecases.target_checks import Tally
from db.usecases.target_visits import Made, VisitPlan
from db.usecases.targets import Listed
from db.usecases.task_desk import WORDS_LENGTH
from webpanel import forms
from webpanel.answers import told
from webpanel.errors import FormError
from webpanel.extract.forms import path_uuid
from webpanel.extract.views import COUNTING
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer


async def show(request: web.Request) -> web.StreamResponse:
    """The form; how many may be visited on its day is fetched as that is chosen."""
    viewer, office = request_viewer(request), request.app[OFFICE]
    fixed, choices = await request.app[DATABASE].ask(_load, viewer, request)
    today = office.today(request.app[CLOCK].now())
    return await page(
        request, "extract/visits.html", fixed=fixed, choices=choices, most=target_visits.MOST, longest=WORDS_LENGTH,
        first=office.calendar.next_business_day(today), last=today + target_visits.FARTHEST,
    )  # fmt: skip


async def count(request: web.Request) -> web.StreamResponse:
    """How many may be visited on a day, and why the others may not."""
    viewer, database, office = request_viewer(request), request.app[DATABASE], request.app[OFFICE]
    fixed = await database.ask(targets.one, viewer, path_uuid(request))
    day, now = _day(request.query), request.app[CLOCK].now()
    target_visits.check_day(fixed, day, now, office)
    tally = Tally()
    after: int | None = 0
    while after is not None:
        async with request.app[COUNTING]:
            judged, after = await database.ask(target_visits.count_part, viewer, fixed.id, after, day, now, office)
        tally.add(judged)
    await database.run(target_visits.log_count, viewer, fixed, tally, now)
    closed = era_date(day) if office.is_closed(day) else ""
    return fragment(request, "extract/visit_counts.html", fixed=fixed, tally=tally, closed=closed, act="訪問")


async def make(request: web.Request) -> web.StreamResponse:
    """Make the tasks, some hundred in a transaction."""
    viewer, database, office = request_viewer(request), request.app[DATABASE], request.app[OFFICE]
    typed, now = await forms.fields(request), request.app[CLOCK].now()
    fixed = await database.ask(targets.one, viewer, path_uuid(request))
    plan = VisitPlan(typed.get("to", ""), _day(typed), typed.get("instructions", "").replace("\0", "").strip())
    made = Made()
    after: int | None = 0
    while after is not None:
        part, after = await database.run(target_visits.make_part, viewer, fixed, after, plan, now, office)
        made.add(part)
    return told(_said(made))


def _load(tx: Connection, viewer: Viewer, request: web.Request) -> tuple[Listed, list[Receiver]]:
    fixed = targets.one(tx, viewer, path_uuid(request))
    return fixed, target_visits.choices(tx, viewer, fixed.id)


def _day(fields: Any) -> date:
    try:
        return parse_date(fields.get("day", ""))
    except DateTextError as error:
        raise FormError({"day": error.message}) from error


def _said(made: Made) -> str:
    """What became of a plan, in sentences."""
    parts = [f"訪問のタスクを{made.made:,}件作成しました。"]
    if made.there:
        parts.append(f"{made.there:,}件は未対応の訪問がすでにあるため、そのままです。")
    if made.left_out:
        reasons = "、".join(f"{text.rstrip('。')}（{number:,}件）" for text, number in made.reasons.most_common())
        parts.append(f"{made.left_out:,}件は対象外です：{reasons}。")
    return "".join(parts)
