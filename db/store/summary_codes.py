"""The numbers that stand in summaries for texts and for items of a year, given out as they first appear.

Two transactions that give out the same number at once collide on the table's keys; the one that comes second reads what
the first wrote and goes on.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from db.rules.terms import Area
from db.schema.claims import Assessment
from db.schema.contacts import Contact, Dispatch
from db.schema.people import Address, Debtor
from db.schema.summaries import SummaryCode, SummaryLot
from db.store.summary_parts import Scope

LANGUAGE: Final = "language"
DISTRICT: Final = "district"
DISPOSITION: Final = "disposition"
LETTER: Final = "letter"

_SOURCES: Final[Mapping[str, tuple[Any, Any]]] = {
    LANGUAGE: (Debtor.language, Debtor.id),
    DISTRICT: (Address.district, Address.debtor_id),
    DISPOSITION: (Contact.disposition, Contact.debtor_id),
    LETTER: (Dispatch.kind, Dispatch.debtor_id),
}


def learn(tx: Connection, scope: Scope, families: Collection[str] | None = None) -> None:
    """Give numbers to what some people bring that has none yet; of some `families` of texts only, where nothing else changed."""
    for family in families or _SOURCES:
        new = tx.execute(_new_codes(scope, family), scope.values).scalars().all()
        while new:
            _add_codes(tx, family, sorted(new))
            new = sorted(set(new) - set(numbers(tx, family)))
    if families:
        return
    while lots_found := sorted(
        (row.area, row.item_code, row.fiscal_year) for row in tx.execute(_new_lots(scope), scope.values)
    ):
        _add_lots(tx, lots_found)


def numbers(tx: Connection, family: str) -> dict[str, int]:
    """The numbers of a family by their text."""
    query = select(SummaryCode.code, SummaryCode.number).where(SummaryCode.family == family)
    return {row.code: row.number for row in tx.execute(query)}


def lots(tx: Connection) -> dict[tuple[Area, str, int], int]:
    """The numbers of items of a fiscal year, by area."""
    query = select(SummaryLot.area, SummaryLot.item_code, SummaryLot.fiscal_year, SummaryLot.number)
    return {(area, item, year): number for area, item, year, number in tx.execute(query)}


def _add_codes(tx: Connection, family: str, codes: Collection[str]) -> None:
    highest = select(func.max(SummaryCode.number)).where(SummaryCode.family == family)
    first = (tx.execute(highest).scalar_one() or 0) + 1
    _add(tx, SummaryCode, [{"family": family, "code": c, "number": n} for n, c in enumerate(codes, start=first)])


def _add_lots(tx: Connection, found: Sequence[tuple[Area, str, int]]) -> None:
    for area in {row[0] for row in found}:
        last = tx.execute(select(func.max(SummaryLot.number)).where(SummaryLot.area == area)).scalar_one()
        mine = [row for row in found if row[0] == area]
        _add(tx, SummaryLot, [
            {"area": area, "item_code": item, "fiscal_year": year, "number": number}
            for number, (_, item, year) in enumerate(mine, start=0 if last is None else last + 1)
        ])  # fmt: skip


@cache
def _new_codes(scope: Scope, family: str) -> Select[Any]:
    column, owner = _SOURCES[family]
    known = exists().where(SummaryCode.family == family, SummaryCode.code == column)
    return select(column).where(scope(owner), ~known).distinct()


@cache
def _new_lots(scope: Scope) -> Select[Area, str, int]:
    known = exists().where(
        SummaryLot.area == Assessment.area,
        SummaryLot.item_code == Assessment.item_code,
        SummaryLot.fiscal_year == Assessment.fiscal_year,
    )
    columns = (Assessment.area, Assessment.item_code, Assessment.fiscal_year)
    return select(*columns).where(scope(Assessment.debtor_id), ~known).distinct()


def _add(tx: Connection, table: Any, values: list[dict[str, Any]]) -> None:
    maker = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(maker(table).on_conflict_do_nothing(), values)
