"""Handlers of messages between staff."""

from typing import Any

from aiohttp import web

from db.store import messages as store
from db.usecases import messages
from db.usecases.messages import Inbox
from webpanel import forms
from webpanel.answers import done, told
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer


async def show(request: web.Request) -> web.StreamResponse:
    """What was received and sent."""
    return await page(request, "messages/messages.html", inbox=await load_inbox(request, home=False, opened=True))


async def listed(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    return fragment(request, "messages/list.html", inbox=await load_inbox(request, home=False, opened=False))


async def on_home(request: web.Request) -> web.StreamResponse:
    """What is unread, for the home screen."""
    return fragment(request, "messages/home.html", inbox=await load_inbox(request, home=True, opened=False))


async def unread(request: web.Request) -> web.StreamResponse:
    """How many are unread. It names nobody, so it is not logged."""
    number = await request.app[DATABASE].ask(store.unread, request_viewer(request), request.app[CLOCK].now())
    return fragment(request, "messages/badge.html", unread=number)


async def send(request: web.Request) -> web.StreamResponse:
    """Send one about a case."""
    typed, debtor_id = await forms.fields(request), forms.path_id(request)
    all_can_read = await request.app[DATABASE].run(
        messages.send, request_viewer(request), debtor_id, forms.area(typed), typed.get("to", ""),
        typed.get("body", ""), request.app[CLOCK].now(),
    )  # fmt: skip
    later = "相手に滞納額の閲覧権限がない場合、本文は通話で本人確認が済むまで表示されません。"
    return told("送信しました。" if all_can_read else f"送信しました。{later}")


async def mark_read(request: web.Request) -> web.StreamResponse:
    """Note that it was read."""
    await request.app[DATABASE].run(messages.mark_read, *_message(request), request.app[CLOCK].now())
    return done(request)


async def reply(request: web.Request) -> web.StreamResponse:
    """Answer one."""
    body = (await forms.fields(request)).get("body", "")
    await request.app[DATABASE].run(messages.reply, *_message(request), body, request.app[CLOCK].now())
    return done(request)


async def load_inbox(request: web.Request, *, home: bool, opened: bool) -> Inbox:
    """The messages of whoever asks, with their rows in the log."""
    viewer, now, database = request_viewer(request), request.app[CLOCK].now(), request.app[DATABASE]
    found = None if opened else await database.ask(messages.peek_inbox, viewer, now, home=home)
    if found is None:
        found = await database.run(messages.read_inbox, viewer, now, home=home, opened=opened)
    return found


def _message(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_uuid(request)
