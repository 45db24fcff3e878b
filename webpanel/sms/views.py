"""Messages on the record: the form, its preview, sending, and what may be done with a message or a number afterwards."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from db.usecases import sms, sms_consent, sms_desk
from webpanel import forms
from webpanel.answers import done, told
from webpanel.debtors.words import national
from webpanel.errors import FormError
from webpanel.forms import Fields
from webpanel.keys import CLOCK, DATABASE, OFFICE, SETTINGS, WORDING
from webpanel.render import fragment
from webpanel.sessions import request_viewer


async def form(request: web.Request) -> web.StreamResponse:
    """The form, fetched when it is opened: the record itself never waits for it."""
    offered = await request.app[DATABASE].run(
        sms_desk.offer, *_person(request), forms.area(request.query), _city(request), *_when(request)
    )
    return fragment(request, "sms/form.html", offer=offered, debtor_id=forms.path_id(request), national=national)


async def preview(request: web.Request) -> web.StreamResponse:
    """What the phone will show of a text as typed so far, and what keeps it from being sent."""
    typed = await forms.fields(request)
    area, body, wording = forms.area(typed), typed.get("body", ""), request.app[WORDING]
    drawn = await request.app[DATABASE].ask(sms_desk.draft, *_person(request), area, body, _city(request), wording)
    return fragment(request, "sms/preview.html", draft=drawn)


async def send(request: web.Request) -> web.StreamResponse:
    """Queue a message."""
    typed = await forms.fields(request)
    phone_id, not_before = (
        forms.number(typed, "phone_id", "送信先の番号を選んでください。"),
        _not_before(typed, request),
    )
    await request.app[DATABASE].run(
        sms_desk.send, *_person(request), phone_id, forms.area(typed), typed.get("body", ""), _city(request),
        *_when(request), request.app[WORDING], not_before=not_before,
    )  # fmt: skip
    return told("送信待ちに登録しました。結果は「SMS」のタブに表示されます。")


async def refuse(request: web.Request) -> web.StreamResponse:
    """Note that the person wants no messages."""
    reason = (await forms.fields(request)).get("reason", "")
    await request.app[DATABASE].run(sms_consent.refuse, *_person(request), reason, *_when(request))
    return done(request)


async def allow(request: web.Request) -> web.StreamResponse:
    """Lift that."""
    reason = (await forms.fields(request)).get("reason", "")
    await request.app[DATABASE].run(sms_consent.allow, *_person(request), reason, *_when(request))
    return done(request)


async def number_works(request: web.Request) -> web.StreamResponse:
    """A number that was said to exist no more is in use."""
    typed = await forms.fields(request)
    phone_id, reason, now = forms.number(typed, "phone_id"), typed.get("reason", ""), request.app[CLOCK].now()
    await request.app[DATABASE].run(sms_consent.number_works, *_person(request), phone_id, reason, now)
    return done(request)


async def cancel(request: web.Request) -> web.StreamResponse:
    """Take a message back that still waits."""
    await request.app[DATABASE].run(sms.cancel, *_message(request), request.app[CLOCK].now())
    return done(request)


async def decide(request: web.Request) -> web.StreamResponse:
    """Settle a message whose outcome is unknown."""
    arrived = (await forms.fields(request)).get("arrived", "")
    if arrived not in {"0", "1"}:
        raise FormError({"arrived": "選択してください。"})
    await request.app[DATABASE].run(
        sms.decide, *_message(request), arrived=arrived == "1", now=request.app[CLOCK].now()
    )
    return done(request)


def _not_before(typed: Fields, request: web.Request) -> datetime | None:
    """When it shall go out (the office's clock), or None for at once."""
    text, zone = typed.get("not_before", "").strip(), request.app[OFFICE].zone
    return None if not text else _moment(text, zone)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise FormError({"not_before": "送信日時を「2026-11-25 10:00」の形で入力してください。"}) from None


def _person(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_id(request)


def _message(request: web.Request) -> tuple[Any, Any]:
    return request_viewer(request), forms.path_uuid(request)


def _when(request: web.Request) -> tuple[Any, Any]:
    return request.app[CLOCK].now(), request.app[OFFICE]


def _city(request: web.Request) -> str:
    return request.app[SETTINGS].office.name
