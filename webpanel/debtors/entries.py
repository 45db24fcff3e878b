"""Writing on a record: identity, results, contacts by hand and corrections. Each answers with the page to look at next."""

import uuid
from datetime import datetime
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from db.rules.telephony import LIVE_CALLS
from db.rules.viewer import Viewer
from db.store import access_log, debtors, recalls
from db.store.calls import CallRow
from db.store.debtors import ContactRow, Person
from db.usecases import campaign_work, identity, results
from db.usecases.calls import own_call
from db.usecases.office import Office
from db.usecases.phrases import note_phrases
from db.usecases.recalls import hindrances
from db.usecases.records import NotFoundError
from db.usecases.results import DispositionRow, contact_to_correct, dispositions
from webpanel.answers import done
from webpanel.debtors.forms import parse_by_hand, parse_entry, parse_said
from webpanel.debtors.screen import next_steps
from webpanel.debtors.words import WORDS
from webpanel.errors import FormError
from webpanel.forms import fields, path_call, path_id
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import page
from webpanel.sessions import request_viewer

HOME: Final = "/"


async def confirm_identity(request: web.Request) -> web.StreamResponse:
    """Compare what was said; on no match say so, and nothing of which part was wrong."""
    viewer, call_id, office = request_viewer(request), path_call(request), request.app[OFFICE]
    said = parse_said(await fields(request))
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    matched = await database.run(
        identity.confirm_identity, viewer, call_id,
        kana=said.kana, birth_date=said.birth_date, address=said.address, now=now, office=office,
    )  # fmt: skip
    call = await database.ask(own_call, viewer, call_id)
    if not matched:
        left = office.identity_tries - call.identity_failures
        more = f"あと{left}回確認できます。" if left > 0 else "折り返しの案内に切り替えてください。"
        raise FormError({"identity": f"記録と一致しません。{more}"}, f"記録と一致しません。{more}")
    return done(request)  # the page stays, with what is typed in it; its script draws what is unmasked now


async def record_result(request: web.Request) -> web.StreamResponse:
    """Save the result of a call; while it lasts the record stays, after it the next thing to do follows."""
    viewer, call_id, office = request_viewer(request), path_call(request), request.app[OFFICE]
    entry = parse_entry(await fields(request), office, request.app[CLOCK].now())
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    await database.run(results.record_result, viewer, call_id, entry, now, office)
    call = await database.ask(own_call, viewer, call_id)
    place = await database.ask(_after, viewer, call, now, office)
    if place == HOME and (person := await database.run(campaign_work.go_on, viewer, now, office)) is not None:
        place = f"/debtors/{person.debtor_id}?area={person.area.value}"
    return done(request, place)


async def note_contact(request: web.Request) -> web.StreamResponse:
    """Save a contact that went through no call of ours."""
    viewer, debtor_id, office = request_viewer(request), path_id(request), request.app[OFFICE]
    noted = parse_by_hand(await fields(request), office, request.app[CLOCK].now())
    await request.app[DATABASE].run(
        results.note_contact,
        viewer,
        debtor_id,
        noted.area,
        noted.channel,
        noted.entry,
        request.app[CLOCK].now(),
        office,
    )
    return done(request, f"/debtors/{debtor_id}?saved=1")


async def show_correction(request: web.Request) -> web.StreamResponse:
    """The form to correct a contact, filled with what stands there."""
    now = request.app[CLOCK].now()
    found = await request.app[DATABASE].run(_to_correct, request_viewer(request), _contact_of(request), now)
    person, row, choices, phrases = found
    return await page(
        request, "debtors/correct.html",
        person=person, c=row, pad=choices, phrases=phrases, next_steps=next_steps(row.area),
        zone=request.app[OFFICE].zone, **WORDS,
    )  # fmt: skip


async def correct_contact(request: web.Request) -> web.StreamResponse:
    """Save a correction: a new row; the old one stays."""
    viewer, contact_id, office = request_viewer(request), _contact_of(request), request.app[OFFICE]
    entry = parse_entry(await fields(request), office, request.app[CLOCK].now())
    database = request.app[DATABASE]
    new_id = await database.run(results.correct, viewer, contact_id, entry, request.app[CLOCK].now(), office)
    debtor_id, _ = await database.ask(contact_to_correct, viewer, new_id)
    return done(request, f"/debtors/{debtor_id}?saved=1")


def _after(tx: Connection, viewer: Viewer, call: CallRow, now: datetime, office: Office) -> str:
    """Where the operator goes on: still on the line they stay; else the first due recall that may be made, or home (and
    from there to the next person of a campaign that they have joined).

    One that may not be made would otherwise come again after every call.
    """
    if call.state in LIVE_CALLS:
        return f"/debtors/{call.debtor_id}?saved=1"
    for recall in recalls.due(tx, viewer, now):
        if recall.debtor_id != call.debtor_id and not hindrances(tx, viewer, [recall], now, office):
            return f"/debtors/{recall.debtor_id}?area={recall.area.value}"
    return HOME


def _contact_of(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError as error:
        raise NotFoundError from error


def _to_correct(
    tx: Connection, viewer: Viewer, contact_id: uuid.UUID, now: datetime
) -> tuple[Person, ContactRow, list[DispositionRow], list[str]]:
    debtor_id, row = contact_to_correct(tx, viewer, contact_id)
    person = debtors.person(tx, viewer, debtor_id)
    if person is None:
        raise NotFoundError
    access_log.append(tx, viewer, now, "debtor.view", debtor_id=debtor_id, detail=f"contact {contact_id}")
    return person, row, dispositions(tx, row.channel), note_phrases(tx, row.area)
