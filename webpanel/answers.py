"""How an action answers when it has done what was asked."""

from typing import Final

from aiohttp import web

from webpanel.errors import wants_json

LOCATION: Final = "Saikoku-Location"


def done(request: web.Request, location: str) -> web.Response:
    """Done; `location` is the page to look at now. The page's script gets 204 and moves there only if it is elsewhere."""
    if wants_json(request):
        return web.Response(status=204, headers={LOCATION: location})
    return web.Response(status=303, headers={"Location": location})
