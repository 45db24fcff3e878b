"""Finding a person and opening their record: what the basic screen shows, and what it must not show yet.

A record is masked while the viewer is on a call with the person (or owes that call's result) and identity has not been
confirmed on it, and always for a viewer without the right to see arrears outside calls (C5). What is masked is left out
here, on the server: a masked record holds no amounts, items, reasons, addresses, birth date or notes.

Every opening and every search is written to the access log in the same transaction; if that fails, nothing is shown.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection

from db.reference.calendar import DateTextError, parse_date
from db.reference.kana import fold_kana, fold_name
from db.reference.phones import PhoneError, parse_phone
from db.rules.case_history import Terms, state_on
from db.rules.promises import Footing, LineStatus, PromiseStatus, judge, settle
from db.rules.terms import Area, CaseState, FlagKind, ImportKind, Right
from db.rules.viewer import Viewer
from db.store import access_log, arrears, calls, case_histories, debtors, freshness, promises, recalls
from db.store.arrears import ArrearsLine, PaymentRow
from db.store.calls import CallRow
from db.store.debtors import AddressRow, ContactRow, DispatchRow, Hit, Member, Person, PhoneRow
from db.store.kin import person_ids
from db.store.promises import PromiseRow
from db.store.recalls import RecallRow
from db.usecases.office import Office


class NotFoundError(Exception):
    """There is no such person, or none that the viewer may know of: the two are not told apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("該当する対象者が見つかりません")


class SearchKind(Enum):
    """How a search text was understood."""

    NUMBER = "番号"
    PHONE = "電話番号"
    BIRTH_DATE = "生年月日"
    NAME = "氏名・カナ"


@dataclass(frozen=True, slots=True)
class Found:
    """People found, and as what the text was understood. `more`: there are others; narrow the search."""

    hits: Sequence[Hit]
    kinds: Sequence[SearchKind]
    more: bool


@dataclass(frozen=True, slots=True)
class PromiseState:
    """A promise and how it and its lines stand today."""

    row: PromiseRow
    status: PromiseStatus
    lines: Sequence[LineStatus] = ()

    @property
    def in_force(self) -> bool:
        """Whether it is the one of its area that counts."""
        return self.row.footing is Footing.IN_FORCE


@dataclass(frozen=True, slots=True)
class OtherNumber:
    """What is owed under another number of the same person (名寄せ)."""

    hit: Hit
    arrears: Sequence[ArrearsLine]

    @property
    def total(self) -> int:
        """Principal and late charge, in yen."""
        return sum(line.total for line in self.arrears)


@dataclass(frozen=True, slots=True)
class OpenPart:
    """What is shown only unmasked."""

    addresses: Sequence[AddressRow]
    household: Sequence[Member]
    arrears: Sequence[ArrearsLine]
    payments: Sequence[PaymentRow]
    promises: Sequence[PromiseState]
    dispatches: Sequence[DispatchRow]
    others: Sequence[OtherNumber] = ()

    @property
    def joint_total(self) -> int:
        """Principal and late charge owed under all numbers of the person, in yen."""
        return self.outstanding + self.charges + sum(other.total for other in self.others)

    @property
    def outstanding(self) -> int:
        """Principal owed, in yen."""
        return sum(line.outstanding for line in self.arrears)

    @property
    def charges(self) -> int:
        """Late charge owed, in yen."""
        return sum(line.charge_due for line in self.arrears)


