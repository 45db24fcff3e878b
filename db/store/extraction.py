"""Finding cases by a tree of conditions (T8): the tree as a condition of SQLAlchemy Core on `CaseSummary`, never as text.

Every leaf is true or false of every row, never NULL, so that "none of" is the plain opposite. Columns that have an index
for paging are asked as `column + 0`: a pass over the table is quicker than half a million look-ups through an index, and
neither database can know beforehand which it will be.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, cast, false, func, not_, or_, select, true

from db.rules import bits
from db.rules import conditions as rules
from db.rules.conditions import Condition, Group, Joining, PromiseStanding
from db.rules.months import same_day_of_month
from db.rules.terms import Area, FlagKind, Right
from db.rules.viewer import Viewer
from db.schema.claims import Assessment, Installment
from db.schema.people import Flag
from db.schema.summaries import CaseSummary
from db.store import passes, summary_codes
from db.store.summary_parts import LOT_COLUMNS, YEAR_COLUMNS

Lot = tuple[Area, str, int]
"""An item of a fiscal year in an area."""

_LOTS: Final = LOT_COLUMNS * bits.LARGEST_SET
"""So many lots of an area have a bit."""

_FAR: Final = 10_000_000
"""A day number after all days."""

_DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Compiler:
    """Turns trees into conditions: `today` and the calendar's word on promises are handed in, numbers are read once.

    `last_due_over` is `db.rules.promises.last_due_over` of today; `day_began` the seconds (since 1970) at which today began.
    """

    tx: Connection
    today: date
    last_due_over: date
    day_began: int

    def condition(self, tree: Condition, of: Any = CaseSummary) -> ColumnElement[bool]:
        """The tree as a condition on the columns of `of`."""
        if not isinstance(tree, Group):
            return _LEAVES[type(tree)](self, tree, of)
        parts = [self.condition(part, of) for part in tree.parts]
        if tree.how is Joining.ALL:
            return and_(true(), *parts)
        any_of = or_(false(), *parts)
        return not_(any_of) if tree.how is Joining.NONE else any_of

    @cached_property
    def lots(self) -> Mapping[Lot, int]:
        """The numbers of items of a year."""
        return summary_codes.lots(self.tx)

    @cached_property
    def lots_beyond(self) -> bool:
        """Whether there are more items of a year than the sets hold."""
        return any(number >= _LOTS for number in self.lots.values())

    @cached_property
    def protected(self) -> Select[Any]:
        """Everybody under protection (支援措置), or soon to be."""
        not_over = or_(Flag.valid_to.is_(None), Flag.valid_to >= self.today)
        people = select(Flag.debtor_id).where(Flag.kind == FlagKind.PROTECTED, not_over)
        if self.tx.dialect.name != "sqlite":
            return people
        # SQLite would look for them again in every span of a pass
        known = json.dumps(list(self.tx.execute(people).scalars()))
        return select(func.json_each(known).table_valued("value").c.value)

    def debt_age(self, leaf: rules.DebtAge, column: Any) -> ColumnElement[bool]:
        """At least N months: due on or before the same day N months ago; at most N: not before that day."""
        newest = _FAR if leaf.low is None else same_day_of_month(self.today, -leaf.low).toordinal()
        oldest = 1 if leaf.high is None else same_day_of_month(self.today, -leaf.high).toordinal()
        between: ColumnElement[bool] = column.between(oldest, newest)
        return between

    def contacted(self, low: int | None, high: int | None, column: Any) -> ColumnElement[bool]:
        """`low` days ago or earlier, `high` days ago or later, by the office's calendar days; today is 0 days ago."""
        earliest = 1 if high is None else self.day_began - high * _DAY_SECONDS
        latest = true() if low is None else column < self.day_began + (1 - low) * _DAY_SECONDS
        return and_(column >= earliest, latest)

    def codes(self, family: str, wanted: Collection[str]) -> list[int]:
        """The numbers that stand for texts; one that no case ever had has none."""
        known = summary_codes.numbers(self.tx, family)
        return [known[one] for one in wanted if one in known]


