"""Handlers of 名寄せ: the list of pairs, two people side by side, and the decision."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from db.rules.terms import PairAct, PairState
from db.usecases import merges
from webpanel.answers import done
from webpanel.debtors.words import WORDS
from webpanel.errors import FormError
from webpanel.forms import fields, path_id
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import page
from webpanel.sessions import request_viewer

DONE: Final[Mapping[str, str]] = {
    PairAct.MERGE.value: "名寄せしました。これからは、どちらの宛名番号の画面にも両方の滞納・交渉記録・電話が表示されます。",
    PairAct.REJECT.value: "別人としました。今後この組は候補に出ません。",
    PairAct.PART.value: "名寄せを解除しました。それぞれの記録は元のとおりです。今後この組は候補に出ません。",
    PairAct.REOPEN.value: "候補に戻しました。",
}
"""What is said after each decision."""


async def show_list(request: web.Request) -> web.StreamResponse:
    """Pairs in one state, likeliest first."""
    asked = request.query.get("state", "")
    state = next((one for one in PairState if one.value == asked), PairState.OFFERED)
    offers, more = await request.app[DATABASE].run(
        merges.pairs, request_viewer(request), state, request.app[CLOCK].now(), request.app[OFFICE], _below(request)
    )
    return await page(request, "merges/list.html", state=state, states=PairState, offers=offers, more=more)


async def show_pair(request: web.Request) -> web.StreamResponse:
    """Two people side by side."""
    found = await request.app[DATABASE].run(
        merges.comparison, request_viewer(request), path_id(request, "one"), path_id(request, "other"),
        request.app[CLOCK].now(), request.app[OFFICE],
    )  # fmt: skip
    said = DONE.get(request.query.get("done", ""), "")
    return await page(
        request, "merges/pair.html", c=found, State=PairState, said=said, zone=request.app[OFFICE].zone, **WORDS
    )


async def decide(request: web.Request) -> web.StreamResponse:
    """One person, two, or two again."""
    one, other = path_id(request, "one"), path_id(request, "other")
    form = await fields(request)
    act = next((act for act in PairAct if act.value == form.get("act")), None)
    if act is None:
        raise FormError({"act": "判断を選んでください。"}, "判断を選んでください。")
    await request.app[DATABASE].run(
        merges.decide, request_viewer(request), one, other, act, form.get("reason", ""), request.app[CLOCK].now(),
        request.app[OFFICE],
    )  # fmt: skip
    return done(request, f"/merges/{one}/{other}?done={act.value}")


def _below(request: web.Request) -> tuple[int, int] | None:
    """Where the page before ended: score and id."""
    score, _, pair_id = request.query.get("below", "").partition("-")
    numbers = all(part.isascii() and part.isdigit() and len(part) < 19 for part in (score, pair_id))
    return (int(score), int(pair_id)) if numbers else None
