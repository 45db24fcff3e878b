"""Finding people, and what the basic screen shows of one. A viewer sees a person only through a case in one of their areas."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.rules.telephony import RecordingState
from db.rules.terms import (
    AddressKind,
    AnsweredBy,
    Area,
    Channel,
    FlagKind,
    PersonKind,
    PhoneKind,
    PhoneOwner,
    PhoneStatus,
    Right,
)
from db.rules.viewer import Viewer
from db.schema.calls import Call, Recording
from db.schema.claims import Assessment, Installment
from db.schema.contacts import Contact, Dispatch, Disposition
from db.schema.people import Address, CaseFile, Debtor, Flag, Phone
from db.schema.staff import Staff
from db.store.bound import AREAS, DEBTOR_ID, DEBTOR_IDS, TODAY, areas, areas_held
from db.store.kin import person_ids, protected_person
from db.store.many import among

HITS = 50
"""How many people a search lists at most."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One person found."""

    id: int
    number: str
    kind: PersonKind
    name: str
    kana: str
    birth_date: date | None


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is."""

    id: int
    number: str
    kind: PersonKind
    name: str
    kana: str
    birth_date: date | None
    language: str
    household_id: int | None
    household_role: str | None
    data_as_of: datetime
    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One address."""

    kind: AddressKind
    postal_code: str
    town: str
    block: str
    building: str
    district: str


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """One number on the record."""

    id: int
    debtor_id: int
    number: str
    kind: PhoneKind
    status: PhoneStatus
    owner: PhoneOwner
    rank: int


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the same household, with what they owe (yen, principal) in the viewer's areas."""

    id: int
    name: str
    role: str | None
    outstanding: int


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One line of the negotiation record (交渉記録). `answers_…`: the letter, SMS or call that a return call answers."""

    id: uuid.UUID
    area: Area
    channel: Channel
    at: datetime
    staff_id: int | None
    staff_name: str | None
    number: str | None
    answered_by: AnsweredBy
    disposition: str
    disposition_name: str
    note: str
    next_step: str
    corrects_id: uuid.UUID | None
    corrected: bool
    recording_id: uuid.UUID | None
    recording_state: RecordingState | None
    answers_at: datetime | None
    answers_channel: Channel | None
    debtor_id: int


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """One line of 発送管理."""

    area: Area
    kind: str
    document_number: str
    sent_on: date
    amount: int
    returned_on: date | None
    return_reason: str | None


def in_areas(these: Collection[Area] | BindParameter[Any]) -> ColumnElement[bool]:
    """The condition that a debtor has a case in one of some areas."""
    return exists().where(CaseFile.debtor_id == Debtor.id, CaseFile.area.in_(these)).correlate(Debtor)


def by_number(tx: Connection, viewer: Viewer, codes: Collection[str]) -> list[Hit]:
    """People by 宛名番号 or notice number, each complete, in any of some spellings."""
    by_notice = select(Assessment.debtor_id).where(
        Assessment.notice_number.in_(codes), Assessment.area.in_(viewer.areas())
    )
    return _hits(tx, viewer, or_(Debtor.number.in_(codes), Debtor.id.in_(by_notice)))


def by_phone(tx: Connection, viewer: Viewer, e164: str) -> list[Hit]:
    """People by a phone number."""
    return _hits(tx, viewer, Debtor.id.in_(select(Phone.debtor_id).where(Phone.number == e164)))


def by_birth_date(tx: Connection, viewer: Viewer, born: date) -> list[Hit]:
    """People by birth date."""
    return _hits(tx, viewer, Debtor.birth_date == born)


def by_name(tx: Connection, viewer: Viewer, folded_name: str, folded_kana: str) -> list[Hit]:
    """People whose folded name or kana begins with the words given."""
    found: dict[int, Hit] = {}
    for column, text in ((Debtor.kana_folded, folded_kana), (Debtor.name_folded, folded_name)):
        if text:
            # a range and an order that the index on the byte-ordered column serves, so that 51 rows are read, not all
            within = and_(column >= text, column < text + "\U0010ffff")
            found.update((hit.id, hit) for hit in _hits(tx, viewer, within, column))
    return sorted(found.values(), key=lambda hit: (hit.kana, hit.id))[: HITS + 1]


def person(tx: Connection, viewer: Viewer, debtor_id: int) -> Person | None:
    """A person, or None if there is none that the viewer may see."""
    row = tx.execute(_PERSON, {"debtor_id": debtor_id, "areas": viewer.areas()}).one_or_none()
    if row is None:
        return None
    return Person(
        id=row.id,
        number=row.number,
        kind=row.kind,
        name=row.name,
        kana=row.kana,
        birth_date=row.birth_date,
        language=row.language,
        household_id=row.household_id,
        household_role=row.household_role,
        data_as_of=row.data_as_of,
        closed_on=row.closed_on,
    )


_PERSON: Final = select(Debtor).where(Debtor.id == DEBTOR_ID, in_areas(AREAS))


_Standing: TypeAlias = Row[int, date | None, datetime, bool]


def standings(tx: Connection, viewer: Viewer, people: Collection[int]) -> dict[int, _Standing]:
    """Of some people, whether the viewer may see them (`seen`), since when the core system lists them no more (`closed_on`), and
    how old their data are (`data_as_of`). For counting; only who is seen is to be told of."""
    whom = {"people": people, "areas": viewer.areas()}
    return {row.id: row for row in tx.execute(_STANDINGS, whom)}


_STANDINGS: Final = select(
    Debtor.id,
    Debtor.closed_on,
    Debtor.data_as_of,
    exists().where(CaseFile.debtor_id == Debtor.id, among(CaseFile.area, "areas")).correlate(Debtor).label("seen"),
).where(among(Debtor.id, "people"))


def areas_of(tx: Connection, viewer: Viewer, debtor_id: int) -> list[Area]:
    """The viewer's areas in which a person has a case, in the order of the enumeration."""
    found = set(tx.execute(_AREAS_OF, {"debtor_id": debtor_id, "areas": viewer.areas()}).scalars())
    return [area for area in Area if area in found]


