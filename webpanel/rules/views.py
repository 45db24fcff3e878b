"""Handlers of the rules of contact."""

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy import Connection

from db.rules.eligibility import ContactPolicy
from db.rules.terms import Area, PhoneKind, Right
from db.usecases import policies
from db.usecases.records import NotFoundError
from webpanel import forms
from webpanel.answers import told
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.rules.forms import read_policy
from webpanel.sessions import request_viewer


async def show(request: web.Request) -> web.StreamResponse:
    """The rules of one area, and how they came to be."""
    viewer, office = request_viewer(request), request.app[OFFICE]
    areas = [area for area in Area if viewer.may(Right.RULES_EDIT, area)]
    area = next((area for area in areas if area.value == request.query.get("area")), areas[0])

    def load(tx: Connection) -> tuple[ContactPolicy, Sequence[policies.Change]]:
        return policies.policy_of(tx, area, office), policies.history(tx, viewer, area)

    policy, history = await request.app[DATABASE].ask(load)
    return await page(
        request,
        "rules/rules.html",
        area=area,
        areas=areas,
        kinds=PhoneKind,
        labels=policies.LABELS,
        policy=policy,
        history=history,
    )


async def past(request: web.Request) -> web.StreamResponse:
    """How the rules of one area came to be: shown anew beside the form once they are changed."""
    viewer, area = request_viewer(request), _area(request)
    return fragment(
        request, "rules/history.html", history=await request.app[DATABASE].ask(policies.history, viewer, area)
    )


async def change(request: web.Request) -> web.StreamResponse:
    """Set the rules of one area."""
    area = _area(request)
    form = await request.post()
    changes = await request.app[DATABASE].run(
        policies.change,
        request_viewer(request),
        area,
        read_policy(form),
        (await forms.fields(request)).get("reason", ""),
        request.app[CLOCK].now(),
        request.app[OFFICE],
    )
    if not changes:
        return told("変更はありません。")
    return told(f"変更しました（{'、'.join(changes)}）。次の連絡から適用されます。")


def _area(request: web.Request) -> Area:
    try:
        return Area(request.match_info["area"])
    except ValueError:
        raise NotFoundError from None
