"""The search: a list, or straight to the record when exactly one person was found."""

from typing import Final

from aiohttp import web

from db.store.debtors import HITS
from db.usecases.records import find
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import page
from webpanel.sessions import request_viewer

LONGEST: Final = 100


async def search(request: web.Request) -> web.StreamResponse:
    """Search by what was typed. An empty field only shows what can be typed, and is not a search."""
    words = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    if not words:
        return await page(request, "search/results.html", words="", found=None, limit=HITS)
    viewer, now = request_viewer(request), request.app[CLOCK].now()
    found = await request.app[DATABASE].run(find, viewer, words, now)
    if len(found.hits) == 1:
        return web.Response(status=302, headers={"Location": f"/debtors/{found.hits[0].id}"})
    return await page(request, "search/results.html", words=words, found=found, limit=HITS)
