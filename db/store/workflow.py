"""How many stand in each state, and who they are: what the workflow screen shows.

Everything here is about money, so it counts only areas in which the viewer may look at the workflow and see arrears.
Sums are read from the tallies (`db.usecases.case_states` keeps them), lists from the summaries of cases.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    cast,
    false,
    func,
    or_,
    select,
    true,
)

from db.rules.bands import AgeBand, AmountBand, age_range, amount_range
from db.rules.bits import AREAS, CASE_STATES, FLAGS, mask
from db.rules.eligibility import DEBT_AREAS
from db.rules.terms import Area, CaseState, FlagKind, Right
from db.rules.viewer import Viewer
from db.schema.claims import TaxItem
from db.schema.people import Debtor
from db.schema.staff import Membership, Staff, StaffGroup
from db.schema.states import StateDay, StateTally
from db.schema.summaries import CaseSummary, SummaryCode, SummaryLot
from db.store import passes
from db.store.state_counts import Dimension

LOT_BITS: Final = 62
"""Bits of one `lots_` column."""

FEW: Final = 20_000
"""Up to so many a list may be looked for in a pass over all cases."""
WALKED: Final = 5_000
"""So many cases along an order are looked at before a pass: a tenth of its price, since what is looked for may lie unevenly."""

UNASSIGNED: Final = "0"
_STATES: Final[Mapping[int, CaseState]] = {bit: state for state, bit in CASE_STATES.items()}


@dataclass(frozen=True, slots=True)
class Sum:
    """People and the principal they owe, in yen. A person in two business areas counts in each."""

    people: int = 0
    yen: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.people + other.people, self.yen + other.yen)


Sums = Mapping[CaseState, Sum]


class Order(Enum):
    """How a list is sorted; the first is the usual one."""

    AMOUNT = "amount"
    OLDEST = "oldest"
    CONTACT = "contact"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a list is about: a state (None: all who owe), and one key of a dimension. `areas` are those asked for."""

    state: CaseState | None
    areas: frozenset[Area]
    dimension: Dimension = Dimension.ALL
    key: str = ""

    @property
    def states(self) -> Collection[CaseState]:
        """The states it means."""
        return [self.state] if self.state else [state for state in CaseState if state is not CaseState.PAID]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of a list. Yen of principal; `district` is None for people whose address must not show."""

    case_id: int
    debtor_id: int
    number: str
    name: str
    area: Area
    state: CaseState
    since: date | None
    principal: int
    oldest_due: date | None
    last_contact: datetime | None
    officer: str | None
    district: str | None
    protected: bool


def areas(viewer: Viewer) -> frozenset[Area]:
    """The areas whose states the viewer may see."""
    return viewer.areas(Right.WORKFLOW_VIEW) & viewer.areas(Right.ARREARS_VIEW) & DEBT_AREAS


def along(tx: Connection, viewer: Viewer, wanted: Collection[Area], dimension: Dimension) -> Mapping[str, Sums]:
    """The sums by key of a dimension and by state, as they stand now."""
    query = (
        select(StateTally.key, StateTally.state, *_sums(StateTally))
        .where(StateTally.dimension == dimension, StateTally.area.in_(areas(viewer) & frozenset(wanted)))
        .group_by(StateTally.key, StateTally.state)
    )
    found: defaultdict[str, dict[CaseState, Sum]] = defaultdict(dict)
    for row in tx.execute(query):
        if row.people:
            found[row.key][row.state] = Sum(row.people, row.yen)
    return _with_members(tx, viewer, wanted, found) if dimension is Dimension.GROUP else found


def overall(tx: Connection, viewer: Viewer, wanted: Collection[Area]) -> Sums:
    """The sums by state as they stand now."""
    return along(tx, viewer, wanted, Dimension.ALL).get("", {})


def days(tx: Connection, viewer: Viewer, wanted: Collection[Area], first: date) -> dict[date, Sums]:
    """The sums by state at the end of every day that is kept, from `first` on, in the order of the days."""
    query = (
        select(StateDay.day, StateDay.state, *_sums(StateDay))
        .where(StateDay.day >= first, StateDay.area.in_(areas(viewer) & frozenset(wanted)))
        .group_by(StateDay.day, StateDay.state)
        .order_by(StateDay.day)
    )
    found: defaultdict[date, dict[CaseState, Sum]] = defaultdict(dict)
    for row in tx.execute(query):
        found[row.day][row.state] = Sum(row.people, row.yen)
    return dict(found)


def total(tx: Connection, viewer: Viewer, choice: Choice) -> Sum:
    """How many a list holds and how much they owe."""
    sums = along(tx, viewer, choice.areas, choice.dimension).get(choice.key, {})
    found = Sum()
    for state in choice.states:
        found += sums.get(state, Sum())
    return found


def people(
    tx: Connection, viewer: Viewer, choice: Choice, today: date, order: Order, *,
    first: int = 0, limit: int = 50, total: int | None = None,
) -> list[CaseRow]:  # fmt: skip
    """A page of a list. `total`: how many it holds, if that is known; a pass over all may then be shorter than to walk along
    the order from one of few to the next."""
    if total and total <= FEW and _to_walk(tx, viewer, choice, total, first + limit) > WALKED:
        return _of_few(tx, viewer, choice, today, order, first, limit)
    query = _listed(tx, viewer, choice, today)
    return _rows(tx, query.order_by(*_ORDERS[order]).offset(first).limit(limit))


def _to_walk(tx: Connection, viewer: Viewer, choice: Choice, total: int, rows: int) -> int:
    """How many of those in the states of a list are looked at until so many rows of it are found, if they lie evenly."""
    sums = overall(tx, viewer, choice.areas)
    return sum(sums.get(state, Sum()).people for state in choice.states) * rows // total


def _of_few(
    tx: Connection, viewer: Viewer, choice: Choice, today: date, order: Order, first: int, limit: int
) -> list[CaseRow]:
    column = _COLUMNS[order]
    # as an expression: in a pass no index is to be followed
    states = CaseSummary.state.bitwise_and(mask(CASE_STATES, choice.states)) != 0
    meant = (states, *_of_choice(tx, viewer, choice, today), passes.within(tx))
    query = select(column + 0, CaseSummary.case_id).where(*meant)
    parts = passes.each(tx, lambda own, span: [(row[0], row[1]) for row in own.execute(query, span)])
    found = sorted((key for part in parts for key in part), reverse=order is Order.AMOUNT)
    ids = [case_id for _, case_id in found[first : first + limit]]
    rows = {row.case_id: row for row in _rows(tx, _joined().where(CaseSummary.case_id.in_(ids)))}
    return [rows[case_id] for case_id in ids]


def people_after(tx: Connection, viewer: Viewer, choice: Choice, today: date, after: int, limit: int) -> list[CaseRow]:
    """The next people of a list by case, for an export that reads it bit by bit."""
    query = _listed(tx, viewer, choice, today).where(CaseSummary.case_id > after)
    return _rows(tx, query.order_by(CaseSummary.case_id).limit(limit))


def names(tx: Connection, viewer: Viewer, wanted: Collection[Area], dimension: Dimension) -> dict[str, str]:
    """The words for the keys of a dimension, in the order in which they are shown."""
    if dimension is Dimension.ITEM:
        mine = areas(viewer) & frozenset(wanted)
        rows = tx.execute(select(TaxItem.code, TaxItem.name).where(TaxItem.area.in_(mine)).order_by(TaxItem.rank))
    elif dimension is Dimension.DISTRICT:
        codes = select(SummaryCode.number, SummaryCode.code).where(SummaryCode.family == "district")
        rows = tx.execute(codes.order_by(SummaryCode.code))
    elif dimension is Dimension.OFFICER:
        rows = tx.execute(select(Staff.id, Staff.name).order_by(Staff.id))
    elif dimension is Dimension.GROUP:
        rows = tx.execute(select(StaffGroup.id, StaffGroup.name).order_by(StaffGroup.id))
    else:
        return {band.value: band.label for band in (AmountBand if dimension is Dimension.AMOUNT else AgeBand)}
    none = {Dimension.DISTRICT: "地区不明・非表示"}.get(dimension, "担当なし")
    found = {str(key): name for key, name in rows}
    return found if dimension is Dimension.ITEM else {**found, UNASSIGNED: none}


def _sums(table: type[StateTally | StateDay]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    # PostgreSQL sums whole numbers to decimals
    return cast(func.sum(table.people), Integer).label("people"), cast(func.sum(table.yen), BigInteger).label("yen")


def _with_members(
    tx: Connection, viewer: Viewer, wanted: Collection[Area], groups: Mapping[str, Sums]
) -> Mapping[str, Sums]:
    """To a group belong its own cases and those of its members; who is in two groups counts in both."""
    officers = along(tx, viewer, wanted, Dimension.OFFICER)
    found = {key: dict(sums) for key, sums in groups.items()}
    for member in tx.execute(select(Membership.group_id, Membership.user_id)):
        for state, added in officers.get(str(member.user_id), {}).items():
            sums = found.setdefault(str(member.group_id), {})
            sums[state] = sums.get(state, Sum()) + added
    return found


_COLUMNS: Final[Mapping[Order, Any]] = {
    Order.AMOUNT: CaseSummary.principal,
    Order.OLDEST: CaseSummary.oldest_due,
    Order.CONTACT: CaseSummary.last_at,
    Order.SINCE: CaseSummary.state_since,
}
_ORDERS: Final[Mapping[Order, Sequence[Any]]] = {
    order: (column.desc(), CaseSummary.case_id.desc()) if order is Order.AMOUNT else (column, CaseSummary.case_id)
    for order, column in _COLUMNS.items()
}


def _listed(tx: Connection, viewer: Viewer, choice: Choice, today: date) -> Select[*tuple[Any, ...]]:
    bits = mask(CASE_STATES, choice.states)
    # of several states no index keeps the order: hidden in an expression, `state` leaves the choice to the order's own
    states = CaseSummary.state == bits if choice.state else CaseSummary.state.bitwise_and(bits) != 0
    return _joined().where(states, *_of_choice(tx, viewer, choice, today))


def _joined() -> Select[*tuple[Any, ...]]:
    return (
        select(CaseSummary, Debtor.number, Debtor.name, Staff.name.label("officer"), SummaryCode.code.label("place"))
        .join(Debtor, Debtor.id == CaseSummary.debtor_id)
        .outerjoin(Staff, Staff.id == CaseSummary.assigned_user)
        .outerjoin(SummaryCode, and_(SummaryCode.family == "district", SummaryCode.number == CaseSummary.district))
    )


def _of_choice(tx: Connection, viewer: Viewer, choice: Choice, today: date) -> Iterator[ColumnElement[bool]]:
    mine = areas(viewer) & choice.areas
    yield CaseSummary.area_bit.in_([AREAS[area] for area in mine])
    yield _where(tx, choice, today)


def _where(tx: Connection, choice: Choice, today: date) -> ColumnElement[bool]:
    c, key = CaseSummary, choice.key
    match choice.dimension:
        case Dimension.ITEM:
            return _of_item(tx, choice)
        case Dimension.DISTRICT:
            return c.district == _number(key)
        case Dimension.AMOUNT:
            least, most = amount_range(AmountBand(key))
            return c.principal >= least if most is None else c.principal.between(least, most)
        case Dimension.AGE:
            first, last = age_range(AgeBand(key), today)
            return and_(c.oldest_due > 0, c.oldest_due.between(first.toordinal(), last.toordinal()))
        case Dimension.OFFICER | Dimension.GROUP if key == UNASSIGNED:
            return and_(c.assigned_user == 0, c.assigned_group == 0)
        case Dimension.OFFICER:
            return c.assigned_user == _number(key)
        case Dimension.GROUP:
            members = select(Membership.user_id).where(Membership.group_id == _number(key))
            return or_(c.assigned_group == _number(key), c.assigned_user.in_(members))
    return true()


def _of_item(tx: Connection, choice: Choice) -> ColumnElement[bool]:
    """That something of the item is open, of whichever year. Lots have the same number in different areas."""
    query = select(SummaryLot.area, SummaryLot.number).where(SummaryLot.item_code == choice.key)
    parts = []
    for area, number in tx.execute(query):
        column = (CaseSummary.lots_0, CaseSummary.lots_1, CaseSummary.lots_2)[number // LOT_BITS]
        parts.append(and_(CaseSummary.area_bit == AREAS[area], column.bitwise_and(1 << number % LOT_BITS) != 0))
    return or_(false(), *parts)


def _rows(tx: Connection, query: Select[*tuple[Any, ...]]) -> list[CaseRow]:
    hidden = mask(FLAGS, [FlagKind.PROTECTED])
    return [_case(row, protected=bool(row.flags & hidden)) for row in tx.execute(query)]


def _case(row: Row[*tuple[Any, ...]], *, protected: bool) -> CaseRow:
    return CaseRow(
        case_id=row.case_id,
        debtor_id=row.debtor_id,
        number=row.number,
        name=row.name,
        area=row.area,
        state=_STATES[row.state],
        since=_day(row.state_since),
        principal=row.principal,
        oldest_due=_day(row.oldest_due),
        last_contact=datetime.fromtimestamp(row.last_at, UTC) if row.last_at else None,
        officer=row.officer,
        district=None if protected else row.place,
        protected=protected,
    )


def _day(number: int) -> date | None:
    return date.fromordinal(number) if number else None


def _number(key: str) -> int:
    return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else -1
