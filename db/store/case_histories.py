"""What happened in the cases of some people, as `db.rules.case_history` reads it: the one place that states come from."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from db.clock import office_date
from db.rules.case_history import CaseHistory, Due, FlagSpan, PromiseMade
from db.rules.eligibility import DEBT_AREAS
from db.rules.latecharge import RateProfile
from db.rules.payments import Payment as Paid
from db.rules.payments import net
from db.rules.promises import Promise as PromiseValue
from db.rules.promises import PromiseLine as LineValue
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.rules.workflow import ENTITLED
from db.schema.claims import Allocation, Assessment, Installment, Payment, TaxItem
from db.schema.contacts import Contact, Promise, PromiseLine
from db.schema.people import CaseFile, Flag
from db.store import arrears
from db.store.bound import AREAS, DEBTOR_IDS

K = TypeVar("K")

Key = tuple[int, Area]
"""A case: whose, and in which business area."""


@dataclass(frozen=True, slots=True)
class CaseEvents:
    """The history of a case; `items` and `promise_ids` name the tax items of its dues and its promises, in their order."""

    debtor_id: int
    area: Area
    history: CaseHistory
    items: tuple[str, ...]
    promise_ids: tuple[uuid.UUID, ...]


def of(tx: Connection, viewer: Viewer, debtor_ids: Collection[int], zone: ZoneInfo) -> dict[Key, CaseEvents]:
    """The histories of some people's cases in the viewer's areas of debts. A few hundred people at a time."""
    mine = {"debtor_ids": debtor_ids, "areas": viewer.areas() & DEBT_AREAS}
    keys = [(row.debtor_id, row.area) for row in tx.execute(_CASES, mine)]
    dues, items = _dues(tx, mine)
    payments, flags, reached = _payments(tx, mine), _flags(tx, mine), _reached(tx, mine)
    promises, promise_ids = _promises(tx, mine, zone)
    return {
        key: CaseEvents(
            *key,
            history=CaseHistory(
                dues=tuple(dues[key]),
                payments=tuple(payments[key]),
                flags=(*flags[key], *flags[key[0], None]),
                promises=tuple(promises[key]),
                reached_on=office_date(reached[key], zone) if key in reached else None,
            ),
            items=tuple(items[key]),
            promise_ids=tuple(promise_ids[key]),
        )
        for key in keys
    }


_Mine = Mapping[str, Any]
"""The people and the areas asked for."""


def _of(table: type[CaseFile | Installment | Payment | Contact | Promise]) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a row is of these."""
    return table.debtor_id.in_(DEBTOR_IDS), table.area.in_(AREAS)


_CASES: Final = select(CaseFile.debtor_id, CaseFile.area).where(*_of(CaseFile))
_DUES: Final = (
    select(Installment.id, Installment.debtor_id, Installment.area, Installment.due_on, Installment.outstanding)
    .add_columns(TaxItem.code, TaxItem.rate_profile)
    .join(Assessment, Assessment.id == Installment.assessment_id)
    .join(TaxItem, TaxItem.code == Assessment.item_code)
    .where(*_of(Installment))
    .order_by(Installment.due_on, Installment.id)
)
_ALLOCATED: Final = (
    select(Allocation.installment_id, Payment.paid_on, Allocation.principal, Allocation.late_charge)
    .join(Payment, Payment.id == Allocation.payment_id)
    .where(*_of(Payment))
    .order_by(Payment.paid_on, Payment.id)
)
_PAYMENTS: Final = (
    select(Payment.debtor_id, Payment.area, Payment.paid_on, Payment.amount)
    .where(*_of(Payment))
    .order_by(Payment.paid_on, Payment.id)
)
_FLAGS: Final = select(Flag.debtor_id, Flag.area, Flag.kind, Flag.valid_from, Flag.valid_to).where(
    Flag.debtor_id.in_(DEBTOR_IDS), or_(Flag.area.is_(None), Flag.area.in_(AREAS))
)
_CORRECTED: Final = select(Contact.corrects_id).where(
    Contact.debtor_id.in_(DEBTOR_IDS), Contact.corrects_id.is_not(None)
)
_REACHED: Final = (
    select(Contact.debtor_id, Contact.area, func.min(Contact.at).label("at"))
    .where(*_of(Contact), Contact.answered_by.in_(ENTITLED), Contact.id.not_in(_CORRECTED))
    .group_by(Contact.debtor_id, Contact.area)
)
_LINES: Final = (
    select(PromiseLine.promise_id, PromiseLine.due_on, PromiseLine.amount)
    .join(Promise, and_(Promise.id == PromiseLine.promise_id, *_of(Promise)))
    .order_by(PromiseLine.promise_id, PromiseLine.number)
)
_PROMISES: Final = (
    select(Promise.id, Promise.debtor_id, Promise.area, Promise.made_at, Promise.approved_by, Promise.approved_at)
    .add_columns(Promise.cancelled_at)
    .where(*_of(Promise))
    .order_by(Promise.made_at, Promise.id)
)


