"""The tasks that callers leave, opened and closed (T5)."""

import uuid

from aiohttp import web

from db.usecases import call_backs
from db.usecases.records import NotFoundError
from webpanel.answers import done
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import page
from webpanel.sessions import request_viewer


async def show(request: web.Request) -> web.StreamResponse:
    """One of them: who called when, whose number it may be, and who has dealt with it."""
    now = request.app[CLOCK].now()
    task = await request.app[DATABASE].run(call_backs.open_task, request_viewer(request), _task(request), now)
    return await page(request, "line/task.html", task=task)


async def close(request: web.Request) -> web.StreamResponse:
    """Nobody need call back any more."""
    task_id, now = _task(request), request.app[CLOCK].now()
    await request.app[DATABASE].run(call_backs.close, request_viewer(request), task_id, now)
    return done(request, "/")


def _task(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError:
        raise NotFoundError from None
