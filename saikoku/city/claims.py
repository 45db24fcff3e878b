"""What people of the city owe and what they paid: assessments, installments, payments and their allocation.

The register holds the installments that fell into arrears, not those paid on time: prior years as carried over, the
present year as far as it is due. For every installment, outstanding = principal - what payments brought of it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from db.rules.latecharge import late_charge
from saikoku.city import rates
from saikoku.city.days import ITEMS, YEARS, Due
from saikoku.city.draft import Draft
from saikoku.city.people import PRIVATE, PUBLIC, TAX, Person

_PLACES: Final = (
    "コンビニ", "コンビニ", "コンビニ", "コンビニ", "スマホ決済", "スマホ決済", "金融機関窓口", "金融機関窓口", "市役所窓口", "口座振替",
)  # fmt: skip
_NEWS_DAYS: Final = (2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 14)
"""Days from a payment to its report to the city: up to two weeks."""

_FIRST_YEAR_BACK: Final = (0,) * 44 + (1,) * 24 + (2,) * 14 + (3,) * 10 + (4,) * 5 + (5,) * 3
_LEVIES: Final = (1,) * 50 + (2,) * 27 + (3,) * 12 + (4,) * 6 + (5,) * 3 + (6,) * 2
_SPAN: Final = (1,) * 12 + (2,) * 20 + (3,) * 20 + (4,) * 28 + (6,) * 10 + (8,) * 10
_CHARGED_SHARE: Final = 0.10
_CHARGED_FROM: Final = 30_000

_INDEX: Final = {item.code: number for number, item in enumerate(ITEMS)}


def _lottery(**shares: int) -> tuple[int, ...]:
    return tuple(_INDEX[code] for code, share in shares.items() for _ in range(share))


_TAX_ITEMS: Final = _lottery(resident_ordinary=37, health_tax=29, property=15, light_vehicle=19)
_TAX_ITEMS_OLD: Final = _lottery(resident_ordinary=35, property=38, light_vehicle=27)
_COMPANY_ITEMS: Final = _lottery(corporate=30, property=40, resident_special=20, light_vehicle=10)
_PUBLIC_ITEMS: Final = _lottery(childcare=40, sewer=45, welfare_return=15)
_CARE_ITEMS: Final = _lottery(care=85, sewer=15)
_ELDERLY_ITEMS: Final = _lottery(elderly=60, care=35, sewer=5)
_PRIVATE_ITEMS: Final = _lottery(water=45, housing=20, school_lunch=27, loan=8)

_CARE_AGE: Final = 65
_ELDERLY_AGE: Final = 75


@dataclass(slots=True)
class Ledger:
    """The installments of a person in one area that still have something open, oldest first; rows as in the register."""

    area: str
    open: list[list[Any]]

    @property
    def outstanding(self) -> int:
        """Yen of principal still open."""
        return sum(row[7] for row in self.open)


def items_for(person: Person, area: str) -> tuple[int, ...]:
    """The items that such a person can owe in an area, as often as they are levied (indices of ITEMS)."""
    if area == TAX:
        if person.company:
            return _COMPANY_ITEMS
        return _TAX_ITEMS_OLD if person.age >= _ELDERLY_AGE else _TAX_ITEMS
    if area == PUBLIC:
        if person.age >= _ELDERLY_AGE:
            return _ELDERLY_ITEMS
        return _CARE_ITEMS if person.age >= _CARE_AGE else _PUBLIC_ITEMS
    return _PRIVATE_ITEMS


def add_claims(draft: Draft, person: Person) -> dict[str, Ledger]:
    """Write what a person owes and owed, and what was paid; returns what is open, by area."""
    all_paid = draft.random() < rates.ALL_PAID
    ledgers = {}
    for area in person.areas:
        if area in (TAX, PUBLIC, PRIVATE):
            rows = []
            for item, back in _levies(draft, items_for(person, area), tax=area == TAX):
                rows += add_assessment(draft, person.id, item, back, _due_part(draft, item, back))
            rows.sort(key=_due_day)
            _pay_history(draft, rows, all_paid=all_paid)
            ledgers[area] = Ledger(area, [row for row in rows if row[7]])
    return ledgers


def _due_day(row: list[Any]) -> str:
    due: str = row[5]
    return due


def _levies(draft: Draft, items: tuple[int, ...], *, tax: bool) -> list[tuple[int, int]]:
    """Which items of which years (how many back): the same item year after year, or another one."""
    count: int = draft.pick(_LEVIES) if tax else 1
    item, back = draft.pick(items), draft.pick(_FIRST_YEAR_BACK)
    chosen = {(item, back): None}
    while len(chosen) < count:
        if back > 0 and draft.random() < 0.65:
            back -= 1
        else:
            item, back = draft.pick(items), draft.pick(_FIRST_YEAR_BACK)
        chosen[item, back] = None
    return list(chosen)


def _due_part(draft: Draft, item: int, back: int) -> tuple[Due, ...]:
    """Some installments in a row, all due by now; at times the next one too. Nothing if none is due yet."""
    schedule = draft.days.schedules[item][back]
    until = draft.days.today + (31 if draft.random() < 0.1 else 0)
    due = len(schedule)
    while due and schedule[due - 1].day >= until:
        due -= 1
    span = min(draft.pick(_SPAN), due)
    start = draft.below(due - span + 1)
    return schedule[start : start + span]


def add_assessment(
    draft: Draft, debtor_id: int, item: int, back: int, dues: tuple[Due, ...], amount: int = 0
) -> list[list[Any]]:
    """Write an assessment of `back` years ago with these installments (of `amount` yen, or as they come)."""
    if not dues and back + 1 < YEARS:  # nothing is due in April and May
        return add_assessment(draft, debtor_id, item, back + 1, draft.days.schedules[item][back + 1][-1:], amount)
    days, year = draft.days, draft.days.fiscal_year - back
    levied = ITEMS[item]
    key = draft.id_for("assessment")
    notice = f"{year % 100:02d}{item + 1:02d}{key:010d}"
    draft.tables["assessment"].append((key, debtor_id, levied.area.value, levied.code, year, notice))
    each = amount or draft.pick(draft.world.amounts[item])
    rounded = each - each % 1_000 if len(dues) > 1 else each
    rows: list[list[Any]] = []
    for due in dues:
        # 地方税法20条の4の2: parts are cut to 1,000 yen and the rest is in the first.
        principal = each if due.number == 1 or not rounded else rounded
        reminder = days.iso(due.reminder) if due.reminder <= days.today else None
        rows.append(
            [
                draft.id_for("installment"), key, debtor_id, levied.area.value, due.number, days.iso(due.day),
                principal, principal, reminder,
            ]
        )  # fmt: skip
    draft.tables["installment"] += rows
    return rows


def _pay_history(draft: Draft, rows: list[list[Any]], *, all_paid: bool) -> None:
    """Pay some installments, late, at times several at once or one in part."""
    random, days = draft.random, draft.days
    year_start = days.iso(days.year_start)
    today = days.iso(days.today)
    together: list[list[Any]] = []
    for row in rows:
        due = row[5]
        share = rates.CURRENT_PAID if due >= year_start else rates.CARRIED_OVER_PAID
        if due < today and (all_paid or random() < share):
            together.append(row)
            if random() > 0.2:
                _pay_late(draft, together)
                together = []
        elif due < today and random() < rates.PART_PAID:
            part = row[6] // 2 - row[6] // 2 % 1_000
            if part:
                _pay_late(draft, [row], part)
    if together:
        _pay_late(draft, together)


def _pay_late(draft: Draft, rows: list[list[Any]], part: int = 0) -> None:
    """One payment some time after the due date of the last row, as far as its news has come."""
    days = draft.days
    due = date.fromisoformat(rows[-1][5]).toordinal()
    late = 12 + int(draft.random() ** 2 * 300)
    paid = min(due + late, days.today - 3 - draft.below(40))
    if due < days.year_start and draft.random() < rates.PAID_THIS_YEAR:
        paid = days.year_start + draft.below(max(days.today - 2 - days.year_start, 1))
    parts = [(row, part or row[7]) for row in rows]
    pay(draft, parts, max(paid, due + 1), charged=draft.random() < _CHARGED_SHARE)


def pay(draft: Draft, parts: list[tuple[list[Any], int]], paid: int, *, charged: bool = False) -> int:
    """Write a payment of these parts (yen of principal) on a day; returns its yen, 0 if its news has not come yet."""
    days = draft.days
    reported = paid + draft.pick(_NEWS_DAYS)
    if reported > days.today:
        return 0
    key = draft.id_for("payment")
    total = 0
    for row, principal in parts:
        row[7] -= principal
        if row[8] and not row[7] and days.iso(paid) < row[8]:
            row[8] = None  # paid before the 督促状 would have gone out
        charge = 0
        if charged and row[3] != PRIVATE and principal >= _CHARGED_FROM and not row[7]:
            charge = _charge(row[6], row[5], paid)
        draft.tables["allocation"].append((key, row[0], principal, charge))
        total += principal + charge
    first = parts[0][0]
    draft.tables["payment"].append(
        (key, first[2], first[3], f"S{key:010d}", days.iso(paid), days.iso(reported), total, draft.pick(_PLACES))
    )
    return total


def _charge(principal: int, due: str, paid: int) -> int:
    return late_charge(principal, date.fromisoformat(due), date.fromordinal(paid)).yen


def pay_down(draft: Draft, ledger: Ledger, amount: int, paid: int) -> int:
    """Pay up to `amount` yen on a day, oldest installments first; returns the yen paid."""
    parts = []
    left = amount
    for row in ledger.open:
        if left <= 0:
            break
        part = min(row[7], left)
        if part:
            parts.append((row, part))
            left -= part
    return pay(draft, parts, paid) if parts else 0