@dataclass(frozen=True, slots=True)
class Record:
    """The basic screen of one person. `open` is None while the record is masked; then `person` has no birth date and
    `contacts` carry no notes. `fresh`: as of when the data of each kind are, where they were imported. `joined`: the
    person's other numbers (名寄せ); `phones`, `contacts` and `recalls` are of all."""

    person: Person
    areas: Sequence[Area]
    states: dict[Area, CaseState]
    phones: Sequence[PhoneRow]
    flags: frozenset[FlagKind]
    contacts: Sequence[ContactRow]
    recalls: Sequence[RecallRow]
    call: CallRow | None
    open: OpenPart | None
    fresh: Mapping[ImportKind, datetime]
    joined: Sequence[Hit] = ()

    @property
    def data_as_of(self) -> datetime:
        """As of when what the person owes and paid is known, in whichever area that is oldest."""
        return self.fresh.get(ImportKind.PAYMENTS, self.person.data_as_of)

    @property
    def numbers(self) -> dict[int, str]:
        """宛名番号 by id, of the person at hand and of their other numbers."""
        return {self.person.id: self.person.number} | {hit.id: hit.number for hit in self.joined}

    @property
    def masked(self) -> bool:
        """Whether amounts, items, reasons and address are withheld."""
        return self.open is None


def find(tx: Connection, viewer: Viewer, text: str, now: datetime) -> Found:
    """Search by 宛名番号, notice number, phone, birth date, name or kana; the text decides which apply."""
    viewer.require(Right.DEBTOR_VIEW)
    words = text.strip()
    found: dict[int, Hit] = {}
    kinds = []
    for kind, hits in _searches(tx, viewer, words):
        kinds.append(kind)
        found.update((hit.id, hit) for hit in hits)
    listed = without_birth_dates(tx, viewer, found.values())
    access_log.append(tx, viewer, now, "search", detail=f"「{words[:100]}」{len(listed)}件を表示")
    return Found(listed[: debtors.HITS], kinds, len(listed) > debtors.HITS)


def open_record(tx: Connection, viewer: Viewer, debtor_id: int, now: datetime, office: Office) -> Record:
    """Open a person's record, and log that it was opened. Raises NotFoundError."""
    person = debtors.person(tx, viewer, debtor_id)
    if person is None:
        raise NotFoundError
    today = office.today(now)
    ids = person_ids(tx, debtor_id)
    call = _call_with(tx, viewer, ids)
    insight = viewer.within(areas_unmasked(viewer, call))
    joined = debtors.joined_of(tx, viewer, ids, today)
    others = [hit.id for hit in joined]
    part = _open_part(tx, insight, person, joined, now, office) if insight.rights else None
    contacts = debtors.contacts(tx, viewer, debtor_id, others=others)
    areas = debtors.areas_of(tx, viewer, debtor_id)
    booked = [row for one in (debtor_id, *others) for row in recalls.of_debtor(tx, viewer, one)]
    phones = [row for one in (debtor_id, *others) for row in debtors.phones(tx, viewer, one)]
    record = Record(
        person=person if part else replace(person, birth_date=None),
        areas=areas,
        states=_states(tx, insight, debtor_id, areas, now, office) if part else {},
        phones=_each_once(phones),
        flags=debtors.flag_kinds(tx, viewer, ids, today),
        contacts=[row if row.area in insight.rights else replace(row, note="", next_step="") for row in contacts],
        recalls=[
            row if row.area in insight.rights else replace(row, note="")
            for row in sorted(booked, key=lambda row: row.due_at)
        ],
        call=call if call and call.debtor_id == debtor_id else None,
        open=part,
        fresh=freshness.of_areas(tx, areas, person.data_as_of),
        joined=[hit if part else replace(hit, birth_date=None) for hit in joined],
    )
    access_log.append(tx, viewer, now, "debtor.view", debtor_id=debtor_id, detail="" if part else "本人確認前の表示")
    return record


def call_concerning(tx: Connection, viewer: Viewer, debtor_id: int) -> CallRow | None:
    """The call that the viewer is on, or owes a result for, if it is with this person under any number (名寄せ)."""
    return _call_with(tx, viewer, person_ids(tx, debtor_id))


def _call_with(tx: Connection, viewer: Viewer, person: Collection[int]) -> CallRow | None:
    call = calls.current(tx, viewer)
    return call if call and call.debtor_id in person else None


