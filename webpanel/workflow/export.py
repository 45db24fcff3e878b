"""A list as a CSV file, sent bit by bit however long it is: UTF-8 with BOM, as spreadsheets of the office open it."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from db.clock import office_date
from db.store.workflow import CaseRow
from db.usecases import workflow
from db.usecases.office import Office
from webpanel.forms import fields
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.sessions import request_viewer
from webpanel.workflow.choices import choice

AT_ONCE: Final = 1000
_BOM: Final = "\ufeff"
_HEAD: Final = (
    "宛名番号",
    "氏名",
    "業務区分",
    "状態",
    "状態の開始日",
    "滞納額（本税・円）",
    "最も古い納期限",
    "最終交渉日",
    "担当者",
    "地区",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet would take for a formula."""


async def send_csv(request: web.Request) -> web.StreamResponse:
    """The whole list; the export is in the access log before the first row goes out."""
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]
    of = choice(await fields(request), viewer)
    database = request.app[DATABASE]
    narrowed = await database.run(workflow.begin_export, viewer, of, now)
    name = f"workflow-{office.today(now).isoformat()}.csv"
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write((_BOM + _lines([_HEAD])).encode())
    after: int | None = 0
    while after is not None:
        part = await database.ask(workflow.export_part, viewer, narrowed, after, AT_ONCE, now, office)
        rows, after = part
        await response.write(_lines(_cells(row, office) for row in rows).encode())
    await response.write_eof()
    return response


def _cells(row: CaseRow, office: Office) -> tuple[str, ...]:
    last = office_date(row.last_contact, office.zone) if row.last_contact else None
    days = [day.isoformat() if day else "" for day in (row.since, row.oldest_due, last)]
    return (
        _plain(row.number), _plain(row.name), row.area.label, row.state.label, days[0], str(row.principal), days[1],
        days[2], _plain(row.officer or ""), _plain(row.district or ""),
    )  # fmt: skip


def _plain(text: str) -> str:
    """Text that stays text in a spreadsheet."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows(rows)
    return made.getvalue()