def _dues(tx: Connection, mine: _Mine) -> tuple[Mapping[Key, list[Due]], Mapping[Key, list[str]]]:
    known = arrears.profiles(tx)
    paid, charges = _allocated(tx, mine)
    dues: defaultdict[Key, list[Due]] = defaultdict(list)
    items: defaultdict[Key, list[str]] = defaultdict(list)
    for row in tx.execute(_DUES, mine):
        dues[row.debtor_id, row.area].append(_due(row, paid[row.id], charges[row.id], known[row.rate_profile]))
        items[row.debtor_id, row.area].append(row.code)
    return dues, items


def _due(row: Row[*tuple[object, ...]], paid: Sequence[Paid], charges: Sequence[Paid], profile: RateProfile) -> Due:
    # principal that no payment explains (written off, or paid before the data begin) bears no charge and was never open
    bearing = row.outstanding + sum(payment.yen for payment in paid)
    return Due(row.due_on, bearing, tuple(paid), tuple(charges), profile)


def _allocated(tx: Connection, mine: _Mine) -> tuple[Mapping[int, list[Paid]], Mapping[int, list[Paid]]]:
    principal: defaultdict[int, list[tuple[date, int]]] = defaultdict(list)
    charges: defaultdict[int, list[tuple[date, int]]] = defaultdict(list)
    for row in tx.execute(_ALLOCATED, mine):
        if row.principal:
            principal[row.installment_id].append((row.paid_on, row.principal))
        if row.late_charge:
            charges[row.installment_id].append((row.paid_on, row.late_charge))
    return _net(principal), _net(charges)


def _payments(tx: Connection, mine: _Mine) -> Mapping[Key, list[Paid]]:
    found: defaultdict[Key, list[tuple[date, int]]] = defaultdict(list)
    for row in tx.execute(_PAYMENTS, mine):
        found[row.debtor_id, row.area].append((row.paid_on, row.amount))
    return _net(found)


def _net(told: Mapping[K, list[tuple[date, int]]]) -> defaultdict[K, list[Paid]]:
    """Without what was taken back."""
    found: defaultdict[K, list[Paid]] = defaultdict(list)
    found.update({key: net(amounts) for key, amounts in told.items()})
    return found


def _flags(tx: Connection, mine: _Mine) -> Mapping[tuple[int, Area | None], list[FlagSpan]]:
    found: defaultdict[tuple[int, Area | None], list[FlagSpan]] = defaultdict(list)
    for row in tx.execute(_FLAGS, mine):
        found[row.debtor_id, row.area].append(FlagSpan(row.kind, row.valid_from, row.valid_to))
    return found


def _reached(tx: Connection, mine: _Mine) -> Mapping[Key, datetime]:
    """When someone entitled was reached first. What was corrected never happened."""
    return {(row.debtor_id, row.area): row.at for row in tx.execute(_REACHED, mine)}


def _promises(
    tx: Connection, mine: _Mine, zone: ZoneInfo
) -> tuple[Mapping[Key, list[PromiseMade]], Mapping[Key, list[uuid.UUID]]]:
    lines: defaultdict[uuid.UUID, list[LineValue]] = defaultdict(list)
    for line in tx.execute(_LINES, mine):
        lines[line.promise_id].append(LineValue(line.due_on, line.amount))
    found: defaultdict[Key, list[PromiseMade]] = defaultdict(list)
    ids: defaultdict[Key, list[uuid.UUID]] = defaultdict(list)
    for row in tx.execute(_PROMISES, mine):
        found[row.debtor_id, row.area].append(_made(row, lines[row.id], zone))
        ids[row.debtor_id, row.area].append(row.id)
    return found, ids


def _made(row: Row[*tuple[object, ...]], lines: Sequence[LineValue], zone: ZoneInfo) -> PromiseMade:
    approved = (row.approved_at or row.made_at) if row.approved_by is not None else None
    return PromiseMade(
        PromiseValue(office_date(row.made_at, zone), tuple(lines)),
        approved_on=office_date(approved, zone) if approved else None,
        cancelled_on=office_date(row.cancelled_at, zone) if row.cancelled_at else None,
    )
