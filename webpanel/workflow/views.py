"""Handlers of the workflow."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from db.rules.terms import Area, CaseState, Right
from db.store import workflow as store
from db.store.workflow import Choice, Order
from db.usecases import workflow
from db.usecases.workflow import OWING, SHOWN, Listed
from webpanel.debtors.words import WORDS
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer
from webpanel.workflow import figures
from webpanel.workflow.choices import DIMENSIONS, Asked, asked, choice, order, orders, page_number

SHAPES: Final[Mapping[CaseState, str]] = {
    CaseState.NOT_CONTACTED: "□",
    CaseState.NO_PROMISE: "△",
    CaseState.PROMISED: "○",
    CaseState.BROKEN: "▲",
    CaseState.EXCLUDED: "－",
    CaseState.PAID: "●",
}
"""The shape beside a state's word."""


async def show_workflow(request: web.Request) -> web.StreamResponse:
    """The screen: the states, one breakdown, and who is stuck."""
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    wanted = asked(request.query, viewer)
    stuck = await request.app[DATABASE].run(workflow.stuck, viewer, wanted.areas, now, office)
    return await page(request, "workflow/workflow.html", stuck=stuck, **await _numbers(request, wanted))


async def numbers_part(request: web.Request) -> web.StreamResponse:
    """The numbers, fetched again."""
    wanted = asked(request.query, request_viewer(request))
    return fragment(request, "workflow/numbers.html", **await _numbers(request, wanted))


async def show_figures(request: web.Request) -> web.StreamResponse:
    """All charts with their tables, for looking at and for printing."""
    wanted = asked(request.query, request_viewer(request))
    return await page(request, "workflow/figures.html", **await _figures(request, wanted))


async def figures_part(request: web.Request) -> web.StreamResponse:
    """The charts, fetched again."""
    wanted = asked(request.query, request_viewer(request))
    return fragment(request, "workflow/figures_live.html", **await _figures(request, wanted))


async def show_people(request: web.Request) -> web.StreamResponse:
    """The people behind a number."""
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    wanted, of = asked(request.query, viewer), choice(request.query, viewer)
    sorted_by, number = order(request.query, of), page_number(request.query)
    database = request.app[DATABASE]
    listed = await database.ask(workflow.open_list, viewer, of, sorted_by, number, now, office)
    await database.run(workflow.log_list, viewer, of, listed, now)
    name = await database.ask(_name, request, of) if of.key else ""
    return await page(
        request, "workflow/people.html",
        w=wanted, of=of, listed=listed, order=sorted_by, orders=orders(of), name=name, address=_address(wanted, of),
        links=_pages(wanted, of, sorted_by, listed), may_export=viewer.may_anywhere(Right.EXPORT),
        dimensions=DIMENSIONS, zone=office.zone, **_WORDS,
    )  # fmt: skip


_WORDS: Final[Mapping[str, Any]] = {"shapes": SHAPES, "states": SHOWN, "owing": OWING, "CaseState": CaseState, **WORDS}


async def _numbers(request: web.Request, wanted: Asked) -> dict[str, Any]:
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    found = await request.app[DATABASE].ask(workflow.overview, viewer, wanted.areas, wanted.dimension, now, office)
    chart = figures.breakdown(found.lines)
    return {
        "o": found,
        "w": wanted,
        "areas": _areas(request),
        "chart": chart,
        "dimensions": DIMENSIONS,
        "zone": office.zone,
        **_WORDS,
    }


async def _figures(request: web.Request, wanted: Asked) -> dict[str, Any]:
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    made = await request.app[DATABASE].ask(figures.load, viewer, wanted.areas, now, office)
    return {"f": made, "w": wanted, "areas": _areas(request), "zone": office.zone, **_WORDS}


def _areas(request: web.Request) -> list[Area]:
    mine = store.areas(request_viewer(request))
    return [area for area in Area if area in mine]


def _name(tx: Connection, request: web.Request, of: Choice) -> str:
    named = store.names(tx, request_viewer(request), of.areas, of.dimension)
    return named.get(of.key, "")


def _address(wanted: Asked, of: Choice) -> dict[str, str]:
    """The list's address as fields, for its links and its form."""
    fields = {"area": wanted.area.value if wanted.area else "", "state": of.state.value if of.state else ""}
    return {**fields, "by": of.dimension.value, "key": of.key} if of.key else fields


def _pages(wanted: Asked, of: Choice, sorted_by: Order, listed: Listed) -> dict[str, str]:
    """Links to the pages around this one, by their word."""
    near = {"最初": 1, "前へ": listed.page - 1, "次へ": listed.page + 1, "最後": listed.pages}
    there = {word: number for word, number in near.items() if 1 <= number <= listed.pages and number != listed.page}
    fields = {**_address(wanted, of), "order": sorted_by.value}
    return {word: urlencode({**fields, "page": number}) for word, number in there.items()}
