"""`GET /events` (Server-Sent Events, WHATWG HTML 9.2) and the token of a session that has been renewed.

`?watch=debtor:ID` asks for the changes of one record; it is heeded only for a person whom the viewer may see. `?watch=floor`
asks for a word whenever the live floor changes, and is heeded for whoever may see it; `?watch=sms` the like of messages. The
place to go on from comes as `Last-Event-ID`, or as `?after=` when the page opens a new stream by itself.
"""

import asyncio
import json
from contextlib import suppress
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from db.outbox import Change, Cursor, changes_after, latest
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.store import debtors
from webpanel.keys import DATABASE
from webpanel.live.hub import HUB, Stream
from webpanel.sessions import csrf_token, find, request_viewer

BEAT: Final = 15.0
"""Seconds between signs of life; at each the session is looked at again, so that a stream does not outlive it."""
OF_A_RECORD: Final = ("debtor", "sms")
"""Topics whose key is a person."""
BEHIND: Final = 500
"""How many changes a browser is given late; one that missed more fetches its parts anyway (`ready`)."""


async def events(request: web.Request) -> web.StreamResponse:
    """The stream of one browser."""
    viewer = request_viewer(request)
    asked = request.query.getall("watch", [])
    watches = await request.app[DATABASE].ask(_watches, viewer, asked)
    sees_floor = "floor" in asked and viewer.may_anywhere(Right.FLOOR_VIEW)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    sees_sms = "sms" in asked and viewer.may_anywhere(Right.SMS_BATCH)
    with (
        request.app[HUB].join(Stream(viewer.user_id, watches, sees_floor, sees_sms)) as stream,
        suppress(ConnectionError),
    ):
        await _run(request, response, stream)
    return response


async def token(request: web.Request) -> web.StreamResponse:
    """The token for forms that were opened under an earlier session, and whose session it is now."""
    return web.json_response({"csrf": csrf_token(request), "user": request_viewer(request).user_id})


async def _run(request: web.Request, response: web.StreamResponse, stream: Stream) -> None:
    """Send what was missed, then what comes. The stream is joined before, so that nothing falls in between."""
    missed, start = await request.app[DATABASE].ask(_missed, _cursor(request))
    await response.prepare(request)
    await _write(response, "ready", str(start), {})
    sent = start
    for change in missed:
        sent = change.cursor
        if known := stream.fits(change):
            await _send(response, known)
    await _pump(request, response, stream, sent)


async def _pump(request: web.Request, response: web.StreamResponse, stream: Stream, sent: Cursor) -> None:
    while True:
        try:
            change = await asyncio.wait_for(stream.queue.get(), BEAT)
        except TimeoutError:
            if await find(request) is None:
                return
            await response.write(b": alive\n\n")
            continue
        if change is None:
            return
        if change.cursor > sent:
            await _send(response, change)


async def _send(response: web.StreamResponse, change: Change) -> None:
    await _write(response, "change", str(change.cursor), {"topic": change.topic, "key": change.key})


async def _write(response: web.StreamResponse, event: str, cursor: str, data: dict[str, str]) -> None:
    await response.write(f"event: {event}\nid: {cursor}\ndata: {json.dumps(data)}\n\n".encode())


def _cursor(request: web.Request) -> Cursor | None:
    return Cursor.parse(request.headers.get("Last-Event-ID", request.query.get("after", "")))


def _missed(tx: Connection, after: Cursor | None) -> tuple[list[Change], Cursor]:
    now = latest(tx)
    if after is None or after > now:
        return [], now
    found = changes_after(tx, after, BEHIND)
    return (found, after) if len(found) < BEHIND else ([], now)


def _watches(tx: Connection, viewer: Viewer, asked: list[str]) -> frozenset[tuple[str, str]]:
    ids = [text.removeprefix("debtor:") for text in asked[:4] if text.startswith("debtor:")]
    numbers = [int(text) for text in ids if text.isascii() and text.isdigit() and len(text) < 19]
    seen = [str(one) for one in numbers if debtors.person(tx, viewer, one) is not None]
    return frozenset((topic, one) for topic in OF_A_RECORD for one in seen)
