"""Deciding on a promise from the record: an officer approves an offer of instalments or takes a promise back."""

import uuid

from aiohttp import web

from db.usecases import promises
from db.usecases.records import NotFoundError
from webpanel.answers import done
from webpanel.forms import fields
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.sessions import request_viewer


async def approve_promise(request: web.Request) -> web.StreamResponse:
    """Agree to an offer."""
    viewer, now = request_viewer(request), request.app[CLOCK].now()
    await request.app[DATABASE].run(promises.approve, viewer, _promise_of(request), now, request.app[OFFICE])
    return done(request)


async def cancel_promise(request: web.Request) -> web.StreamResponse:
    """Take a promise or an offer back."""
    viewer, now = request_viewer(request), request.app[CLOCK].now()
    reason = (await fields(request)).get("reason", "")
    await request.app[DATABASE].run(promises.cancel, viewer, _promise_of(request), reason, now, request.app[OFFICE])
    return done(request)


def _promise_of(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError as error:
        raise NotFoundError from error
