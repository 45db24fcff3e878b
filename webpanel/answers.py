"""How an action answers when it has done what was asked."""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from webpanel.errors import json_answer, wants_json

LOCATION: Final = "Saikoku-Location"


def done(request: web.Request, location: str | None = None) -> web.Response:
    """Done; `location` is the page to look at now, by default the one that the form was on.

    The page's script gets 204 and goes there only if it is elsewhere; without it, it fetches its live parts again.
    """
    if wants_json(request):
        return web.Response(status=204, headers={LOCATION: location} if location else {})
    return web.Response(status=303, headers={"Location": location or _came_from(request)})


def told(message: str) -> web.Response:
    """Done, and a sentence to show in the form (`[data-form-note]`)."""
    return json_answer({"message": message})


def _came_from(request: web.Request) -> str:
    parts = urlsplit(request.headers.get("Referer", ""))
    ours = parts.netloc == request.host and parts.path.startswith("/") and not parts.path.startswith("//")
    return f"{parts.path}?{parts.query}" if ours and parts.query else parts.path if ours else "/"
