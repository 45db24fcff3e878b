"""A supervisor's side of campaigns: the list, the settings, and letting one run, rest or end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from db.rules.campaigns import LABELS, CampaignSettings, CampaignState, MachineRule, TargetOrder, reason_words
from db.rules.telephony import DialMode
from db.rules.terms import Area, Retry, Right
from db.rules.viewer import Viewer
from db.store import calls
from db.store import campaigns as store
from db.store.campaigns import CampaignRow
from db.usecases import campaign_desk, saved_extractions, targets
from db.usecases.campaign_desk import Progress
from webpanel import forms
from webpanel.answers import done, told
from webpanel.campaigns.forms import MODES, RETRIED, read_lists, read_settings
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

DAYS = "月火水木金土日"


@dataclass(frozen=True, slots=True)
class Line:
    """One campaign on the list."""

    row: CampaignRow
    progress: Progress


async def show(request: web.Request) -> web.StreamResponse:
    """All campaigns of the viewer's areas."""
    return await page(request, "campaigns/campaigns.html", **await _list(request))


async def listed(request: web.Request) -> web.StreamResponse:
    """The same, fetched again."""
    return fragment(request, "campaigns/list.html", **await _list(request))


async def new(request: web.Request) -> web.StreamResponse:
    """The form of a new campaign, a list chosen if one is named."""
    viewer, wanted = request_viewer(request), request.query.get("list", "")
    choices = await request.app[DATABASE].ask(_choices, viewer)
    chosen = {one.id: 1 for one in choices["lists"] if str(one.id) == wanted}
    usual = CampaignSettings(name="", mode=DialMode.PREVIEW)
    return await page(request, "campaigns/edit.html", line=None, settings=usual, chosen=chosen, **choices)


async def make(request: web.Request) -> web.StreamResponse:
    """Make a campaign; it does not run yet."""
    form = await request.post()
    area, settings, lists = forms.area(await forms.fields(request)), read_settings(form), read_lists(form)
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    made = await request.app[DATABASE].run(
        campaign_desk.make, request_viewer(request), area, settings, lists, now, office
    )  # fmt: skip
    return done(request, f"/campaigns/{made}?made=1")


async def edit(request: web.Request) -> web.StreamResponse:
    """One campaign: how far it has come, and its settings."""
    line = await _one(request)
    ask, viewer = request.app[DATABASE].ask, request_viewer(request)
    choices = await ask(_choices, viewer)
    chosen = {key: weight for key, (weight, _) in (await ask(store.lists, line.row.id)).items()}
    return await page(
        request, "campaigns/edit.html",
        line=line, settings=line.row.settings, chosen=chosen, made="made" in request.query, **choices, **_words(),
    )  # fmt: skip


async def figures(request: web.Request) -> web.StreamResponse:
    """How far one has come, fetched again."""
    return fragment(request, "campaigns/figures.html", line=await _one(request), **_words())


async def change(request: web.Request) -> web.StreamResponse:
    """Set a campaign anew."""
    form, now = await request.post(), request.app[CLOCK].now()
    await request.app[DATABASE].run(
        campaign_desk.change, *_row(request), read_settings(form), read_lists(form), now, request.app[OFFICE]
    )
    return told("変更しました。次の発信から適用されます。")


async def start(request: web.Request) -> web.StreamResponse:
    """Let it dial."""
    again = (await forms.fields(request)).get("again") == "1"
    now = request.app[CLOCK].now()
    added = await request.app[DATABASE].run(campaign_desk.start, *_row(request), now, again=again)
    return told(f"開始しました。{f'{added:,}件を対象に加えました。' if added else '対象は前回の続きです。'}")


async def pause(request: web.Request) -> web.StreamResponse:
    """Let it rest."""
    taken = await request.app[DATABASE].run(campaign_desk.pause, *_row(request), request.app[CLOCK].now())
    return told(f"一時停止しました。{_taken(taken)}")


async def stop(request: web.Request) -> web.StreamResponse:
    """End it."""
    taken = await request.app[DATABASE].run(campaign_desk.stop, *_row(request), request.app[CLOCK].now())
    return told(f"終了しました。{_taken(taken)}")


def _taken(count: int) -> str:
    return f"発信前の{count}件を取り消しました。通話中のものは続きます。" if count else "通話中のものは続きます。"


def _row(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_uuid(request)


async def _list(request: web.Request) -> dict[str, Any]:
    viewer, now, office = request_viewer(request), request.app[CLOCK].now(), request.app[OFFICE]

    def load(tx: Connection) -> Sequence[Line]:
        rows = store.listed(tx, viewer.areas(Right.CAMPAIGN_RUN), tuple(CampaignState))
        return [Line(row, campaign_desk.progress(tx, row, now, office)) for row in rows]

    return {"lines": await request.app[DATABASE].ask(load), **_words()}


async def _one(request: web.Request) -> Line:
    viewer, campaign_id = _row(request)
    now, office = request.app[CLOCK].now(), request.app[OFFICE]

    def load(tx: Connection) -> Line:
        row = campaign_desk.required(tx, viewer, campaign_id)
        return Line(row, campaign_desk.progress(tx, row, now, office))

    return await request.app[DATABASE].ask(load)


def _choices(tx: Connection, viewer: Viewer) -> Mapping[str, Any]:
    """What the form offers."""
    return {
        "areas": [area for area in Area if viewer.may(Right.CAMPAIGN_RUN, area)],
        "groups": saved_extractions.groups_of(tx, viewer),
        "lists": targets.listed(tx, viewer) if viewer.may_anywhere(Right.EXTRACT) else [],
        "pbxes": sorted({seat.pbx for seat in calls.seats(tx)}) or ["main"],
        "modes": MODES,
        "orders": TargetOrder,
        "machine_rules": MachineRule,
        "retried": RETRIED,
        "retry_words": Retry,
        "labels": LABELS,
        "days": DAYS,
    }


def _words() -> Mapping[str, Any]:
    return {"State": CampaignState, "Mode": DialMode, "reason_words": reason_words}
