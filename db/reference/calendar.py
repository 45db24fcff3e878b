"""Business days and era dates of a Japanese office.

`Calendar` knows national holidays (through `jpholiday`), weekends, 年末年始 and the office's own closed days. The
functions below it write and read 和暦, for papers, screens and imports; data itself keeps ISO dates.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

import jpholiday

from db.rules.duedates import open_day_from

_SATURDAY = 5
# 地方公共団体の休日 (地方自治法4条の2第2項): the days from 29 December to 3 January.
_YEAR_END = frozenset({(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)})


@dataclass(frozen=True, slots=True)
class Calendar:
    """The office's calendar; `extra_closed` are days closed by the office itself, such as a founding day."""

    extra_closed: frozenset[date] = frozenset()

    def is_business_day(self, day: date) -> bool:
        """Tell whether the office is open on `day`."""
        return not self.is_closed(day)

    def is_closed(self, day: date) -> bool:
        """Tell whether `day` is a weekend, a holiday, 12/29–1/3 or one of the office's own closed days."""
        return (
            day.weekday() >= _SATURDAY
            or (day.month, day.day) in _YEAR_END
            or day in self.extra_closed
            or jpholiday.is_holiday(day)
        )

    def next_business_day(self, day: date) -> date:
        """Return `day` itself if the office is open, otherwise the first open day after it (民法142条)."""
        return open_day_from(day, self.is_closed)


@dataclass(frozen=True, slots=True)
class Era:
    """An era: its kanji name, its letter, the days it began and ended (both inside it)."""

    name: str
    letter: str
    begins: date
    ends: date


# 改元の政令・詔書. 30 July 1912 and 25 December 1926 belong to both eras; dates are written in the newer one.
# Meiji dates are read as Gregorian from 1873 on (太政官布告337号); older ones are only approximate.
ERAS = (
    Era("令和", "R", date(2019, 5, 1), date.max),
    Era("平成", "H", date(1989, 1, 8), date(2019, 4, 30)),
    Era("昭和", "S", date(1926, 12, 25), date(1989, 1, 7)),
    Era("大正", "T", date(1912, 7, 30), date(1926, 12, 25)),
    Era("明治", "M", date(1868, 1, 25), date(1912, 7, 30)),
)
_BY_WORD = (
    {era.name: era for era in ERAS}
    | {era.name[0]: era for era in ERAS}
    | {era.letter: era for era in ERAS}
    # Core systems write the era as a digit in front: 1 明治 … 5 令和.
    | {str(number): era for number, era in enumerate(reversed(ERAS), 1)}
)
_ERA_TEXT = re.compile(
    r"(明治|大正|昭和|平成|令和|[MTSHR明大昭平令])(元|[0-9]{1,2})[年./-]([0-9]{1,2})[月./-]([0-9]{1,2})日?"
)
_ERA_PACKED = re.compile(r"([MTSHR1-5])([0-9]{2})([0-9]{2})([0-9]{2})")
_WESTERN = re.compile(r"([0-9]{4})[年./-]([0-9]{1,2})[月./-]([0-9]{1,2})日?")
_WESTERN_PACKED = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_LONGEST_TEXT = 40


class DateTextError(ValueError):
    """Text that is not a date. `code` is empty, unreadable, no_such_day or outside_era; the message is Japanese."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the stable `code` beside the sentence."""
        super().__init__(message)
        self.code = code
        self.message = message


def era_date(day: date) -> str:
    """Write `day` as on papers: 令和8年11月23日, the first year as 元年."""
    era = _era_of(day)
    return f"{era.name}{_year_word(day.year - era.begins.year + 1)}年{day.month}月{day.day}日"


def era_date_short(day: date) -> str:
    """Write `day` as in table columns: R8.11.23."""
    era = _era_of(day)
    return f"{era.letter}{day.year - era.begins.year + 1}.{day.month}.{day.day}"


def fiscal_year_label(fiscal_year: int) -> str:
    """Write the fiscal year that starts on 1 April of `fiscal_year`: 令和8年度.

    The era is the one of 1 May, which gives the official 令和元年度 for 2019 and the usual name for every other year.
    """
    era = _era_of(date(fiscal_year, 5, 1))
    return f"{era.name}{_year_word(fiscal_year - era.begins.year + 1)}年度"


def parse_date(text: str) -> date:
    """Read a date in any of the spellings of office data; raise `DateTextError` otherwise.

    令和8年11月23日, 令和元年5月1日, R08.11.23, S60/1/2, R081123, 5081123 (era digit), 2026-11-23, 2026/11/23,
    2026年11月23日 and 20261123, with full-width digits and spaces. A date outside its era is an error, not a guess.
    """
    compact = "".join(unicodedata.normalize("NFKC", text[: _LONGEST_TEXT + 1]).split()).upper()
    if not compact:
        raise DateTextError("empty", "日付を入力してください。")
    if len(text) <= _LONGEST_TEXT:
        if western := _WESTERN.fullmatch(compact) or _WESTERN_PACKED.fullmatch(compact):
            return _day(int(western[1]), int(western[2]), int(western[3]))
        if japanese := _ERA_TEXT.fullmatch(compact) or _ERA_PACKED.fullmatch(compact):
            year = 1 if japanese[2] == "元" else int(japanese[2])
            return _era_day(_BY_WORD[japanese[1]], year, int(japanese[3]), int(japanese[4]))
    raise DateTextError("unreadable", "日付として読み取れません。例: 令和8年11月23日、R8.11.23、2026-11-23")


def _era_day(era: Era, year: int, month: int, day: int) -> date:
    found = _day(era.begins.year + year - 1, month, day)
    if year < 1 or not era.begins <= found <= era.ends:
        raise DateTextError("outside_era", f"{era.name}{year}年{month}月{day}日は{era.name}の期間にありません。")
    return found


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise DateTextError("no_such_day", f"{year}年{month}月{day}日は存在しない日付です。") from error


def _era_of(day: date) -> Era:
    for era in ERAS:
        if era.begins <= day:
            return era
    raise DateTextError("outside_era", f"{day.isoformat()}は明治より前のため和暦で表せません。")


def _year_word(year: int) -> str:
    return "元" if year == 1 else str(year)
