"""Whose number it is: what the look-up of return calls reads. Small statements on indexes only, because a phone rings.

The statement is built once; on SQLite it takes well under a millisecond whatever the size of the city.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, bindparam, exists, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.quick import Question, Row
from db.reference.phones import PhoneError, parse_phone
from db.rules.callers import OUTBOUND, Match, Outbound, Spoke, answered_contact
from db.rules.terms import AnsweredBy, Area, Channel, PhoneStatus, Right, Term
from db.rules.viewer import Viewer
from db.schema.base import Code
from db.schema.calls import Call
from db.schema.contacts import Contact
from db.schema.ops import OfficeSetting
from db.schema.people import CaseFile, Phone
from db.schema.staff import Staff

LINES: Final = "incoming_lines"
"""Office setting: the office's own numbers and the area that each belongs to, such as {"0312340001": "tax"}."""

MATCHES: Final = 50
"""A number on more records than this is some institution's; its people are found by search."""

T = TypeVar("T")


def matches(viewer: Viewer, number: str, area: Area, since: datetime) -> Question[list[Match]]:
    """Asks for everyone with a case in `area` who has `number` (E.164) on the record, with outbound contacts from `since`.

    A number known to be somebody else's is passed over. At most MATCHES.
    """
    viewer.require(Right.DEBTOR_VIEW, area)
    return Question(_matches(), _read_matches, {"number": number, "area": area, "since": since})


def answered(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, called_at: datetime, since: datetime
) -> uuid.UUID | None:
    """The contact that a person's return call answers: the latest outbound one from `since` until the call."""
    viewer.require(Right.DEBTOR_VIEW, area)
    newest = (
        select(Contact.id, Contact.at)
        .where(
            Contact.debtor_id == debtor_id,
            Contact.area == area,
            Contact.at >= since,
            Contact.at <= called_at,
            Contact.channel.in_(OUTBOUND),
            ~_corrected(Contact),
        )
        .order_by(Contact.at.desc())
        .limit(1)
    )
    row = tx.execute(newest).one_or_none()
    return answered_contact(called_at, [Outbound(row.id, row.at)], called_at - since) if row else None


def lines() -> Question[Mapping[str, Area]]:
    """Asks for the office's own numbers (E.164) and the area of each."""
    return Question(_lines(), _read_lines)


def line_area(listed: Mapping[str, Area], dialled: str) -> Area:
    """The area of the office's number that was dialled; tax (税) if it is not among those listed."""
    try:
        return listed.get(parse_phone(dialled).e164, Area.TAX) if listed else Area.TAX
    except PhoneError:
        return Area.TAX


@cache
def _lines() -> Select[*tuple[Any, ...]]:
    return select(OfficeSetting.value).where(OfficeSetting.key == LINES).order_by(OfficeSetting.id.desc()).limit(1)


def _read_lines(rows: Iterable[Row]) -> Mapping[str, Area]:
    listed: dict[str, Area] = {}
    for (given,) in rows:
        for number, area in given.items() if isinstance(given, Mapping) else ():
            try:
                listed[parse_phone(number).e164] = Area(area)
            except (PhoneError, ValueError):
                continue  # a line that is not one cannot be called
    return listed


@cache
def _matches() -> Select[*tuple[Any, ...]]:
    """Two columns of the same row are two subqueries: the second finds its pages warm, a join would look up a third."""
    contact, call = aliased(Contact), aliased(Call)
    return (
        select(
            Phone.debtor_id,
            Phone.owner,
            _newest_outbound(contact, contact.id),
            _newest_outbound(contact, contact.at),
            _newest_recorded_talk(contact, contact.user_id),
            _newest_recorded_talk(contact, contact.at),
            _newest_talk(call, call.user_id),
            _newest_talk(call, call.joined_at),
        )
        .join(CaseFile, CaseFile.debtor_id == Phone.debtor_id)
        .where(
            Phone.number == bindparam("number", None),
            Phone.status != _fixed(PhoneStatus.WRONG_PERSON),
            CaseFile.area == bindparam("area", None),
        )
        .order_by(Phone.id)
        .limit(MATCHES)
    )


def _newest_outbound(one: Any, column: InstrumentedAttribute[T]) -> ScalarSelect[T]:
    return (
        select(column)
        .where(
            one.debtor_id == Phone.debtor_id,
            one.area == CaseFile.area,
            one.at >= bindparam("since", None),
            or_(*(one.channel == _fixed(channel) for channel in OUTBOUND)),
            ~_corrected(one),
        )
        .order_by(one.at.desc())
        .limit(1)
        .correlate(Phone, CaseFile)
        .scalar_subquery()
    )


def _newest_recorded_talk(one: Any, column: InstrumentedAttribute[T]) -> ScalarSelect[T]:
    return (
        select(column)
        .where(
            one.debtor_id == Phone.debtor_id,
            one.area == CaseFile.area,
            or_(one.channel == _fixed(Channel.CALL_OUT), one.channel == _fixed(Channel.CALL_IN)),
            one.answered_by != _fixed(AnsweredBy.NOBODY),
            exists().where(Staff.id == one.user_id, Staff.disabled_at.is_(None)),
            ~_corrected(one),
        )
        .order_by(one.at.desc())
        .limit(1)
        .correlate(Phone, CaseFile)
        .scalar_subquery()
    )


def _newest_talk(one: Any, column: InstrumentedAttribute[T]) -> ScalarSelect[T]:
    """A talk that was cut off and called back at once has no recorded result yet."""
    return (
        select(column)
        .where(
            one.debtor_id == Phone.debtor_id,
            one.area == CaseFile.area,
            one.joined_at.is_not(None),
            exists().where(Staff.id == one.user_id, Staff.disabled_at.is_(None)),
        )
        .order_by(one.started_at.desc())
        .limit(1)
        .correlate(Phone, CaseFile)
        .scalar_subquery()
    )


def _fixed(term: Term) -> ColumnElement[Any]:
    """A constant that is written into the SQL: it is not bound again each time."""
    return literal(term, Code(type(term)), literal_execute=True)


def _corrected(contact: Any) -> Any:
    later = aliased(Contact)
    return exists().where(later.corrects_id == contact.id)


def _read_matches(rows: Iterable[Row]) -> list[Match]:
    return [_match(*row) for row in rows]


def _match(debtor_id: int, owner: Any, sent_id: Any, sent_at: Any, *talks: Any) -> Match:
    spoken = [Spoke(user_id, at) for user_id, at in (talks[:2], talks[2:]) if user_id is not None]
    return Match(
        debtor_id=debtor_id,
        owner=owner,
        outbound=Outbound(sent_id, sent_at) if sent_id is not None else None,
        spoke=max(spoken, key=lambda spoke: spoke.at) if spoken else None,
    )
