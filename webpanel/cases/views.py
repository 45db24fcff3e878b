"""Handlers of assigned cases."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from multidict import MultiMapping
from sqlalchemy import Connection

from db.rules.condition_words import Words
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.store import extraction_rows, receivers
from db.store.assignments import PAGE
from db.store.receivers import Receiver
from db.usecases import assigning, targets
from db.usecases.assigning import TOGETHER, Selection
from db.usecases.entries import EntryError
from db.usecases.targets import Listed
from webpanel import forms
from webpanel.answers import done, told
from webpanel.errors import FormError
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer
from webpanel.tasks.forms import due_day

_LAST_PAGE: Final = 10_000


async def show(request: web.Request) -> web.StreamResponse:
    """The cases of whoever asks."""
    return await page(request, "cases/cases.html", **await _list(request, opened=True))


async def listed(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    return fragment(request, "cases/list.html", **await _list(request, opened=False))


async def choose(request: web.Request) -> web.StreamResponse:
    """Choose many cases and whom to give them to."""
    viewer = request_viewer(request)
    chosen = _selection(request.query, viewer)
    words, choices, lists = await request.app[DATABASE].ask(_choices, viewer, chosen.area)
    areas = [area for area in Area if viewer.may(Right.ASSIGN, area)]
    return await page(
        request, "cases/assign.html", chosen=chosen, words=words, choices=choices, lists=lists, areas=areas
    )  # fmt: skip


async def preview(request: web.Request) -> web.StreamResponse:
    """How many cases the choice comes to."""
    viewer = request_viewer(request)
    asked = viewer, _selection(request.query, viewer), request.app[CLOCK].now(), request.app[OFFICE]
    found = await request.app[DATABASE].ask(assigning.preview, *asked)
    return fragment(request, "cases/preview.html", found=found, most=assigning.MOST)


async def assign_many(request: web.Request) -> web.StreamResponse:
    """Give many cases, some hundred people in a transaction; refused if they are not as many as were shown."""
    viewer, database = request_viewer(request), request.app[DATABASE]
    post = await request.post()
    typed = await forms.fields(request)
    chosen = _selection(post, viewer)
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    key, words, due_on = typed.get("to", ""), typed.get("instructions", ""), due_day(typed)
    if not key:
        raise FormError({"to": "割り当てる相手を選んでください。"})
    ids = await database.ask(assigning.selected, viewer, chosen, now, office)
    if not ids:
        raise EntryError("cases", "empty", "該当する案件がありません。条件を確認してください。")
    if typed.get("expected") != str(len(ids)):
        raise EntryError(
            "cases", "changed", f"該当は現在{len(ids):,}件です。件数を確認して、もう一度操作してください。"
        )
    changed = 0
    for start in range(0, len(ids), TOGETHER):
        part = ids[start : start + TOGETHER]
        changed += await database.run(
            assigning.assign, viewer, chosen.area, part, key, words, due_on, now, office
        )  # fmt: skip
    same = len(ids) - changed
    return told(f"{changed:,}件の担当を変更しました。{f'（{same:,}件は変更なし）' if same else ''}")


async def assign_one(request: web.Request) -> web.StreamResponse:
    """Give one case by hand."""
    typed, debtor_id = await forms.fields(request), forms.path_id(request)
    await request.app[DATABASE].run(
        assigning.assign, request_viewer(request), forms.area(typed), [debtor_id], typed.get("to", ""),
        typed.get("instructions", ""), due_day(typed), request.app[CLOCK].now(), request.app[OFFICE],
    )  # fmt: skip
    return done(request)


async def _list(request: web.Request, *, opened: bool) -> dict[str, Any]:
    viewer, database = request_viewer(request), request.app[DATABASE]
    holder = _number(request.query.get("holder", ""))
    holder = holder if viewer.may_anywhere(Right.ASSIGN) else None
    place = min(_number(request.query.get("page", "")) or 0, _LAST_PAGE)
    found = None if opened else await database.ask(assigning.peek_list, viewer, holder, place)
    if found is None:
        now = request.app[CLOCK].now()
        found = await database.run(assigning.read_list, viewer, holder, place, now, opened=opened)
    return {"found": found, "holder": holder, "place": place, "pages": -(-found.total // PAGE)}


def _choices(tx: Connection, viewer: Viewer, area: Area) -> tuple[Words, Sequence[Receiver], Sequence[Listed]]:
    lists = targets.listed(tx, viewer) if viewer.may_anywhere(Right.EXTRACT) else ()
    return extraction_rows.words(tx, viewer.within({area})), receivers.of_area(tx, viewer, area), lists


def _selection(query: MultiMapping[Any], viewer: Viewer) -> Selection:
    """The choice in an address or a form."""
    areas = [area for area in Area if viewer.may(Right.ASSIGN, area)]
    holder, named = str(query.get("holder", assigning.NOBODY)), str(query.get("list", ""))
    is_key = holder[:1] in ("u", "g") and _number(holder[1:]) is not None
    return Selection(
        area=next((area for area in areas if area.value == query.get("area")), areas[0]),
        districts=tuple(str(one) for one in query.getall("district", [])),
        items=tuple(str(one) for one in query.getall("item", [])),
        holder=holder if is_key or holder in (assigning.NOBODY, assigning.ANYBODY) else assigning.NOBODY,
        owing="area" not in query or query.get("owing") == "1",
        list_id=_uuid(named),
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
