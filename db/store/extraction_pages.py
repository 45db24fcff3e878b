"""A page of an extraction's cases in an order, whatever the conditions leave.

Three ways to the same page, by what is known: a small result is *gathered* once and paged through as it stood; in a large
one the first of the order are *walked* along an index until enough are found; where that finds too few in
`STRIDES` rows, one pass over all finds the first of the order. So no order and no condition needs more than a pass.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import visitors

from db.rules import conditions as rules
from db.rules.conditions import Condition, Group, Joining
from db.rules.terms import Term
from db.rules.viewer import Viewer
from db.schema.summaries import CaseSummary
from db.store import passes
from db.store.extraction import Compiler, summed, visible

GATHERED: Final = 10_000
"""How many cases are gathered at most."""

STRIDES: Final = (500, 6_000, 20_000)
"""How many rows are walked in the order, at first and before all are looked at."""

_TABLE: Final[Table] = CaseSummary.__table__  # type: ignore[assignment]


class Order(Term):
    """In what order cases are listed; equal ones by their ids, which rise with the 宛名番号 of a first import."""

    PRINCIPAL = "principal", "滞納額の多い順"
    PRINCIPAL_UP = "principal_up", "滞納額の少ない順"
    OLDEST = "oldest", "滞納の古い順"
    OLDEST_DOWN = "oldest_down", "滞納の新しい順"
    LAST_CONTACT = "last_contact", "最終接触の古い順"
    LAST_CONTACT_DOWN = "last_contact_down", "最終接触の新しい順"
    NUMBER = "number", "登録順"


_COLUMNS: Final[Mapping[Order, tuple[InstrumentedAttribute[int], bool]]] = {
    Order.PRINCIPAL: (CaseSummary.principal, True),
    Order.PRINCIPAL_UP: (CaseSummary.principal, False),
    Order.OLDEST: (CaseSummary.oldest_due, False),
    Order.OLDEST_DOWN: (CaseSummary.oldest_due, True),
    Order.LAST_CONTACT: (CaseSummary.last_at, False),
    Order.LAST_CONTACT_DOWN: (CaseSummary.last_at, True),
    Order.NUMBER: (CaseSummary.case_id, False),
}
"""The column and whether it falls."""

Key = tuple[int, int]
"""Where a case stands in an order: the value of its column, and its id."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All cases of a small result as they stood, a column each: ten thousand rows would be as many objects to keep."""

    case_ids: Sequence[int] = ()
    principal: Sequence[int] = ()
    oldest_due: Sequence[int] = ()
    last_at: Sequence[int] = ()

    def keys(self, order: Order) -> list[Key]:
        """All of them, ascending."""
        column = _COLUMNS[order][0].key
        return sorted(zip(self.case_ids if column == "case_id" else getattr(self, column), self.case_ids, strict=True))

    def __add__(self, other: "Gathered") -> "Gathered":
        return Gathered(
            [*self.case_ids, *other.case_ids], [*self.principal, *other.principal],
            [*self.oldest_due, *other.oldest_due], [*self.last_at, *other.last_at],
        )  # fmt: skip


NOBODY: Final = Gathered()


@dataclass(frozen=True, slots=True)
class Found:
    """How many cases a condition finds and their principal (yen), and the cases themselves if they are few."""

    cases: int
    principal: int
    gathered: Gathered | None


def find(tx: Connection, viewer: Viewer, compiler: Compiler, tree: Condition) -> Found:
    """Count what is meant, and gather it while it is few, in one pass."""
    count = _Count(tx, viewer, compiler.condition(tree), few=_seems_few(tx, viewer, compiler, tree))
    passes.each(tx, count.span)
    return count.found()


def _seems_few(tx: Connection, viewer: Viewer, compiler: Compiler, tree: Condition) -> bool:
    """Whether gathering is worth a try. PostgreSQL passes over all at once, and would do so twice: a sample tells it before."""
    if tx.dialect.name == "sqlite":
        return True
    sample = _TABLE.tablesample(func.system(_SAMPLE), name="sample")
    meant = (
        select(func.count()).select_from(sample).where(compiler.condition(tree, sample.c), visible(viewer, sample.c))
    )
    return tx.execute(meant).scalar_one() * 100 <= GATHERED * _SAMPLE


_SAMPLE: Final = 1
"""Percent of the summaries that are looked at beforehand."""


