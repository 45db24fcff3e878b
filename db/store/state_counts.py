"""Writes how many cases stand in each state (`StateTally`, `StateDay`), by what each case adds and takes away."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from db.rules.terms import Area, CaseState
from db.schema.states import CaseCount, StateDay, StateTally


class Dimension(StrEnum):
    """Along what cases are counted. Keys: of ITEM the code, of DISTRICT the number of the text in summaries, of AMOUNT and
    AGE the code of the band, of OFFICER and GROUP the id: of whom a case is assigned to, 0 if to neither."""

    ALL = "all"
    ITEM = "item"
    DISTRICT = "district"
    AMOUNT = "amount"
    AGE = "age"
    OFFICER = "officer"
    GROUP = "group"


Counted = Sequence[tuple[str, str, int]]
"""What one case adds: dimension, key, yen."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a case adds to the tallies."""

    case_id: int
    debtor_id: int
    area: Area
    state: CaseState
    counted: Counted


@dataclass(slots=True)
class Change:
    """What a number of cases change together: people and yen by the key of a row."""

    tallies: dict[tuple[Area, str, str, CaseState], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )
    days: dict[tuple[date, Area, CaseState], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, count: Count, sign: int) -> None:
        """Add a case, or (-1) take it out."""
        for dimension, key, yen in count.counted:
            sums = self.tallies[count.area, dimension, key, count.state]
            sums[0] += sign
            sums[1] += sign * yen

    def add_day(self, day: date, area: Area, state: CaseState, yen: int) -> None:
        """Count a case on a day that is past."""
        sums = self.days[day, area, state]
        sums[0] += 1
        sums[1] += yen


def counts(tx: Connection, debtor_ids: Collection[int]) -> dict[int, Count]:
    """What the cases of some people add at present, by case."""
    query = select(CaseCount).where(CaseCount.debtor_id.in_(debtor_ids))
    return {
        row.case_id: Count(row.case_id, row.debtor_id, row.area, row.state, [tuple(one) for one in row.counted])
        for row in tx.execute(query)
    }


def put(tx: Connection, gone: Sequence[int], changed: Iterable[Count]) -> None:
    """Keep what cases add from now on; `gone` are cases that are no more."""
    if gone:
        tx.execute(delete(CaseCount).where(CaseCount.case_id.in_(gone)))
    rows = [
        {
            "case_id": one.case_id,
            "debtor_id": one.debtor_id,
            "area": one.area,
            "state": one.state,
            "counted": one.counted,
        }
        for one in changed
    ]
    if rows:
        statement = _insert(tx, CaseCount)
        values = {name: statement.excluded[name] for name in ("state", "counted")}
        tx.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=values), rows)


def apply(tx: Connection, change: Change, today: date) -> bool:
    """Write what changed; today's row of every state follows. Returns whether anything did."""
    tallies = [
        {"area": area, "dimension": dimension, "key": key, "state": state, "people": people, "yen": yen}
        for (area, dimension, key, state), (people, yen) in change.tallies.items()
        if people or yen
    ]
    days = [
        {"day": day, "area": area, "state": state, "people": people, "yen": yen}
        for (day, area, state), (people, yen) in change.days.items()
    ]
    _add(tx, StateTally, ["area", "dimension", "key", "state"], tallies)
    _add(tx, StateDay, ["day", "area", "state"], days)
    if tallies:
        close_day(tx, today)
    return bool(tallies)


def close_day(tx: Connection, day: date) -> None:
    """Write the tallies down as those of `day`."""
    columns = (StateTally.area, StateTally.state, StateTally.people, StateTally.yen)
    now = select(bindparam("day", day, type_=StateDay.day.type), *columns).where(StateTally.dimension == Dimension.ALL)
    statement = _insert(tx, StateDay).from_select(["day", "area", "state", "people", "yen"], now)
    values = {name: statement.excluded[name] for name in ("people", "yen")}
    tx.execute(statement.on_conflict_do_update(index_elements=["day", "area", "state"], set_=values))


def _add(tx: Connection, model: type[StateTally | StateDay], keys: list[str], rows: list[dict[str, Any]]) -> None:
    """Add to rows, which are made as they are needed."""
    if not rows:
        return
    statement = _insert(tx, model)
    sums = {"people": model.people + statement.excluded.people, "yen": model.yen + statement.excluded.yen}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=sums), rows)


def _insert(tx: Connection, model: type[StateTally | StateDay | CaseCount]) -> sqlite.Insert | postgresql.Insert:
    table: Table = model.__table__  # type: ignore[assignment]
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)