_AREAS_OF: Final = select(CaseFile.area).where(CaseFile.debtor_id == DEBTOR_ID, CaseFile.area.in_(AREAS))
_IS_SEEN: Final = exists().where(CaseFile.debtor_id == DEBTOR_ID, CaseFile.area.in_(AREAS))


def addresses(tx: Connection, viewer: Viewer, debtor_id: int, today: date) -> list[AddressRow]:
    """A person's present addresses. A protected person's (支援措置) only with the right to see them."""
    if not viewer.may_anywhere(Right.PROTECTED_VIEW) and _is_protected(tx, viewer, debtor_id, today):
        return []
    rows = tx.execute(_ADDRESSES, {"debtor_id": debtor_id, "areas": viewer.areas(), "today": today})
    return [AddressRow(*row) for row in rows]


_ADDRESSES: Final = (
    select(Address.kind, Address.postal_code, Address.town, Address.block, Address.building, Address.district)
    .where(Address.debtor_id == DEBTOR_ID, or_(Address.valid_to.is_(None), Address.valid_to >= TODAY), _IS_SEEN)
    .order_by(Address.id)
)


def mailing(tx: Connection, viewer: Viewer, debtor_ids: Collection[int], today: date) -> dict[int, AddressRow]:
    """Where each of some people is written to: the newest 送付先, else where they are registered; others are left out."""
    return _present(tx, viewer, debtor_ids, today, AddressKind.MAILING, AddressKind.REGISTERED)


def dwelling(tx: Connection, viewer: Viewer, debtor_ids: Collection[int], today: date) -> dict[int, AddressRow]:
    """Where each of some people is visited: where they are registered, else the newest 送付先; others are left out."""
    return _present(tx, viewer, debtor_ids, today, AddressKind.REGISTERED, AddressKind.MAILING)


def _present(
    tx: Connection, viewer: Viewer, debtor_ids: Collection[int], today: date, first: AddressKind, otherwise: AddressKind
) -> dict[int, AddressRow]:
    """The newest present address of one kind, else of another.

    A protected person's (支援措置, under any number and in whatever area) only with the right to see them.
    """
    query = (
        select(
            Address.debtor_id, Address.kind, Address.postal_code, Address.town, Address.block, Address.building,
            Address.district,
        )
        .join(Debtor, Debtor.id == Address.debtor_id)
        .where(Address.debtor_id.in_(debtor_ids), Address.kind.in_([first, otherwise]))
        .where(or_(Address.valid_from.is_(None), Address.valid_from <= today))
        .where(or_(Address.valid_to.is_(None), Address.valid_to >= today), in_areas(viewer.areas()))
        .order_by(Address.id)
    )  # fmt: skip
    if not viewer.may_anywhere(Right.PROTECTED_VIEW):
        query = query.where(~protected_person(Address.debtor_id, today))
    found: dict[int, AddressRow] = {}
    for each in tx.execute(query):
        values: tuple[Any, ...] = tuple(each)
        debtor_id, row = each.debtor_id, AddressRow(*values[1:])
        if row.kind is first or debtor_id not in found or found[debtor_id].kind is row.kind:
            found[debtor_id] = row
    return found