def visible(viewer: Viewer, of: Any = CaseSummary) -> ColumnElement[bool]:
    """Cases whose money the viewer may see outside calls: any condition could otherwise be used to guess it."""
    areas = viewer.areas(Right.DEBTOR_VIEW) & viewer.areas(Right.ARREARS_VIEW)
    return has_any(of.area_bit, bits.mask(bits.AREAS, areas))


def totals(tx: Connection, viewer: Viewer, condition: ColumnElement[bool]) -> tuple[int, int]:
    """How many cases, and their principal in yen."""
    query = summed().where(condition, visible(viewer), passes.within(tx))
    parts = passes.each(tx, lambda own, span: own.execute(query, span).one())
    return sum(cases for cases, _ in parts), sum(principal for _, principal in parts)


def summed() -> Select[int, int]:
    """How many summaries there are, and their principal in yen."""
    return select(func.count(), cast(func.coalesce(func.sum(CaseSummary.principal), 0), BigInteger))


def has_any(column: Any, mask: int) -> ColumnElement[bool]:
    """Whether a set has a member of `mask`."""
    return or_(false(), column.bitwise_and(mask) != 0) if mask else false()


# -- leaves


def _between(column: Any, low: int | None, high: int | None) -> ColumnElement[bool]:
    asked = []
    if low is not None:
        asked.append(column >= low)
    if high is not None:
        asked.append(column <= high)
    return and_(true(), *asked)


def _one_of(column: Any, numbers: Collection[int]) -> ColumnElement[bool]:
    return or_(false(), column.in_(numbers)) if numbers else false()


def _amount(_: Compiler, leaf: Any, of: Any) -> ColumnElement[bool]:
    return _between(of.principal + 0, leaf.low, leaf.high)


def _debt_age(compiler: Compiler, leaf: Any, of: Any) -> ColumnElement[bool]:
    return compiler.debt_age(leaf, of.oldest_due + 0)


def _levy(compiler: Compiler, leaf: rules.Levy, of: Any) -> ColumnElement[bool]:
    numbers = has_any(of.numbers, sum({1 << number for number in leaf.numbers})) if leaf.numbers else true()
    if not leaf.items and leaf.year_from is None and leaf.year_to is None:
        return numbers
    asked = [lot for lot in compiler.lots if _is_asked(leaf, lot)]
    lots = _has_any_lot(compiler, asked, of)
    if any(compiler.lots[lot] >= _LOTS for lot in asked):
        lots = or_(lots, _installment(compiler, leaf, of))
    if not leaf.numbers:
        return lots
    return and_(lots, numbers, _of_year(leaf, asked, of), *_same(compiler, leaf, asked, of))


def _is_asked(leaf: rules.Levy, lot: Lot) -> bool:
    _, item, year = lot
    after = leaf.year_from is None or year >= leaf.year_from
    before = leaf.year_to is None or year <= leaf.year_to
    return (not leaf.items or item in leaf.items) and after and before


def _of_year(leaf: rules.Levy, asked: Collection[Lot], of: Any) -> ColumnElement[bool]:
    """An installment of one of the numbers is open in one of the years, whatever its item."""
    sets = [0] * YEAR_COLUMNS
    for year in {year for _, _, year in asked}:
        for number in leaf.numbers:
            place, bit = bits.year_number(year, number)
            sets[place] |= bit
    return or_(false(), *(has_any(getattr(of, f"year_numbers_{n}"), mask) for n, mask in enumerate(sets) if mask))


def _same(compiler: Compiler, leaf: rules.Levy, asked: Collection[Lot], of: Any) -> Iterator[ColumnElement[bool]]:
    """It is one installment that is of the items and the years and the numbers. Only where something else is open that has
    its place beside what was asked must it be looked up."""
    years = {year % bits.YEARS for _, _, year in asked}
    beside = [lot for lot in compiler.lots if lot not in set(asked) and lot[2] % bits.YEARS in years]
    if compiler.lots_beyond or max(leaf.numbers) > bits.NUMBERS or min(leaf.numbers) < 1:
        yield _installment(compiler, leaf, of)
    elif beside:
        yield or_(not_(_has_any_lot(compiler, beside, of)), _installment(compiler, leaf, of))