def _each_once(phones: Iterable[PhoneRow]) -> list[PhoneRow]:
    """One row a number, best first: those of the number at hand before those of the person's other numbers."""
    once: dict[str, PhoneRow] = {}
    for row in phones:
        once.setdefault(row.number, row)
    return sorted(once.values(), key=lambda row: row.rank)


def areas_unmasked(viewer: Viewer, call: CallRow | None) -> frozenset[Area]:
    """The areas whose money and reasons may be shown now; `call` is the viewer's call with this very person, if any."""
    if call is None:
        return viewer.areas(Right.ARREARS_VIEW)
    if call.identity_confirmed_at is None:
        return frozenset()
    return (viewer.areas(Right.ARREARS_VIEW) | {call.area}) & viewer.areas(Right.DEBTOR_VIEW)


def _open_part(
    tx: Connection, viewer: Viewer, person: Person, joined: Sequence[Hit], now: datetime, office: Office
) -> OpenPart:
    today = office.today(now)
    return OpenPart(
        addresses=debtors.addresses(tx, viewer, person.id, today),
        household=debtors.household(tx, viewer, person, today),
        arrears=arrears.lines(tx, viewer, person.id, today),
        payments=arrears.payments(tx, viewer, person.id),
        promises=_promises(tx, viewer, person.id, now, office),
        dispatches=debtors.dispatches(tx, viewer, person.id),
        others=[OtherNumber(hit, arrears.lines(tx, viewer, hit.id, today)) for hit in joined],
    )


def _promises(tx: Connection, viewer: Viewer, debtor_id: int, now: datetime, office: Office) -> list[PromiseState]:
    judged = []
    today, grace, is_closed = office.today(now), office.grace_days, office.is_closed
    for row in promises.of_debtor(tx, viewer, debtor_id, office.zone):
        paid = arrears.paid_since(tx, viewer, debtor_id, row.area, row.promise.made_on)
        status = judge(row.promise, paid, today, grace, is_closed)
        judged.append(PromiseState(row, status, settle(row.promise, paid, today, grace, is_closed)))
    return judged


def _states(
    tx: Connection, viewer: Viewer, debtor_id: int, areas: Sequence[Area], now: datetime, office: Office
) -> dict[Area, CaseState]:
    """The states of the person's cases, in the areas that are about money owed."""
    events = case_histories.of(tx, viewer, [debtor_id], office.zone)
    today, terms = office.today(now), Terms(office.grace_days, office.is_closed)
    mine = [area for area in areas if (debtor_id, area) in events]
    return {area: state_on(events[debtor_id, area].history, today, terms) for area in mine}


def without_birth_dates(tx: Connection, viewer: Viewer, hits: Iterable[Hit]) -> list[Hit]:
    """A birth date is asked on the telephone to prove who speaks, so a list shows it no sooner than the record would."""
    sees, hidden = bool(areas_unmasked(viewer, None)), calls.unproven(tx, viewer)
    return [hit if sees and hit.id not in hidden else replace(hit, birth_date=None) for hit in hits]


def _searches(tx: Connection, viewer: Viewer, words: str) -> Iterator[tuple[SearchKind, list[Hit]]]:
    code = unicodedata.normalize("NFKC", words).replace(" ", "")
    is_number = code.isascii() and any(char.isdigit() for char in code)
    if is_number:
        yield SearchKind.NUMBER, debtors.by_number(tx, viewer, {code, code.replace("-", "")})
    with suppress(PhoneError):
        yield SearchKind.PHONE, debtors.by_phone(tx, viewer, parse_phone(words).e164)
    try:
        yield SearchKind.BIRTH_DATE, debtors.by_birth_date(tx, viewer, parse_date(words))
    except DateTextError:
        if is_number:
            return
        yield SearchKind.NAME, debtors.by_name(tx, viewer, fold_name(words), fold_kana(words))
