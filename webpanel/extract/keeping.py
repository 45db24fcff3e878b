"""What is done with an extraction: saved, shared, renamed, deleted, exported, fixed as a list; and looking at a list."""

from aiohttp import web

from db.store.extraction_pages import Order
from db.usecases import extraction, saved_extractions, targets
from webpanel import forms
from webpanel.answers import done
from webpanel.debtors.words import WORDS
from webpanel.extract import export
from webpanel.extract.forms import group_of, path_uuid
from webpanel.extract.views import counted
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import page
from webpanel.sessions import request_viewer


async def save(request: web.Request) -> web.StreamResponse:
    """Save conditions under a name."""
    form, now = await forms.fields(request), request.app[CLOCK].now()
    made = await request.app[DATABASE].run(
        saved_extractions.save, request_viewer(request), path_uuid(request), form.get("name", ""), group_of(form), now
    )
    return done(request, f"/extract/{made}?saved={now.timestamp():.0f}")


async def change(request: web.Request) -> web.StreamResponse:
    """Rename or share one's own."""
    form, now = await forms.fields(request), request.app[CLOCK].now()
    await request.app[DATABASE].run(
        saved_extractions.change, request_viewer(request), path_uuid(request), form.get("name", ""), group_of(form), now
    )
    return done(request, f"/extract?changed={now.timestamp():.0f}")


async def remove(request: web.Request) -> web.StreamResponse:
    """Delete one's own."""
    now = request.app[CLOCK].now()
    await request.app[DATABASE].run(saved_extractions.remove, request_viewer(request), path_uuid(request), now)
    return done(request, f"/extract?removed={path_uuid(request)}")


async def take_out(request: web.Request) -> web.StreamResponse:
    """All cases as CSV. The search, and everybody in each part, stand in the log before the part is sent."""
    form, viewer, database = await forms.fields(request), request_viewer(request), request.app[DATABASE]
    encoding = export.encoding_of(form)
    saved = await database.ask(saved_extractions.one, viewer, path_uuid(request))
    made = (await counted(request, viewer, saved.tree, fresh=True)).counted
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    await database.run(extraction.log_export, viewer, made, encoding, now)
    response = await export.started(request, f"extraction-{office.today(now):%Y%m%d}.csv", encoding)
    await response.write(export.begin(encoding))
    after = None
    while True:
        part = await database.ask(
            extraction.page,
            viewer,
            saved.tree,
            Order.NUMBER,
            now,
            office,
            after=after,
            size=extraction.EXPORTED_AT_ONCE,
        )
        await database.run(extraction.log_exported, viewer, part, now)
        await response.write(export.lines(part.rows, encoding, office.zone))
        if part.after is None:
            break
        after = part.after
    await response.write_eof()
    return response


async def freeze(request: web.Request) -> web.StreamResponse:
    """Fix what conditions find now as a list."""
    form, viewer, now = await forms.fields(request), request_viewer(request), request.app[CLOCK].now()
    saved = await request.app[DATABASE].ask(saved_extractions.one, viewer, path_uuid(request))
    made = await request.app[DATABASE].run(
        targets.freeze, viewer, saved.tree, form.get("name", ""), group_of(form), now, request.app[OFFICE]
    )
    return done(request, f"/targets/{made}?made=1")


async def show_list(request: web.Request) -> web.StreamResponse:
    """A list of targets, a page of its cases as they stand now beside what they owed then."""
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    ask = request.app[DATABASE].ask
    fixed = await ask(targets.one, viewer, path_uuid(request))
    after = request.query.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    shown = await ask(targets.page, viewer, fixed.id, start, now, office)
    await request.app[DATABASE].run(targets.log_page, viewer, fixed, shown, now)
    return await page(
        request,
        "extract/list.html",
        fixed=fixed,
        shown=shown,
        first=start == 0,
        made="made" in request.query,
        zone=office.zone,
        **WORDS,
    )


async def remove_list(request: web.Request) -> web.StreamResponse:
    """Delete one's own list."""
    now = request.app[CLOCK].now()
    await request.app[DATABASE].run(targets.remove, request_viewer(request), path_uuid(request), now)
    return done(request, f"/extract?list_removed={path_uuid(request)}")
