"""Templates: one environment for all features, escaping everything, knowing the office's dates, times and amounts.

`page` renders a whole page (with the shell around it and the call bar in it), `fragment` a part of one. A template is
named by its feature: `shell/layout.html` is `webpanel/shell/templates/layout.html`.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web
from markupsafe import Markup
from sqlalchemy import Connection

from db.reference.calendar import era_date, era_date_short
from db.reference.phones import PhoneError, parse_phone
from db.rules.eligibility import DEBT_AREAS
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.store import messages
from db.store.office import Stopped
from db.store.office import stopped as stop_in_force
from db.usecases.office import Office
from webpanel.bar import Bar, load_bar
from webpanel.keys import CLOCK, DATABASE, OFFICE, SEEN, SETTINGS
from webpanel.sessions import SESSION

TEMPLATES: Final = web.AppKey("templates", jinja2.Environment)
_HERE: Final = Path(__file__).parent


def environment(office: Office) -> jinja2.Environment:
    """The environment for an office: its zone decides what clock times are shown."""
    folders = {path.parent.name: jinja2.FileSystemLoader(path) for path in sorted(_HERE.glob("*/templates"))}
    made = jinja2.Environment(
        loader=jinja2.PrefixLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(_filters(office.zone))
    made.globals.update(Right=Right, Area=Area, DEBT_AREAS=DEBT_AREAS)
    return made


async def page(
    request: web.Request, template: str, *, status: int = 200, bare: bool = False, **context: Any
) -> web.Response:
    """A whole page for the user who asks. `bare`: without the call bar, when the register cannot be asked."""
    session = request.get(SESSION)
    bar, stopped, unread = None, None, 0
    live = session is not None and not bare and not session.state.must_change_password
    if session is not None and live:
        now = request.app[CLOCK].now()
        bar, stopped, unread = await request.app[DATABASE].ask(_load_shell, session.viewer, now)
    shell = {"bar": bar, "live": live, "stopped": stopped, "unread": unread}
    return fragment(request, template, status=status, **shell, **context)


def _load_shell(tx: Connection, viewer: Viewer, now: datetime) -> tuple[Bar | None, Stopped | None, int]:
    return load_bar(tx, viewer), stop_in_force(tx), messages.unread(tx, viewer, now)


def fragment(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A part of a page."""
    session = request.get(SESSION)
    shared = {
        "viewer": session.viewer if session else None,
        "csrf": session.state.csrf_token if session else "",
        "office_name": request.app[SETTINGS].office.name,
        "now": request.app[CLOCK].now(),
        "today": request.app[OFFICE].today(request.app[CLOCK].now()),
        "path": request.path,
        "seen": request.get(SEEN, "") if session else "",  # tells nobody from outside how busy the office is
    }
    text = request.app[TEMPLATES].get_template(template).render({**shared, **context})
    return web.Response(text=text, content_type="text/html", status=status)


def _filters(zone: ZoneInfo) -> dict[str, Any]:
    def clock(at: datetime) -> Markup:
        """`18:02`, with the full time on hover."""
        return _time(at, zone, "%H:%M")

    def moment(at: datetime) -> Markup:
        """`11/24 18:02`, with the full time on hover."""
        return _time(at, zone, "%m/%d %H:%M")

    def full_moment(at: datetime) -> Markup:
        """`2026/11/24 18:02:05`, for logs."""
        return _time(at, zone, "%Y/%m/%d %H:%M:%S")

    return {
        "yen": _yen,
        "percent": _percent,
        "phone": _phone,
        "era": _era,
        "day": _day,
        "clock": clock,
        "moment": moment,
        "full_moment": full_moment,
    }


def _yen(amount: int) -> str:
    return f"{amount:,}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def _phone(number: str | None) -> str:
    """A number as an officer writes it; one that no plan knows is shown as it is kept."""
    if number is None:
        return "番号表示なし"
    try:
        return parse_phone(number).national
    except PhoneError:
        return number


def _era(day: date) -> Markup:
    """The day in era form, with ISO on hover and in the data."""
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(day.isoformat(), era_date(day))


def _day(day: date) -> Markup:
    """`R8.11.24`, for columns, with ISO on hover and in the data."""
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(day.isoformat(), era_date_short(day))


def _time(at: datetime, zone: ZoneInfo, form: str) -> Markup:
    local = at.astimezone(zone)
    iso = local.isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso, iso.replace("T", " ")[:19], format(local, form)
    )
