"""延滞金 of one instalment, exact to the yen: 地方税法 (税目ごとの延滞金の条, 附則3条の2, 20条の4の2) and other profiles.

Per instalment: nothing while the principal is under 2,000 yen; the base is cut to 1,000 yen; days count from the day
after the due date through the day asked for; the first month has a lower rate; every calendar day uses its own year's
rate; a year is always 365 days; the result is cut to 100 yen and is 0 below 1,000 yen. Fees and private claims have
rules of their own, so everything that differs is in a `RateProfile`. Money is integer yen and nothing is a float.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from db.rules.months import period_end
from db.rules.payments import Payment, paid_between

_DAY = timedelta(days=1)
_YEAR_DAYS = 365
_RATE_UNIT = 10_000  # rates are hundredths of a percent


class Rounding(StrEnum):
    """When fractions of a yen are dropped; cities differ."""

    ONCE = "once"
    PER_SEGMENT = "per_segment"


@dataclass(frozen=True, slots=True)
class YearRates:
    """Rates from 1 January of `first_year` through `last_year`, in hundredths of a percent a year (240 is 2.4 %)."""

    first_year: int
    last_year: int
    first_band: int
    second_band: int


@dataclass(frozen=True, slots=True)
class RateProfile:
    """How one kind of claim charges for lateness; units are yen.

    A base under `min_principal` is not charged, and is cut to `base_unit`. The sum is cut to `cut_unit` and dropped
    below `floor`. The first band lasts `first_band_months` (民法143条). `rates` are in order of years without gaps.
    """

    rates: tuple[YearRates, ...]
    min_principal: int = 2_000
    base_unit: int = 1_000
    cut_unit: int = 100
    floor: int = 1_000
    rounding: Rounding = Rounding.ONCE
    first_band_months: int = 1

    def __post_init__(self) -> None:
        """Refuse tables with gaps and units that cannot be cut to."""
        if not self.rates or any(row.last_year < row.first_year for row in self.rates):
            raise ValueError("a rate profile needs years in order")
        if any(later.first_year != earlier.last_year + 1 for earlier, later in pairwise(self.rates)):
            raise ValueError("a rate profile has no gaps between years")
        if min(self.base_unit, self.cut_unit) < 1:
            raise ValueError("units to cut to are at least 1 yen")

    def rates_of(self, year: int) -> YearRates:
        """Return the row of `year`; outside the table the nearest known one (see `is_assumed`)."""
        return next((row for row in self.rates if year <= row.last_year), self.rates[-1])

    def is_assumed(self, year: int) -> bool:
        """Tell whether the rate of `year` is not in the table."""
        return not self.rates[0].first_year <= year <= self.rates[-1].last_year


@dataclass(frozen=True, slots=True)
class Segment:
    """Days `first` through `last` with one base and one rate; a line of the 税目詳細 tab. `yen` drops its fraction."""

    first: date
    last: date
    base: int
    rate: int
    exact: Fraction
    assumed: bool

    @property
    def days(self) -> int:
        """Count its days."""
        return (self.last - self.first).days + 1

    @property
    def yen(self) -> int:
        """Return whole yen."""
        return int(self.exact)


@dataclass(frozen=True, slots=True)
class LateCharge:
    """The charge: `yen` is what is asked for, `raw_yen` whole yen before the last cut, `segments` the account of it.

    `assumed` means that a year beyond the table was charged at the last known rate: say so wherever it shows.
    """

    yen: int
    raw_yen: int
    segments: tuple[Segment, ...]

    @property
    def assumed(self) -> bool:
        """Tell whether any rate was assumed."""
        return any(segment.assumed for segment in self.segments)


STATUTORY = RateProfile(
    rates=(
        YearRates(1, 1999, 730, 1460),
        YearRates(2000, 2001, 450, 1460),
        YearRates(2002, 2006, 410, 1460),
        YearRates(2007, 2007, 440, 1460),
        YearRates(2008, 2008, 470, 1460),
        YearRates(2009, 2009, 450, 1460),
        YearRates(2010, 2013, 430, 1460),
        YearRates(2014, 2014, 290, 920),
        YearRates(2015, 2016, 280, 910),
        YearRates(2017, 2017, 270, 900),
        YearRates(2018, 2020, 260, 890),
        YearRates(2021, 2021, 250, 880),
        YearRates(2022, 2025, 240, 870),
        YearRates(2026, 2026, 280, 910),
    )
)
"""市税 and what follows it: 延滞金特例基準割合 of each year as published, through 2026."""

NO_CHARGE = RateProfile(rates=(YearRates(1, 9999, 0, 0),))
"""Claims that bear no late charge."""


def rates_from(rows: Iterable[tuple[int, int, int]]) -> tuple[YearRates, ...]:
    """Build the rates of a profile from stored rows (year, first band, second band), in any order.

    A row holds from its year to the year before the next row; the last one is known for its own year only.
    """
    ordered = sorted(rows)
    ends = [year - 1 for year, _, _ in ordered[1:]] + [year for year, _, _ in ordered[-1:]]
    return tuple(YearRates(year, end, first, second) for (year, first, second), end in zip(ordered, ends, strict=True))


def one_month_after(due: date) -> date:
    """Return the last day of the month that starts the day after `due`: 6/30 to 7/31, 1/31 to the end of February."""
    return period_end(due + _DAY, 1)


def late_charge(
    principal: int, due: date, on: date, profile: RateProfile = STATUTORY, paid: Iterable[Payment] = ()
) -> LateCharge:
    """Charge for `principal` yen, due on `due` (already moved off closed days), as it stands at the end of `on`.

    `paid` are payments of the principal; the base falls from the day after each. Later ones than `on` do not count.
    Raises ValueError for a negative principal.
    """
    if principal < 0:
        raise ValueError(f"a principal is never negative: {principal}")
    segments = tuple(_merged(_pieces(principal, due, on, profile, tuple(paid))))
    if profile.rounding is Rounding.ONCE:
        raw = int(sum((segment.exact for segment in segments), Fraction()))
    else:
        raw = sum(segment.yen for segment in segments)
    cut = raw - raw % profile.cut_unit
    return LateCharge(cut if cut >= profile.floor else 0, raw, segments)


def _pieces(principal: int, due: date, on: date, profile: RateProfile, paid: tuple[Payment, ...]) -> Iterator[Segment]:
    """Cut the late days wherever the band, the year or the base may change; leave out days without a base."""
    band_end = period_end(due + _DAY, profile.first_band_months)
    year_ends = (date(year, 12, 31) for year in range(due.year, on.year))
    inner = {day for day in (band_end, *year_ends, *(payment.on for payment in paid)) if due < day < on}
    for before, last in pairwise(sorted({due, *inner, on}) if due < on else ()):
        base = _base(principal - paid_between(paid, date.min, before), profile)
        if base:
            row = profile.rates_of(last.year)
            rate = row.first_band if last <= band_end else row.second_band
            exact = Fraction(base * rate * (last - before).days, _RATE_UNIT * _YEAR_DAYS)
            yield Segment(before + _DAY, last, base, rate, exact, profile.is_assumed(last.year))


def _merged(pieces: Iterator[Segment]) -> Iterator[Segment]:
    """Join neighbours that differ in nothing but their days, such as years with the same rate."""
    current = next(pieces, None)
    for piece in pieces:
        if current and _joins(current, piece):
            exact = current.exact + piece.exact
            current = Segment(current.first, piece.last, piece.base, piece.rate, exact, piece.assumed)
            continue
        if current:
            yield current
        current = piece
    if current:
        yield current


def _joins(one: Segment, other: Segment) -> bool:
    return (one.last + _DAY, one.base, one.rate, one.assumed) == (other.first, other.base, other.rate, other.assumed)


def _base(outstanding: int, profile: RateProfile) -> int:
    return outstanding - outstanding % profile.base_unit if outstanding >= max(profile.min_principal, 1) else 0