class _Count:
    """A pass under way: its spans are gathered while all so far are few, and from then on only counted."""

    def __init__(self, tx: Connection, viewer: Viewer, condition: ColumnElement[bool], *, few: bool) -> None:
        meant = (condition, visible(viewer), passes.within(tx))
        columns = (CaseSummary.case_id, CaseSummary.principal, CaseSummary.oldest_due, CaseSummary.last_at)
        self._gathering: Final = select(*columns).where(*meant).limit(GATHERED + 1)
        lists = (func.json_group_array(column) for column in self._gathering.subquery().c)
        self._in_one: Final = select(*lists)
        self._counting: Final = summed().where(*meant)
        self._parts: list[Gathered] = []
        self._cases = self._principal = 0
        self._few = few
        self._lock: Final = Lock()

    def span(self, tx: Connection, span: passes.Span) -> None:
        counted = None if self._few else self._count(tx, span)
        if counted is None or self._cases + counted[0] <= GATHERED:  # few, or fewer than the sample had it
            part = self._gather(tx, span)
            if len(part.case_ids) <= GATHERED:
                self._add(len(part.case_ids), sum(part.principal), part)
                return
        self._add(*(counted or self._count(tx, span)))

    def _count(self, tx: Connection, span: passes.Span) -> tuple[int, int]:
        return tx.execute(self._counting, span).one()

    def _gather(self, tx: Connection, span: passes.Span) -> Gathered:
        if tx.dialect.name != "sqlite":
            return Gathered(*zip(*tx.execute(self._gathering, span), strict=True))
        # a value a column: for every row by itself the threads of a pass would wait for the interpreter's lock
        return Gathered(*map(json.loads, tx.execute(self._in_one, span).one()))

    def _add(self, cases: int, principal: int, part: Gathered = NOBODY) -> None:
        with self._lock:
            self._cases += cases
            self._principal += principal
            self._parts.append(part)
            if self._cases > GATHERED:
                self._few, self._parts = False, []

    def found(self) -> Found:
        few = self._cases <= GATHERED
        return Found(self._cases, self._principal, sum(self._parts, NOBODY) if few else None)


def page_of_gathered(gathered: Gathered, order: Order, size: int, after: Key | None, *, back: bool) -> list[Key]:
    """`size` cases after `after` in the order (or, `back`, before it), and one more if there is one."""
    keys = gathered.keys(order)
    falls = _COLUMNS[order][1] is not back
    if falls:
        end = len(keys) if after is None else bisect_left(keys, after)
        found = keys[max(0, end - size - 1) : end][::-1]
    else:
        start = 0 if after is None else bisect_right(keys, after)
        found = keys[start : start + size + 1]
    return found


def page(
    tx: Connection, viewer: Viewer, compiler: Compiler, tree: Condition, order: Order, size: int, after: Key | None,
    *, back: bool,
) -> list[Key]:  # fmt: skip
    """The same page from the register."""
    column, falls = _COLUMNS[order]
    falls = falls is not back
    here = tuple_(column, CaseSummary.case_id)
    start = [here < after if falls else here > after] if after else []
    sorting = [one.desc() if falls else one.asc() for one in (column, CaseSummary.case_id)]
    needed = _columns_in(compiler.condition(tree), visible(viewer)) | {column.key, "case_id"}
    ordered = select(*(_TABLE.c[name] for name in sorted(needed))).order_by(*sorting)
    for stride in STRIDES:
        part = ordered.where(*start, *_bounds(compiler, tree, column)).limit(stride).subquery().c
        # a leaf may name a column that it then does not ask: those stand for themselves and are never rendered
        of = SimpleNamespace(**{one.name: part.get(one.name, one) for one in _TABLE.c})
        keys = (part[column.key], part.case_id)
        first = (
            select(*keys)
            .where(compiler.condition(tree, of), visible(viewer, of))
            .order_by(*(key.desc() if falls else key.asc() for key in keys))
            .limit(size + 1)
        )
        found = [(row[0], row[1]) for row in tx.execute(first)]
        if len(found) > size:
            return found
    beyond = [_beyond(column, falls, after)] if after else []
    value = (column + 0).label("value")
    all_of_them = (
        select(value, CaseSummary.case_id)
        .where(compiler.condition(tree), *beyond, visible(viewer), passes.within(tx))
        .order_by(*((one.desc() if falls else one.asc()) for one in (value, CaseSummary.case_id + 0)))
        .limit(size + 1)
    )
    firsts = passes.each(tx, lambda own, span: [(row[0], row[1]) for row in own.execute(all_of_them, span)])
    return sorted((key for some in firsts for key in some), reverse=falls)[: size + 1]


def _columns_in(*conditions: ColumnElement[bool]) -> set[str]:
    """The summary's columns that conditions ask: SQLite computes whatever else a subquery selects for every row."""
    return {
        one.name
        for condition in conditions
        for one in visitors.iterate(condition)
        if isinstance(one, Column) and one.table is _TABLE
    }


def _beyond(column: Any, falls: bool, after: Key) -> ColumnElement[bool]:
    """After a place in the order, so written that no index serves: this is for a pass over all."""
    (value, case_id), mine = after, CaseSummary.case_id + 0
    further = column + 0 < value if falls else column + 0 > value
    return or_(further, and_(column + 0 == value, mine < case_id if falls else mine > case_id))


def _bounds(compiler: Compiler, tree: Condition, column: InstrumentedAttribute[int]) -> list[ColumnElement[bool]]:
    """What the tree demands of the order's own column, so that the walk begins where something can be found."""
    parts = tree.parts if isinstance(tree, Group) and tree.how is Joining.ALL else (tree,)
    found: list[ColumnElement[bool]] = []
    for part in parts:
        match part, column.key:
            case rules.Amount(low, high), "principal":
                found += [column >= low] if low is not None else []
                found += [column <= high] if high is not None else []
            case rules.DebtAge(), "oldest_due":
                found.append(compiler.debt_age(part, column))
            case rules.LastContact(low, high), "last_at":
                found.append(compiler.contacted(low, high, column))
            case ((rules.Amount() | rules.OpenCount() | rules.Levy()), "oldest_due") if _owes(part):
                found.append(column >= 1)
    return found


def _owes(part: rules.Amount | rules.OpenCount | rules.Levy) -> bool:
    """Whether a condition is true only where something is owed, and so a due date is open."""
    return isinstance(part, rules.Levy) or bool(part.low)
