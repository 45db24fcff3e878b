"""Back to the core system: making an export, and fetching one, as often as needed."""

import asyncio

from aiohttp import web

from db.usecases import exports
from db.usecases.imports.files import export_mappings
from webpanel.answers import done
from webpanel.errors import FormError
from webpanel.forms import fields
from webpanel.imports.views import run_of
from webpanel.keys import CLOCK, DATABASE, OFFICE, SETTINGS
from webpanel.sessions import request_viewer


async def make(request: web.Request) -> web.StreamResponse:
    """Ask for an export of what is new; the jobs daemon gathers it."""
    wanted = (await fields(request)).get("mapping", "")
    offered = await asyncio.to_thread(export_mappings, request.app[SETTINGS].imports.mappings_dir)
    found = next((one for one in offered if one.name == wanted), None)
    if found is None or found.mapping is None:
        problems = found.problems if found else ()
        raise FormError({"mapping": " / ".join(problems) or "書出しの種類を選んでください。"})
    await request.app[DATABASE].run(
        exports.begin,
        request_viewer(request),
        found.document,
        request.app[CLOCK].now(),
        for_file=False,
        zone=request.app[OFFICE].zone,
    )
    return done(request)


async def fetch(request: web.Request) -> web.StreamResponse:
    """The file of an export, a piece at a time."""
    run_id, database, zone = run_of(request), request.app[DATABASE], request.app[OFFICE].zone
    mapping = await database.run(exports.fetch, request_viewer(request), run_id, request.app[CLOCK].now())
    name = f"{mapping.kind.value}-{run_id.hex[-8:]}.csv"
    response = web.StreamResponse(
        headers={"Content-Type": "text/csv", "Content-Disposition": f'attachment; filename="{name}"'}
    )
    await response.prepare(request)
    place, reached = -1, 0
    while reached != place:
        place = reached
        data, reached = await database.ask(exports.piece, mapping, run_id, place, zone)
        await response.write(data)
    return response