def phones(tx: Connection, viewer: Viewer, debtor_id: int) -> list[PhoneRow]:
    """A person's numbers, best first."""
    return [PhoneRow(*row) for row in tx.execute(_PHONES, {"debtor_id": debtor_id, "areas": viewer.areas()})]


_PHONES: Final = (
    select(Phone.id, Phone.debtor_id, Phone.number, Phone.kind, Phone.status, Phone.owner, Phone.rank)
    .where(Phone.debtor_id == DEBTOR_ID, _IS_SEEN)
    .order_by(Phone.rank, Phone.id)
)


def phones_of_each(tx: Connection, viewer: Viewer, debtor_ids: Collection[int]) -> dict[int, list[PhoneRow]]:
    """The numbers of each of some people, best first, in one query."""
    found: dict[int, list[PhoneRow]] = {one: [] for one in debtor_ids}
    for row in tx.execute(_PHONES_OF_EACH, {"people": debtor_ids, "areas": viewer.areas()}):
        found[row.debtor_id].append(PhoneRow(*row))
    return found


_PHONES_OF_EACH: Final = (
    select(Phone.id, Phone.debtor_id, Phone.number, Phone.kind, Phone.status, Phone.owner, Phone.rank)
    .where(among(Phone.debtor_id, "people"))
    .where(exists().where(CaseFile.debtor_id == Phone.debtor_id, among(CaseFile.area, "areas")))
    .order_by(Phone.rank, Phone.id)
)


def flag_kinds(tx: Connection, viewer: Viewer, person: Sequence[int], today: date) -> frozenset[FlagKind]:
    """The flags in force on a day, in the viewer's areas or for all, under any of the person's numbers (`kin.person_ids`)."""
    asked = {"debtor_ids": person, "areas": viewer.areas(), "today": today}
    return frozenset(tx.execute(_FLAG_KINDS, asked).scalars())


def _is_protected(tx: Connection, viewer: Viewer, debtor_id: int, today: date) -> bool:
    return FlagKind.PROTECTED in flag_kinds(tx, viewer, person_ids(tx, debtor_id), today)


_FLAG_KINDS: Final = select(Flag.kind).where(
    Flag.debtor_id.in_(DEBTOR_IDS),
    or_(Flag.area.is_(None), Flag.area.in_(AREAS)),
    or_(Flag.valid_from.is_(None), Flag.valid_from <= TODAY),
    or_(Flag.valid_to.is_(None), Flag.valid_to >= TODAY),
)


def household(tx: Connection, viewer: Viewer, of: Person, today: date) -> list[Member]:
    """The other people of a household. Protected people are never listed under one."""
    if of.household_id is None:
        return []
    asked = {"household_id": of.household_id, "debtor_id": of.id, "today": today}
    return [Member(*row) for row in tx.execute(_HOUSEHOLD, asked | areas_held(viewer, Right.ARREARS_VIEW))]


_OWED: Final = (
    select(func.coalesce(func.sum(Installment.outstanding), 0))
    .where(Installment.debtor_id == Debtor.id, Installment.area.in_(areas(Right.ARREARS_VIEW)))
    .where(Installment.due_on < TODAY)
    .correlate(Debtor)
    .scalar_subquery()
)
_HOUSEHOLD: Final = (
    select(Debtor.id, Debtor.name, Debtor.household_role, _OWED)
    .where(Debtor.household_id == bindparam("household_id"), Debtor.id != DEBTOR_ID, in_areas(AREAS))
    .where(~protected_person(Debtor.id, TODAY))
    .order_by(Debtor.birth_date, Debtor.id)
    .limit(20)
)


def joined(tx: Connection, viewer: Viewer, debtor_id: int, today: date) -> list[Hit]:
    """The person's other numbers (名寄せ), where the viewer may know of them."""
    return joined_of(tx, viewer, person_ids(tx, debtor_id), today)


