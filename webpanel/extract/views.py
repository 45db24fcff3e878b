"""Building conditions and looking at what they find."""

import asyncio
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from db.reference.calendar import era_date
from db.rules.condition_words import sentence
from db.rules.conditions import EVERYTHING, LEAVES, Condition, Group, Joining
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.store.extraction_pages import GATHERED, Order
from db.usecases import extraction, saved_extractions, targets
from db.usecases.extraction import SenselessError
from webpanel import forms
from webpanel.answers import done
from webpanel.debtors.words import WORDS
from webpanel.errors import FormError, json_answer
from webpanel.extract.builder import choices, inputs_of, value_of
from webpanel.extract.forms import order_of, path_uuid, place_of, tree_of
from webpanel.extract.recent import RECENT, Result
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

COUNTING: Final = web.AppKey("counting", asyncio.Semaphore)
COUNTED_AT_ONCE: Final = 2
"""So many passes over all cases at a time: the rest of the machine is for telephone calls."""


_HAPPENED: Final = {
    "changed": "名前と共有を変更しました。",
    "removed": "保存した条件を削除しました。",
    "list_removed": "名簿を削除しました。",
}
"""What the page says of what was just done, by the word in its address."""


async def build(request: web.Request) -> web.StreamResponse:
    """The builder; `from` names conditions to begin with."""
    viewer, ask = request_viewer(request), request.app[DATABASE].ask
    begun = None
    if request.query.get("from"):
        request.match_info["id"] = request.query["from"]
        begun = await ask(saved_extractions.one, viewer, path_uuid(request))
    tree = begun.tree if begun else EVERYTHING
    root = tree if isinstance(tree, Group) else Group(Joining.ALL, (tree,))
    return await page(
        request, "extract/build.html", begun=begun, root=root, saved=await ask(saved_extractions.listed, viewer),
        happened=next((said for name, said in _HAPPENED.items() if name in request.query), ""),
        lists=await ask(targets.listed, viewer), groups=await ask(saved_extractions.groups_of, viewer),
        **await _builder(request, viewer),
    )  # fmt: skip


async def part(request: web.Request) -> web.StreamResponse:
    """An empty condition of a kind, or an empty group, for the builder to put in."""
    kind = request.query.get("kind", "")
    if kind == "group":
        node: Condition = Group(Joining.ANY)
    elif kind in LEAVES:
        node = LEAVES[kind]()
    else:
        raise FormError({"kind": "条件の種類を選んでください。"})
    return fragment(request, "extract/part.html", node=node, **await _builder(request, request_viewer(request)))


async def count(request: web.Request) -> web.StreamResponse:
    """How many and how much, as the conditions stand; or which of them make no sense."""
    viewer, tree = request_viewer(request), tree_of(await forms.fields(request))
    try:
        result = await counted(request, viewer, tree, fresh=True)
    except SenselessError as error:
        return json_answer({"problems": [asdict(one) for one in error.problems]})
    made = result.counted
    return json_answer(
        {
            "cases": made.cases,
            "principal": made.principal,
            "sentence": made.sentence,
            "as_of": era_date(made.as_of),
            "problems": [],
        }
    )


async def run(request: web.Request) -> web.StreamResponse:
    """Keep the conditions as they stand, and go to what they find."""
    viewer, tree = request_viewer(request), tree_of(await forms.fields(request))
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    if wrong := await request.app[DATABASE].ask(extraction.check, viewer, tree, now, office):
        raise SenselessError(wrong)
    made = await request.app[DATABASE].run(saved_extractions.put_draft, viewer, tree, now)
    return done(request, f"/extract/{made}")


async def results(request: web.Request) -> web.StreamResponse:
    """A page of what conditions find. `fresh`: counted anew."""
    viewer, ask = request_viewer(request), request.app[DATABASE].ask
    saved = await ask(saved_extractions.one, viewer, path_uuid(request))
    order, before, after = order_of(request), place_of(request, "before"), place_of(request, "after")
    result = await counted(request, viewer, saved.tree, fresh="fresh" in request.query)
    made, now = result.counted, request.app[CLOCK].now()
    async with request.app[COUNTING]:
        shown = await ask(
            extraction.page, viewer, saved.tree, order, now, request.app[OFFICE],
            after=before or after, back=before is not None, gathered=made.gathered,
        )  # fmt: skip
    await request.app[DATABASE].run(extraction.log_page, viewer, made.sentence, made.cases, shown, now)
    return await page(
        request, "extract/results.html", saved=saved, counted=made, at=result.at, shown=shown, order=order, Order=Order,
        just_saved="saved" in request.query,
        groups=await ask(saved_extractions.groups_of, viewer), largest=targets.LARGEST, zone=request.app[OFFICE].zone,
        **WORDS,
    )  # fmt: skip


async def late_charge(request: web.Request) -> web.StreamResponse:
    """What the cases found still owe in late charges; it takes a second for some thousands, so the page asks for it afterwards.

    Added up in small parts: the panel serves calls in between.
    """
    viewer, database = request_viewer(request), request.app[DATABASE]
    saved = await database.ask(saved_extractions.one, viewer, path_uuid(request))
    result = await counted(request, viewer, saved.tree, fresh=False)
    gathered, total = result.counted.gathered, result.late_charge
    if gathered and total is None:
        total = 0
        cases, now = gathered.case_ids, request.app[CLOCK].now()
        for start in range(0, len(cases), extraction.CHARGED_AT_ONCE):
            part = cases[start : start + extraction.CHARGED_AT_ONCE]
            total += await database.ask(extraction.late_charge, viewer, part, now, request.app[OFFICE])
        request.app[RECENT].add(viewer, saved.tree, result, total)
    return fragment(request, "extract/late_charge.html", total=total, most=GATHERED)


async def counted(request: web.Request, viewer: Viewer, tree: Condition, *, fresh: bool) -> Result:
    """A count, from lately unless it is to be `fresh`; it stands in the log before it is returned."""
    recent, now = request.app[RECENT], request.app[CLOCK].now()
    known = None if fresh else recent.get(viewer, tree, now)
    if known:
        return known
    async with request.app[COUNTING]:
        made = await request.app[DATABASE].ask(extraction.count, viewer, tree, now, request.app[OFFICE])
    await request.app[DATABASE].run(extraction.log_count, viewer, made, now)
    return recent.put(viewer, tree, made, now)


async def _builder(request: web.Request, viewer: Viewer) -> dict[str, Any]:
    words = await request.app[DATABASE].ask(extraction.words, viewer)
    today = request.app[OFFICE].today(request.app[CLOCK].now())
    return {
        "inputs": {kind: inputs_of(kind, words, today) for kind in LEAVES},
        "choices": choices(viewer.areas(Right.EXTRACT)),
        "value_of": value_of,
        "Joining": Joining,
        "is_group": lambda node: isinstance(node, Group),
        "said": lambda tree: sentence(tree, words),
    }
