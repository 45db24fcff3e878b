"""Days of the city as ordinals with their text, and the due dates of every item, computed once and looked up after.

Due dates follow 地方税法 and the usual ordinances: 市県民税 the ends of June, August, October and January, 固定資産税 April,
July, December (25th) and February, 軽自動車税 May, 国保税 and premiums July to February, each moved to the next open day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from db.reference.calendar import Calendar
from db.rules.duedates import fiscal_year, fiscal_year_start
from db.rules.terms import Area

WEEKDAY, SATURDAY, SUNDAY = range(3)
YEARS: Final = 6
"""Fiscal years in the register: the present one and five before."""

_PAST: Final = 366 * 7
_FUTURE: Final = 366 * 2
_APRIL: Final = 4
_REMINDER: Final = 14  # moved over the year's end still within the 20 days of the law


@dataclass(frozen=True, slots=True)
class Item:
    """How an item is levied: months of its due dates, their day (0 for the last), and its amounts (yen, lognormal)."""

    code: str
    area: Area
    months: tuple[int, ...]
    median: int
    sigma: float
    day: int = 0


_ALL_YEAR: Final = (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)
_SUMMER_ON: Final = (7, 8, 9, 10, 11, 12, 1, 2)
_EVERY_OTHER: Final = (4, 6, 8, 10, 12, 2)

ITEMS: Final = (
    Item("resident_ordinary", Area.TAX, (6, 8, 10, 1), 15_400, 0.85),
    Item("health_tax", Area.TAX, _SUMMER_ON, 9_900, 0.80),
    Item("property", Area.TAX, (4, 7, 12, 2), 16_900, 0.95),
    Item("light_vehicle", Area.TAX, (5,), 8_000, 0.35),
    Item("resident_special", Area.TAX, (7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5), 38_400, 0.90, day=10),
    Item("corporate", Area.TAX, (5, 11), 48_000, 0.80),
    Item("care", Area.PUBLIC, _SUMMER_ON, 7_200, 0.40),
    Item("elderly", Area.PUBLIC, _SUMMER_ON, 8_400, 0.60),
    Item("childcare", Area.PUBLIC, _ALL_YEAR, 19_000, 0.50),
    Item("sewer", Area.PUBLIC, _EVERY_OTHER, 4_900, 0.50),
    Item("welfare_return", Area.PUBLIC, _ALL_YEAR, 9_000, 0.60),
    Item("water", Area.PRIVATE, _EVERY_OTHER, 5_600, 0.50),
    Item("housing", Area.PRIVATE, _ALL_YEAR, 22_000, 0.40),
    Item("school_lunch", Area.PRIVATE, (5, 6, 7, 9, 10, 11, 12, 1, 2, 3), 4_800, 0.15),
    Item("loan", Area.PRIVATE, _ALL_YEAR, 10_000, 0.40),
)


@dataclass(frozen=True, slots=True)
class Due:
    """One due date: the number of the installment, its day and the day of its 督促状, as ordinals."""

    number: int
    day: int
    reminder: int


class Days:
    """The calendar around a reference day."""

    def __init__(self, today: date) -> None:
        """Look up seven years of holidays once."""
        self.today: Final = today.toordinal()
        self.fiscal_year: Final = fiscal_year(today)
        self.year_start: Final = fiscal_year_start(self.fiscal_year).toordinal()
        self._first: Final = self.today - _PAST
        every = [date.fromordinal(day) for day in range(self._first, self.today + _FUTURE)]
        self._text: Final = [day.isoformat() for day in every]
        calendar = Calendar()
        closed = [calendar.is_closed(day) for day in every]
        self._open: Final = self._next([not shut for shut in closed])
        kinds = [_kind(day, shut) for day, shut in zip(every, closed, strict=True)]
        self._of_kind: Final = [self._next([kind == wanted for kind in kinds]) for wanted in range(3)]
        month_ends = [(day + timedelta(days=1)).day == 1 for day in every]
        self._month_end: Final = self._next(month_ends)
        self.schedules: Final = [
            [self._schedule(item, self.fiscal_year - back) for back in range(YEARS)] for item in ITEMS
        ]

    def iso(self, day: int) -> str:
        """The ISO text of an ordinal."""
        return self._text[day - self._first]

    def of_kind(self, kind: int, day: int) -> int:
        """The first day from `day` on that is a weekday, a Saturday or a Sunday (holidays count as Sundays)."""
        return self._of_kind[kind][day - self._first]

    def open_day(self, day: int) -> int:
        """`day`, or the first open day after it."""
        return self._open[day - self._first]

    def month_end(self, day: int) -> int:
        """The last day of the month that `day` is in."""
        return self._month_end[day - self._first]

    def _next(self, wanted: Sequence[bool]) -> list[int]:
        """For every day the first wanted one from it on; past the last wanted one, that day itself."""
        found = [0] * len(wanted)
        following = self._first + len(wanted) - 1
        for index in range(len(wanted) - 1, -1, -1):
            if wanted[index]:
                following = self._first + index
            found[index] = following
        return found

    def _schedule(self, item: Item, year: int) -> tuple[Due, ...]:
        made = []
        for number, month in enumerate(item.months, start=1):
            # 特別徴収 runs into June of the next year; everything else ends with the fiscal year.
            wraps = month < _APRIL or (item.day and month < item.months[0])
            first = date(year + 1 if wraps else year, month, 1)
            last = self.month_end(first.toordinal())
            nominal = first.toordinal() + item.day - 1 if item.day else last
            if item.code == "property" and month == 12:  # 3期 is due before the year ends
                nominal = first.toordinal() + 24
            day = self.open_day(nominal)
            made.append(Due(number, day, self.open_day(day + _REMINDER)))
        return tuple(made)


def _kind(day: date, closed: bool) -> int:
    if day.weekday() == 5:
        return SATURDAY
    return SUNDAY if closed else WEEKDAY