def joined_of(tx: Connection, viewer: Viewer, person: Sequence[int], today: date) -> list[Hit]:
    """The same of a person all of whose ids are known (`kin.person_ids`), the number at hand first.

    They tell of a person under 支援措置 where they live now, so without the right to see that they are not told.
    """
    others = person[1:]
    if not others:
        return []
    known = true() if viewer.may_anywhere(Right.PROTECTED_VIEW) else ~protected_person(Debtor.id, today)
    return _hits(tx, viewer, and_(Debtor.id.in_(others), known))


def contacts(
    tx: Connection,
    viewer: Viewer,
    debtor_id: int,
    limit: int = 100,
    *,
    contact_id: uuid.UUID | None = None,
    others: Sequence[int] = (),
) -> list[ContactRow]:
    """The negotiation record, newest first, over all channels, with that of `others`; or one contact of it."""
    asked = {"debtor_ids": (debtor_id, *others), "areas": viewer.areas()}
    query = _contacts(limit)
    if contact_id is not None:
        query = query.where(Contact.id == contact_id)
    return [ContactRow(*tuple(row)) for row in tx.execute(query, asked)]


@cache
def _contacts(limit: int) -> Select[*tuple[Any, ...]]:
    answered = aliased(Contact)
    correction = select(Contact.corrects_id.label("of")).where(Contact.debtor_id.in_(DEBTOR_IDS)).subquery()
    return (
        select(
            Contact.id,
            Contact.area,
            Contact.channel,
            Contact.at,
            Contact.user_id,
            Staff.name,
            Contact.number,
            Contact.answered_by,
            Contact.disposition,
            Disposition.name,
            Contact.note,
            Contact.next_step,
            Contact.corrects_id,
            Contact.id.in_(select(correction.c.of).where(correction.c.of.is_not(None))),
            Recording.id,
            Recording.state,
            answered.at,
            answered.channel,
            Contact.debtor_id,
        )
        .join(Disposition, Disposition.code == Contact.disposition)
        .outerjoin(answered, answered.id == Contact.answers_id)
        .outerjoin(Staff, Staff.id == Contact.user_id)
        .outerjoin(Recording, and_(Recording.call_id == Contact.call_id, Contact.call_id.is_not(None)))
        .where(Contact.debtor_id.in_(DEBTOR_IDS), Contact.area.in_(AREAS))
        .order_by(Contact.at.desc(), Contact.recorded_at.desc(), Contact.id.desc())
        .limit(limit)
    )


def dispatches(tx: Connection, viewer: Viewer, debtor_id: int) -> list[DispatchRow]:
    """Papers sent to a person, newest first."""
    return [DispatchRow(*row) for row in tx.execute(_DISPATCHES, {"debtor_id": debtor_id, "areas": viewer.areas()})]


_DISPATCHES: Final = (
    select(
        Dispatch.area,
        Dispatch.kind,
        Dispatch.document_number,
        Dispatch.sent_on,
        Dispatch.amount,
        Dispatch.returned_on,
        Dispatch.return_reason,
    )
    .where(Dispatch.debtor_id == DEBTOR_ID, Dispatch.area.in_(AREAS))
    .order_by(Dispatch.sent_on.desc(), Dispatch.id.desc())
    .limit(200)
)


def last_call_of(tx: Connection, viewer: Viewer, debtor_id: int, user_id: int) -> uuid.UUID | None:
    """The call that a user is on, or owes a result for, with a person."""
    return tx.execute(
        select(Call.id)
        .where(Call.debtor_id == debtor_id, Call.user_id == user_id, Call.wrapped_at.is_(None))
        .where(Call.area.in_(viewer.areas()))
        .order_by(Call.started_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def _hits(
    tx: Connection,
    viewer: Viewer,
    condition: ColumnElement[bool],
    order: InstrumentedAttribute[str] | None = None,
    *,
    limit: int = HITS + 1,
) -> list[Hit]:
    """One more than HITS is asked for, so that the caller can say that there are more."""
    query: Select[int, str, PersonKind, str, str, date | None] = (
        select(Debtor.id, Debtor.number, Debtor.kind, Debtor.name, Debtor.kana, Debtor.birth_date)
        .where(condition, in_areas(viewer.areas()))
        .order_by(Debtor.id if order is None else order)
        .limit(limit)
    )
    return [Hit(*row) for row in tx.execute(query)]


def hits_of(tx: Connection, viewer: Viewer, ids: Sequence[int]) -> list[Hit]:
    """People by their ids, for lists that hold ids only."""
    return _hits(tx, viewer, Debtor.id.in_(ids), limit=len(ids)) if ids else []
