"""The office's templates of messages, and what their fields stand for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from db.rules.terms import Area, Right
from db.rules.texts.draft import Draft
from db.rules.texts.fields import FIELDS
from db.store import sms as store
from db.store.sms import TemplateRow
from db.usecases import sms_templates
from db.usecases.records import NotFoundError
from db.usecases.sms_templates import Words
from webpanel import forms
from webpanel.answers import done, told
from webpanel.keys import CLOCK, DATABASE, SETTINGS, WORDING
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer


@dataclass(frozen=True, slots=True)
class Line:
    """One template, and how it will look."""

    row: TemplateRow
    draft: Draft


async def show(request: web.Request) -> web.StreamResponse:
    """The templates of one area."""
    viewer = request_viewer(request)
    areas = [area for area in Area if viewer.may(Right.RULES_EDIT, area)]
    area = next((area for area in areas if area.value == request.query.get("area")), areas[0])
    wording, city = request.app[WORDING], request.app[SETTINGS].office.name

    def load(tx: Connection) -> tuple[Sequence[Line], Sequence[TemplateRow], Words]:
        rows = store.templates(tx, area)
        lines = [Line(row, sms_templates.draft(tx, area, row.body, wording, city)) for row in rows]
        return lines, sms_templates.history(tx, viewer, area), sms_templates.words(tx, area)

    lines, history, words = await request.app[DATABASE].ask(load)
    return await page(
        request, "sms/templates.html", area=area, areas=areas, lines=lines, history=history, words=words, fields=FIELDS,
        city=city, most=sms_templates.MOST,
    )  # fmt: skip


async def make(request: web.Request) -> web.StreamResponse:
    """Make a template."""
    await _save(request, None)
    return done(request, f"/sms/templates?area={_area(request).value}&saved=1")


async def change(request: web.Request) -> web.StreamResponse:
    """Set one anew."""
    await _save(request, forms.path_uuid(request))
    return done(request, f"/sms/templates?area={_area(request).value}&saved=1")


async def retire(request: web.Request) -> web.StreamResponse:
    """Offer one no more."""
    viewer, area = request_viewer(request), _area(request)
    await request.app[DATABASE].run(
        sms_templates.retire, viewer, area, forms.path_uuid(request), request.app[CLOCK].now()
    )
    return done(request, f"/sms/templates?area={area.value}&saved=1")


async def set_words(request: web.Request) -> web.StreamResponse:
    """Say what the fields stand for."""
    typed = await forms.fields(request)
    new = Words(typed.get("section", ""), typed.get("phone", ""))
    now, wording = request.app[CLOCK].now(), request.app[WORDING]
    await request.app[DATABASE].run(sms_templates.set_words, request_viewer(request), _area(request), new, now, wording)
    return told("登録しました。次に送信するSMSから使われます。")


async def preview(request: web.Request) -> web.StreamResponse:
    """How a template as typed so far will look."""
    viewer, area = request_viewer(request), _area(request)
    viewer.require(Right.RULES_EDIT, area)
    body = (await forms.fields(request)).get("body", "")
    asked = area, body, request.app[WORDING], request.app[SETTINGS].office.name
    return fragment(request, "sms/preview.html", draft=await request.app[DATABASE].ask(sms_templates.draft, *asked))


async def _save(request: web.Request, template_id: uuid.UUID | None) -> None:
    typed = await forms.fields(request)
    await request.app[DATABASE].run(
        sms_templates.save, request_viewer(request), _area(request), template_id, typed.get("name", ""),
        typed.get("body", ""), request.app[CLOCK].now(), request.app[WORDING], request.app[SETTINGS].office.name,
    )  # fmt: skip


def _area(request: web.Request) -> Area:
    try:
        return Area(request.match_info["area"])
    except ValueError:
        raise NotFoundError from None
