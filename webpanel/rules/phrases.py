"""Handlers of the office's phrases for notes."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from sqlalchemy import Connection

from db.rules.terms import Area, Right
from db.usecases import phrases
from db.usecases.records import NotFoundError
from webpanel.answers import told
from webpanel.forms import fields
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import page
from webpanel.sessions import request_viewer


async def show(request: web.Request) -> web.StreamResponse:
    """The phrases of one area, and how often each was used."""
    viewer = request_viewer(request)
    areas = [area for area in Area if viewer.may(Right.RULES_EDIT, area)]
    area = next((area for area in areas if area.value == request.query.get("area")), areas[0])

    def load(tx: Connection) -> tuple[Sequence[str], Sequence[str], Mapping[str, int]]:
        return phrases.phrases(tx, area), phrases.note_phrases(tx, area), phrases.uses(tx, area)

    own, offered, uses = await request.app[DATABASE].ask(load)
    return await page(
        request, "rules/phrases.html", area=area, areas=areas, own=own, offered=offered, uses=uses, most=phrases.MOST
    )


async def change(request: web.Request) -> web.StreamResponse:
    """Set the phrases of one area."""
    try:
        area = Area(request.match_info["area"])
    except ValueError:
        raise NotFoundError from None
    typed = (await fields(request)).get("phrases", "")
    kept = await request.app[DATABASE].run(
        phrases.change, request_viewer(request), area, typed, request.app[CLOCK].now()
    )
    return told(f"登録しました（{len(kept)}件）。次に開く画面から使えます。")
