"""Keeps `CaseSummary`: what is known of every case in one row, for questions over a whole city.

`refresh` is called by every use case that changes what a summary is made of (installments, payments, contacts, papers,
promises, flags, addresses, phones, people, assignments), in its own transaction. `roll` follows the calendar, `rebuild`
makes all summaries anew. They return nothing about anybody, so they take no viewer. Columns of others in the same row
are left as they are.
"""

from collections.abc import Collection, Iterator
from datetime import date
from functools import cache
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Delete,
    Integer,
    Select,
    Table,
    Update,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from db.schema.claims import Installment
from db.schema.people import Address, CaseFile, Debtor, Flag
from db.schema.summaries import CaseSummary, SummaryDay
from db.store import summary_codes, summary_promises
from db.store.many import among
from db.store.summary_parts import COLUMNS, CONTACT_COLUMNS, Scope, contact_rows, rows

AT_ONCE: Final = 400
"""People whose ids stand in one statement."""

STRIDE: Final = 20_000
"""Neighbouring ids that a rebuild takes in one transaction."""

_TABLE: Final[Table] = CaseSummary.__table__  # type: ignore[assignment]


def refresh(tx: Connection, debtor_ids: Collection[int], today: date) -> None:
    """Bring the summaries of some people up to date, and of those who share a household with them."""
    ids = sorted(set(debtor_ids))
    for start in range(0, len(ids), AT_ONCE):
        _refresh(tx, Scope.of(ids[start : start + AT_ONCE]), today)


def refresh_contacts(tx: Connection, debtor_ids: Collection[int], today: date) -> None:
    """The same where nothing but contacts were added: what is made of anything else stays as it is."""
    ids = sorted(set(debtor_ids))
    for start in range(0, len(ids), AT_ONCE):
        _refresh_contacts(tx, Scope.of(ids[start : start + AT_ONCE]), today)


def refresh_range(tx: Connection, first: int, last: int, today: date) -> None:
    """The same for all people with ids from `first` to `last`: what a large import uses."""
    _refresh(tx, Scope.between(first, last), today)


def ranges(tx: Connection) -> Iterator[tuple[int, int]]:
    """All ids of people in strides, for `refresh_range` in a transaction each."""
    highest = tx.execute(select(func.max(Debtor.id))).scalar_one() or 0
    for first in range(1, highest + 1, STRIDE):
        yield first, min(first + STRIDE - 1, highest)


def day(tx: Connection) -> date | None:
    """As of which day the summaries stand; None before the first."""
    return tx.execute(select(SummaryDay.day)).scalar_one_or_none()


def set_day(tx: Connection, today: date) -> None:
    """Say that all summaries stand as of `today`."""
    if tx.execute(update(SummaryDay).values(day=today)).rowcount == 0:
        tx.execute(insert(SummaryDay).values(id=1, day=today))


def concerned(tx: Connection, today: date) -> list[int]:
    """Whom the calendar changed between the day of the summaries and `today`: something fell due, a flag began or ended."""
    before = day(tx)
    if before is None or before == today:
        return []
    first, last = min(before, today), max(before, today)
    due = select(Installment.debtor_id).where(
        Installment.due_on >= first, Installment.due_on < last, Installment.outstanding > 0
    )
    flagged = select(Flag.debtor_id).where(
        or_(Flag.valid_from.between(first, last), Flag.valid_to.between(first, last))
    )
    moved = select(Address.debtor_id).where(Address.valid_to.between(first, last))
    return sorted({*tx.execute(due).scalars(), *tx.execute(flagged).scalars(), *tx.execute(moved).scalars()})


def roll(tx: Connection, today: date) -> None:
    """Follow the calendar to `today`, all in one transaction."""
    refresh(tx, concerned(tx, today), today)
    set_day(tx, today)


def missing(tx: Connection) -> bool:
    """Whether there are cases whose summaries were never made as a whole: a register from before there were any."""
    return day(tx) is None and bool(tx.execute(select(exists().select_from(CaseFile))).scalar_one())


