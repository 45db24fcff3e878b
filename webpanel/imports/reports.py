"""One import: what was refused and why, which characters nobody else can show, and both as files.

A refused line holds a value of somebody's; looking at the report is an access that stands in the log.
"""

import asyncio
import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from db.rules.terms import ImportState
from db.rules.viewer import Viewer
from db.store import access_log, imports
from db.store.imports import ImportRow
from db.usecases.records import NotFoundError
from webpanel.imports.views import folder, run_of
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

SHOWN: Final = 200
"""Lines of a report on the page; all of them are in the file."""


async def show(request: web.Request) -> web.StreamResponse:
    """The page of one import."""
    return await page(request, "imports/one.html", **await _shown(request))


async def state(request: web.Request) -> web.StreamResponse:
    """Its live part."""
    return fragment(request, "imports/state.html", **await _shown(request))


async def rejected(request: web.Request) -> web.StreamResponse:
    """The refused lines as a file."""
    row = await _logged(request, "拒否行の一覧")
    return _file(folder(request, row.id).refused, f"rejected-{row.made_at:%Y%m%d-%H%M%S}.csv")


async def private(request: web.Request) -> web.StreamResponse:
    """The private-use characters as a file."""
    row = await _logged(request, "外字の一覧")
    return _file(folder(request, row.id).private, f"gaiji-{row.made_at:%Y%m%d-%H%M%S}.csv")


async def _shown(request: web.Request) -> dict[str, Any]:
    row = await _logged(request, "")
    files = folder(request, row.id)
    return {
        "row": row,
        "refused": [] if row.running else await asyncio.to_thread(_head, files.refused),
        "private": [] if row.running else await asyncio.to_thread(_head, files.private),
        "shown": SHOWN,
        "ImportState": ImportState,
    }


async def _logged(request: web.Request, what: str) -> ImportRow:
    run_id, now = run_of(request), request.app[CLOCK].now()

    def load(tx: Connection, viewer: Viewer) -> ImportRow:
        row = imports.one(tx, viewer, run_id)
        if row is None:
            raise NotFoundError
        if (row.rejected or row.private) and not row.running:
            access_log.append(tx, viewer, now, "import.report", detail=f"{row.file_name} {what}".strip())
        return row

    return await request.app[DATABASE].run(load, request_viewer(request))


def _head(path: Path) -> list[Sequence[str]]:
    """The first lines of a report; none if it is over its time."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(islice(csv.reader(file), 1, SHOWN + 1))


def _file(path: Path, name: str) -> web.FileResponse:
    if not path.exists():
        raise NotFoundError
    return web.FileResponse(
        path,
        headers={"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'},
    )