def _has_any_lot(compiler: Compiler, lots: Iterable[Lot], of: Any) -> ColumnElement[bool]:
    """Whether one of some items of a year is open: sets, an area at a time because each numbers its own."""
    masks: dict[Area, list[int]] = {}
    for lot in lots:
        place, bit = divmod(compiler.lots[lot], bits.LARGEST_SET)
        if place < LOT_COLUMNS:
            masks.setdefault(lot[0], [0] * LOT_COLUMNS)[place] |= 1 << bit
    return or_(false(), *(
        and_(of.area_bit == bits.AREAS[area], or_(*(has_any(getattr(of, f"lots_{n}"), m) for n, m in enumerate(sets) if m)))
        for area, sets in masks.items()
    ))  # fmt: skip


def _installment(compiler: Compiler, leaf: rules.Levy, of: Any) -> ColumnElement[bool]:
    """One installment that is all that was asked.

    Looked up as a value, not by EXISTS: of that PostgreSQL makes a table of all installments there are.
    """
    asked = [
        Installment.debtor_id == of.debtor_id,
        Installment.area == of.area,
        Installment.outstanding > 0,
        Installment.due_on < compiler.today,
        Assessment.id == Installment.assessment_id,
    ]
    if leaf.items:
        asked.append(Assessment.item_code.in_(leaf.items))
    if leaf.year_from is not None:
        asked.append(Assessment.fiscal_year >= leaf.year_from)
    if leaf.year_to is not None:
        asked.append(Assessment.fiscal_year <= leaf.year_to)
    if leaf.numbers:
        asked.append(Installment.number.in_(leaf.numbers))
    return select(Installment.id).where(*asked).limit(1).scalar_subquery().is_not(None)


def _district(compiler: Compiler, leaf: rules.District, of: Any) -> ColumnElement[bool]:
    numbers = compiler.codes(summary_codes.DISTRICT, leaf.districts)
    return and_(_one_of(of.district, numbers), of.debtor_id.not_in(compiler.protected))


def _promise(compiler: Compiler, leaf: rules.PromiseIs, of: Any) -> ColumnElement[bool]:
    return or_(false(), *(_standing(state, compiler.last_due_over.toordinal(), of) for state in leaf.states))


def _standing(state: PromiseStanding, over: int, of: Any) -> ColumnElement[bool]:
    match state:
        case PromiseStanding.NONE:
            return or_(false(), of.promise_total == 0)
        case PromiseStanding.KEPT:
            return and_(of.promise_total > 0, of.promise_open_due == 0)
        case PromiseStanding.BROKEN:
            return and_(of.promise_open_due >= 1, of.promise_open_due <= over)
        case PromiseStanding.PARTLY:
            return and_(of.promise_open_due > over, of.promise_paid > 0)
        case PromiseStanding.PENDING:
            return and_(of.promise_open_due > over, of.promise_paid == 0)


def _last_contact(compiler: Compiler, leaf: rules.LastContact, of: Any) -> ColumnElement[bool]:
    asked = [compiler.contacted(leaf.low, leaf.high, of.last_at + 0)]
    if leaf.channels:
        asked.append(has_any(of.last_channel, bits.mask(bits.CHANNELS, leaf.channels)))
    if leaf.answered_by:
        asked.append(has_any(of.last_answered_by, bits.mask(bits.ANSWERED_BY, leaf.answered_by)))
    if leaf.dispositions:
        asked.append(_one_of(of.last_disposition, compiler.codes(summary_codes.DISPOSITION, leaf.dispositions)))
    return and_(*asked)


