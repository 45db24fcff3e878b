"""An operator's side of campaigns: joining and leaving, the next person, and passing somebody over."""

from typing import Any

from aiohttp import web

from db.usecases import campaign_desk, campaign_work
from db.usecases.campaign_work import Person
from webpanel import forms
from webpanel.answers import done
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment
from webpanel.sessions import request_viewer


async def load_offers(request: web.Request) -> dict[str, Any]:
    """What the home screen shows of campaigns."""
    return {"offers": await request.app[DATABASE].ask(campaign_work.offers, request_viewer(request))}


async def offers(request: web.Request) -> web.StreamResponse:
    """The campaigns that the operator may work on, fetched again."""
    return fragment(request, "campaigns/offers.html", **await load_offers(request))


async def join(request: web.Request) -> web.StreamResponse:
    """Work on a campaign from now on."""
    return await _do(request, campaign_desk.join)


async def leave(request: web.Request) -> web.StreamResponse:
    """Work on it no more."""
    return await _do(request, campaign_desk.leave)


async def next_person(request: web.Request) -> web.StreamResponse:
    """Take the next person, and go to the record."""
    viewer, campaign_id = request_viewer(request), forms.path_uuid(request)
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    return done(
        request, record(await request.app[DATABASE].run(campaign_work.next_person, viewer, campaign_id, now, office))
    )


async def pass_over(request: web.Request) -> web.StreamResponse:
    """Pass over whoever is reserved, and go on to the next, or home."""
    viewer, reason = request_viewer(request), (await forms.fields(request)).get("reason", "")
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    await request.app[DATABASE].run(campaign_work.pass_over, viewer, reason, now, office)
    found = await request.app[DATABASE].run(campaign_work.go_on, viewer, now, office)
    return done(request, record(found) if found else "/")


def record(person: Person) -> str:
    """Where somebody's record is."""
    return f"/debtors/{person.debtor_id}?area={person.area.value}"


async def _do(request: web.Request, use_case: Any) -> web.StreamResponse:
    now = request.app[CLOCK].now()
    await request.app[DATABASE].run(use_case, request_viewer(request), forms.path_uuid(request), now)
    return done(request)
