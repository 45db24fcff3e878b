"""What is known of every case, read row by row with plain Python: the slow truth beside summaries and conditions."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from db.rules.payments import Payment
from db.rules.promises import Promise, PromiseLine, PromiseOutcome, judge
from db.rules.terms import (
    AddressKind,
    AnsweredBy,
    Area,
    CaseState,
    Channel,
    FlagKind,
    PersonKind,
    PhoneKind,
    PhoneStatus,
)
from db.schema import claims, contacts
from db.schema.claims import Assessment, Installment
from db.schema.contacts import Contact, Dispatch
from db.schema.people import Address, CaseFile, Debtor, Flag, Phone
from db.schema.work import Assignment
from db.usecases.office import Office

TOKYO = ZoneInfo("Asia/Tokyo")
GOOD = {PhoneStatus.USABLE, PhoneStatus.UNVERIFIED}


@dataclass
class Facts:
    """One case. `open`: (item, fiscal year, number, due, yen) of what is past due and open."""

    case_id: int
    debtor_id: int
    area: Area
    kind: PersonKind
    birth: date | None
    language: str
    household_id: int | None
    open: list[tuple[str, int, int, date, int]] = field(default_factory=list)
    district: str | None = None
    flags: set[FlagKind] = field(default_factory=set)
    phones: set[PhoneKind] = field(default_factory=set)
    contacts: list[Any] = field(default_factory=list)
    letters: list[Any] = field(default_factory=list)
    promise: PromiseOutcome | None = None
    promised: tuple[int, int] = (0, 0)
    assigned_user: int | None = None
    assigned_group: int | None = None
    state: CaseState | None = None
    household_cases: int = 0
    household_principal: int = 0

    @property
    def principal(self) -> int:
        return sum(line[4] for line in self.open)

    @property
    def oldest(self) -> date | None:
        return min((line[3] for line in self.open), default=None)

    @property
    def last(self) -> Any | None:
        return max(self.contacts, key=lambda row: (row.at, row.recorded_at, row.id), default=None)

    @property
    def last_letter(self) -> Any | None:
        return max(self.letters, key=lambda row: (row.sent_on, row.id), default=None)

    @property
    def reached(self) -> bool:
        return any(row.answered_by is AnsweredBy.SELF for row in self.contacts)

    @property
    def hours(self) -> set[tuple[bool, int]]:
        """(at a weekend, hour) of our calls that the person answered."""
        local = [
            row.at.astimezone(TOKYO)
            for row in self.contacts
            if row.channel is Channel.CALL_OUT and row.answered_by is AnsweredBy.SELF
        ]
        return {(at.weekday() >= 5, at.hour) for at in local}


def read(tx: Connection, today: date, office: Office) -> Mapping[int, Facts]:
    """All cases by their ids."""
    cases = {
        row.case_id: Facts(**row._mapping)
        for row in tx.execute(
            select(
                CaseFile.id.label("case_id"), CaseFile.debtor_id, CaseFile.area, Debtor.kind,
                Debtor.birth_date.label("birth"), Debtor.language, Debtor.household_id,
            ).join(Debtor, Debtor.id == CaseFile.debtor_id)
        )
    }  # fmt: skip
    by_key = {(one.debtor_id, one.area): one for one in cases.values()}
    of_person = defaultdict(list)
    for one in cases.values():
        of_person[one.debtor_id].append(one)
    _money(tx, by_key, today)
    _people(tx, of_person, today)
    _places(tx, of_person, today)
    _history(tx, by_key)
    _promises(tx, by_key, today, office)
    _homes(cases)
    return cases


def _money(tx: Connection, cases: Mapping[Any, Facts], today: date) -> None:
    query = select(Installment, Assessment.item_code, Assessment.fiscal_year).join(
        Assessment, Assessment.id == Installment.assessment_id
    )
    for row in tx.execute(query):
        if row.outstanding > 0 and row.due_on < today:
            line = (row.item_code, row.fiscal_year, row.number, row.due_on, row.outstanding)
            cases[row.debtor_id, row.area].open.append(line)


def _people(tx: Connection, of_person: Mapping[int, list[Facts]], today: date) -> None:
    for row in tx.execute(select(Flag)):
        if (row.valid_from or today) <= today <= (row.valid_to or today):
            for one in of_person[row.debtor_id]:
                if row.area in (None, one.area):
                    one.flags.add(row.kind)
    for row in tx.execute(select(Phone)):
        if row.status in GOOD:
            for one in of_person[row.debtor_id]:
                one.phones.add(row.kind)


def _places(tx: Connection, of_person: Mapping[int, list[Facts]], today: date) -> None:
    for row in tx.execute(select(Address).order_by(Address.id)):
        if row.kind is AddressKind.REGISTERED and (row.valid_to or today) >= today:
            for one in of_person[row.debtor_id]:
                one.district = None if FlagKind.PROTECTED in one.flags else row.district


def _history(tx: Connection, cases: Mapping[Any, Facts]) -> None:
    rows = tx.execute(select(Contact)).all()
    corrected = {row.corrects_id for row in rows}
    for row in rows:
        if row.id not in corrected:
            cases[row.debtor_id, row.area].contacts.append(row)
    for row in tx.execute(select(Dispatch)):
        cases[row.debtor_id, row.area].letters.append(row)
    for row in tx.execute(select(Assignment).where(Assignment.ended_at.is_(None))):
        cases[row.debtor_id, row.area].assigned_user = row.user_id
        cases[row.debtor_id, row.area].assigned_group = row.group_id


def _promises(tx: Connection, cases: Mapping[Any, Facts], today: date, office: Office) -> None:
    lines = defaultdict(list)
    for row in tx.execute(select(contacts.PromiseLine).order_by(contacts.PromiseLine.number)):
        lines[row.promise_id].append(PromiseLine(row.due_on, row.amount))
    paid = defaultdict(list)
    for row in tx.execute(select(claims.Payment)):
        paid[row.debtor_id, row.area].append(Payment(row.paid_on, row.amount))
    query = select(contacts.Promise).where(contacts.Promise.cancelled_at.is_(None))
    for row in tx.execute(query.order_by(contacts.Promise.made_at, contacts.Promise.id)):
        if row.approved_by is None and len(lines[row.id]) > 1:
            continue
        promise = Promise(row.made_at.astimezone(TOKYO).date(), tuple(lines[row.id]))
        one = cases[row.debtor_id, row.area]
        status = judge(promise, paid[row.debtor_id, row.area], today, office.grace_days, office.is_closed)
        one.promise, one.promised = status.outcome, (promise.total, status.paid_so_far)


def _homes(cases: Mapping[int, Facts]) -> None:
    members = defaultdict(list)
    for one in cases.values():
        protected = FlagKind.PROTECTED in one.flags
        key = ("alone", one.case_id) if protected or one.household_id is None else (one.household_id, one.area)
        members[key].append(one)
    for home in members.values():
        for one in home:
            one.household_cases = sum(other.principal > 0 for other in home)
            one.household_principal = sum(other.principal for other in home)


def epoch(at: datetime) -> int:
    """Seconds since 1970."""
    return int(at.timestamp())