def _phone(_: Compiler, leaf: rules.Phone, of: Any) -> ColumnElement[bool]:
    return has_any(of.phones, bits.mask(bits.PHONE_KINDS, leaf.kinds or bits.PHONE_KINDS))


def _reachable(_: Compiler, leaf: rules.Reachable, of: Any) -> ColumnElement[bool]:
    first, last = leaf.low or 0, 24 if leaf.high is None else leaf.high
    hours = sum(1 << hour for hour in range(first, last))
    days = {None: hours | hours << 24, False: hours, True: hours << 24}
    return has_any(of.reached_hours, days[leaf.weekend])


def _age(compiler: Compiler, leaf: rules.Age, of: Any) -> ColumnElement[bool]:
    """Born on or before the day that many years ago, and after the day that one year more ago."""
    newest = _FAR if leaf.low is None else same_day_of_month(compiler.today, -12 * leaf.low).toordinal()
    oldest = 1 if leaf.high is None else same_day_of_month(compiler.today, -12 * (leaf.high + 1)).toordinal() + 1
    return and_(of.birth >= oldest, of.birth <= newest)


def _letter_kind(compiler: Compiler, leaf: rules.LetterKind, of: Any) -> ColumnElement[bool]:
    numbers = compiler.codes(summary_codes.LETTER, leaf.kinds)
    return has_any(of.letter_kinds, sum(1 << number for number in numbers if number < bits.LARGEST_SET))


def _last_letter(compiler: Compiler, leaf: rules.LastLetter, of: Any) -> ColumnElement[bool]:
    newest = _FAR if leaf.low is None else compiler.today.toordinal() - leaf.low
    oldest = 1 if leaf.high is None else compiler.today.toordinal() - leaf.high
    returned = true() if leaf.returned is None else of.last_returned == int(leaf.returned)
    return and_(of.last_letter.between(oldest, newest), returned)


def _language(compiler: Compiler, leaf: rules.Language, of: Any) -> ColumnElement[bool]:
    return _one_of(of.language, compiler.codes(summary_codes.LANGUAGE, leaf.languages))


def _assigned(_: Compiler, leaf: rules.Assigned, of: Any) -> ColumnElement[bool]:
    if not leaf.users and not leaf.groups:
        return or_(of.assigned_user > 0, of.assigned_group > 0)
    return or_(_one_of(of.assigned_user, leaf.users), _one_of(of.assigned_group, leaf.groups))


_Compile = Callable[[Compiler, Any, Any], ColumnElement[bool]]
_LEAVES: Final[Mapping[type[rules.Leaf], _Compile]] = {
    rules.Amount: _amount,
    rules.DebtAge: _debt_age,
    rules.OpenCount: lambda _, leaf, of: _between(of.open_count, leaf.low, leaf.high),
    rules.Levy: _levy,
    rules.District: _district,
    rules.HouseholdCases: lambda _, leaf, of: _between(of.household_cases, leaf.low, leaf.high),
    rules.HouseholdAmount: lambda _, leaf, of: _between(of.household_principal, leaf.low, leaf.high),
    rules.PromiseIs: _promise,
    rules.StateIs: lambda _, leaf, of: has_any(of.state, bits.mask(bits.CASE_STATES, leaf.states)),
    rules.LastContact: _last_contact,
    rules.Phone: _phone,
    rules.Reachable: _reachable,
    rules.Age: _age,
    rules.Language: _language,
    rules.PersonIs: lambda _, leaf, of: has_any(of.kind, bits.mask(bits.PERSON_KINDS, leaf.kinds)),
    rules.Letters: lambda _, leaf, of: _between(of.letters, leaf.low, leaf.high),
    rules.LetterKind: _letter_kind,
    rules.LastLetter: _last_letter,
    rules.Flagged: lambda _, leaf, of: has_any(of.flags, bits.mask(bits.FLAGS, leaf.kinds)),
    rules.InArea: lambda _, leaf, of: has_any(of.area_bit, bits.mask(bits.AREAS, leaf.areas)),
    rules.Assigned: _assigned,
}
