"""The page of imports: what came in, how fresh the data are, a new file. The work itself is done by `saikoku jobs`."""

import asyncio
import shutil
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from aiohttp import web
from sqlalchemy import Connection

from db.rules.terms import Area, ImportKind, ImportState
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.store import freshness, imports
from db.usecases.imports import request as asking
from db.usecases.imports.files import (
    MappingFile,
    Receiver,
    as_of_name,
    end_of_day,
    export_mappings,
    folder_of,
    make_folder,
    mappings,
)
from db.usecases.imports.request import Wanted
from db.usecases.records import NotFoundError
from webpanel.answers import done
from webpanel.errors import FormError
from webpanel.keys import CLOCK, DATABASE, OFFICE, SETTINGS
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

PIECE: Final = 1 << 20
LONGEST_NAME: Final = 200


async def index(request: web.Request) -> web.StreamResponse:
    """Files in and out."""
    settings = request.app[SETTINGS].imports
    offered = await asyncio.to_thread(mappings, settings.mappings_dir)
    outward = await asyncio.to_thread(export_mappings, settings.mappings_dir)
    return await page(
        request,
        "imports/index.html",
        mappings=offered,
        outward=outward,
        mappings_dir=settings.mappings_dir,
        **await _lists(request),
    )


async def listed(request: web.Request) -> web.StreamResponse:
    """The live part of the page."""
    return fragment(request, "imports/list.html", **await _lists(request))


async def upload(request: web.Request) -> web.StreamResponse:
    """Take a file: its bytes are the body, what is wanted of it stands in the address. Leads to its page."""
    mapping = await _mapping(request)
    name = _name(request)
    as_of = _as_of(request, name)
    run_id = new_id()
    folder = make_folder(request.app[SETTINGS].imports.dir, run_id)
    receiver = Receiver(folder.file)
    try:
        async for piece in request.content.iter_chunked(PIECE):
            await asyncio.to_thread(receiver.feed, piece)
        await asyncio.to_thread(receiver.close)
        if not receiver.size:
            raise FormError({"file": "ファイルが空です。"})
        wanted = Wanted(
            run_id,
            mapping.document,
            name,
            receiver.size,
            receiver.sha256,
            receiver.encoding,
            as_of,
            dry_run=request.query.get("dry_run") == "1",
            again=request.query.get("again") == "1",
        )
        state = await request.app[DATABASE].run(asking.ask, request_viewer(request), wanted, request.app[CLOCK].now())
    except BaseException:
        # also when the browser goes away in the middle: half a file is nobody's
        receiver.abandon()
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    if state is ImportState.SAME:
        folder.file.unlink(missing_ok=True)
    return done(request, f"/imports/{run_id}")


async def cancel(request: web.Request) -> web.StreamResponse:
    """Take an import back."""
    await request.app[DATABASE].run(asking.cancel, request_viewer(request), run_of(request), request.app[CLOCK].now())
    return done(request)


async def confirm(request: web.Request) -> web.StreamResponse:
    """Say that it is to be taken."""
    await request.app[DATABASE].run(asking.confirm, request_viewer(request), run_of(request), request.app[CLOCK].now())
    return done(request)


def run_of(request: web.Request) -> UUID:
    """The import in the path; raises NotFoundError, as for one that does not exist."""
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise NotFoundError from None


def folder(request: web.Request, run_id: UUID) -> Any:
    """Where the files of an import are."""
    return folder_of(request.app[SETTINGS].imports.dir, run_id)


async def _lists(request: web.Request) -> dict[str, Any]:
    return await request.app[DATABASE].ask(_load, request_viewer(request))


def _load(tx: Connection, viewer: Viewer) -> dict[str, Any]:
    known = freshness.everything(tx)
    kinds = [kind for kind in ImportKind if any(known.get((kind, area)) for area in Area)]
    areas = [area for area in Area if any(known.get((kind, area)) for kind in ImportKind)]
    return {
        "imports": imports.history(tx, viewer),
        "exports": imports.exports(tx, viewer, 20),
        "fresh": known,
        "kinds": kinds,
        "areas": areas,
        "ImportState": ImportState,
    }


async def _mapping(request: web.Request) -> MappingFile:
    found = await asyncio.to_thread(mappings, request.app[SETTINGS].imports.mappings_dir)
    wanted = request.query.get("mapping", "")
    mapping = next((one for one in found if one.name == wanted), None)
    if mapping is None:
        raise FormError({"mapping": "マッピングを選んでください。"})
    if mapping.mapping is None:
        raise FormError({"mapping": f"このマッピングには誤りがあります: {' / '.join(mapping.problems)}"})
    return mapping


def _name(request: web.Request) -> str:
    name = request.query.get("name", "").replace("\\", "/").rpartition("/")[2][:LONGEST_NAME]
    if not name.isprintable() or not name:
        raise FormError({"file": "ファイルを選んでください。"})
    return name


def _as_of(request: web.Request, name: str) -> datetime:
    """The day given, the day in the file's name, or now."""
    now, zone = request.app[CLOCK].now(), request.app[OFFICE].zone
    given = request.query.get("as_of", "")
    if not given:
        return as_of_name(name, zone, now) or now
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise FormError({"as_of": "日付として読み取れません。"}) from None
    if day > request.app[OFFICE].today(now):
        raise FormError({"as_of": "先の日付です。"})
    return min(now, end_of_day(day, zone))