def _refresh(tx: Connection, scope: Scope, today: date) -> None:
    summary_codes.learn(tx, scope)
    homes = tx.execute(_homes_left(scope), scope.values).scalars().all()
    tx.execute(_closed(scope), scope.values)
    tx.execute(_upsert(scope, tx.dialect.name), {**scope.values, "on_day": today})
    summary_promises.apply(tx, scope)
    tx.execute(_sum_households(scope), {**scope.values, "left_homes": homes})


def _refresh_contacts(tx: Connection, scope: Scope, today: date) -> None:
    summary_codes.learn(tx, scope, [summary_codes.DISPOSITION])
    tx.execute(_bring_contacts(scope), scope.values)
    without = tx.execute(_without(scope), scope.values).scalars().all()
    if without:
        _refresh(tx, Scope.of(without), today)


# -- statements are long and made once; ids and days are bound when they are executed


@cache
def _closed(scope: Scope) -> Delete:
    case_there = exists().where(CaseFile.id == CaseSummary.case_id).correlate(CaseSummary)
    return delete(CaseSummary).where(scope(CaseSummary.debtor_id), ~case_there)


@cache
def _upsert(scope: Scope, dialect: str) -> sqlite.Insert | postgresql.Insert:
    maker = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = maker(_TABLE).from_select(COLUMNS, rows(scope), include_defaults=True)
    values = {name: statement.excluded[name] for name in COLUMNS if name not in _KEYS}
    return statement.on_conflict_do_update(index_elements=[CaseSummary.case_id], set_=values)


_KEYS: Final = frozenset({"case_id", "debtor_id", "area", "area_bit"})


@cache
def _bring_contacts(scope: Scope) -> Update:
    newest = contact_rows(scope).subquery()
    return (
        update(CaseSummary)
        .where(scope(CaseSummary.debtor_id))
        .where(CaseSummary.debtor_id == newest.c.debtor_id, CaseSummary.area == newest.c.area)
        .values({name: newest.c[name] for name in CONTACT_COLUMNS})
    )


@cache
def _without(scope: Scope) -> Select[int]:
    """Who has a case without a summary."""
    kept = exists().where(CaseSummary.case_id == CaseFile.id).correlate(CaseFile)
    return select(CaseFile.debtor_id).where(scope(CaseFile.debtor_id), ~kept).distinct()


@cache
def _homes_left(scope: Scope) -> Select[int]:
    """Households that people are about to leave; those who stay have to be counted again."""
    return (
        select(CaseSummary.household_id)
        .join(Debtor, Debtor.id == CaseSummary.debtor_id)
        .where(scope(CaseSummary.debtor_id), CaseSummary.household_id > 0)
        .where(func.coalesce(Debtor.household_id, 0) != CaseSummary.household_id)
        .distinct()
    )


@cache
def _sum_households(scope: Scope) -> Update:
    """Count what households owe together. Protected people (支援措置) belong to none here."""
    joined = select(Debtor.household_id).where(scope(Debtor.id), Debtor.household_id.is_not(None))
    sums = (
        select(
            CaseSummary.household_id,
            CaseSummary.area,
            cast(func.sum(case((CaseSummary.principal > 0, 1), else_=0)), Integer).label("cases"),
            cast(func.sum(CaseSummary.principal), BigInteger).label("principal"),
        )
        .where(or_(CaseSummary.household_id.in_(joined), among(CaseSummary.household_id, "left_homes")))
        .where(CaseSummary.household_id > 0)
        .group_by(CaseSummary.household_id, CaseSummary.area)
        .subquery()
    )
    changed = or_(CaseSummary.household_cases != sums.c.cases, CaseSummary.household_principal != sums.c.principal)
    return (
        update(CaseSummary)
        .where(CaseSummary.household_id == sums.c.household_id, CaseSummary.area == sums.c.area, changed)
        .values(household_cases=sums.c.cases, household_principal=sums.c.principal)
    )
