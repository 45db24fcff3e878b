"""Handlers of tasks."""

from typing import Any

from aiohttp import web

from db.store.tasks import PAGE
from db.usecases import task_desk
from webpanel import forms
from webpanel.answers import done
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer
from webpanel.tasks.forms import CHOICES, address_of, due_day, read_wanted


async def show(request: web.Request) -> web.StreamResponse:
    """The list of tasks."""
    return await page(request, "tasks/tasks.html", **await _list(request, opened=True))


async def listed(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    return fragment(request, "tasks/list.html", **await _list(request, opened=False))


async def stuck(request: web.Request) -> web.StreamResponse:
    """Who has how many, and since when."""
    asked = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    piles = await request.app[DATABASE].ask(task_desk.stuck, *asked)
    return await page(request, "tasks/people.html", piles=piles)


async def take(request: web.Request) -> web.StreamResponse:
    """Make a task one's own."""
    await request.app[DATABASE].run(task_desk.take, *_task(request), request.app[CLOCK].now())
    return done(request)


async def hand_over(request: web.Request) -> web.StreamResponse:
    """Give a task to somebody."""
    typed = await forms.fields(request)
    to, instruction, due_on = typed.get("to", ""), typed.get("instruction", ""), due_day(typed)
    now = request.app[CLOCK].now()
    await request.app[DATABASE].run(task_desk.hand_over, *_task(request), to, instruction, due_on, now)
    return done(request)


async def close(request: web.Request) -> web.StreamResponse:
    """Close a task with a word."""
    word = (await forms.fields(request)).get("word", "")
    await request.app[DATABASE].run(task_desk.close, *_task(request), word, request.app[CLOCK].now())
    return done(request)


async def make(request: web.Request) -> web.StreamResponse:
    """Ask somebody to do something about a person."""
    typed, debtor_id = await forms.fields(request), forms.path_id(request)
    given = forms.area(typed), typed.get("to", ""), typed.get("instruction", ""), due_day(typed)
    await request.app[DATABASE].run(
        task_desk.make, request_viewer(request), debtor_id, *given, request.app[CLOCK].now()
    )  # fmt: skip
    return done(request)


async def _list(request: web.Request, *, opened: bool) -> dict[str, Any]:
    wanted = read_wanted(request.query)
    asked = request_viewer(request), wanted, request.app[CLOCK].now(), request.app[OFFICE]
    database = request.app[DATABASE]
    found = None if opened else await database.ask(task_desk.peek_list, *asked)
    if found is None:
        found = await database.run(task_desk.read_list, *asked, opened=opened)
    pages = -(-found.total // PAGE)
    return {"found": found, "wanted": wanted, "pages": pages, "address_of": address_of, **CHOICES}


def _task(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_uuid(request)
