"""Bands in which people are counted: how much they owe, and how old their oldest debt is."""

from datetime import date, timedelta
from functools import lru_cache

from db.rules.months import same_day_of_month
from db.rules.terms import Term


class AmountBand(Term):
    """Principal past due; the code is the smallest amount of the band, in yen."""

    CHARGE_ONLY = "0", "延滞金のみ"
    UNDER_10K = "1", "1万円未満"
    TO_50K = "10000", "1万円～5万円未満"
    TO_100K = "50000", "5万円～10万円未満"
    TO_300K = "100000", "10万円～30万円未満"
    TO_1M = "300000", "30万円～100万円未満"
    FROM_1M = "1000000", "100万円以上"


class AgeBand(Term):
    """Time since the oldest due date that is not settled; the code is the number of months that it is longer than."""

    TO_3M = "0", "3か月以内"
    TO_6M = "3", "3か月超～6か月"
    TO_1Y = "6", "6か月超～1年"
    TO_2Y = "12", "1年超～2年"
    TO_3Y = "24", "2年超～3年"
    TO_5Y = "36", "3年超～5年"
    OVER_5Y = "60", "5年超"


def amount_range(band: AmountBand) -> tuple[int, int | None]:
    """Return the smallest and the largest amount of a band, in yen; None: no limit."""
    following = next((int(one) for one in AmountBand if int(one) > int(band)), None)
    return int(band), None if following is None else following - 1


def amount_band(yen: int) -> AmountBand:
    """Return the band of `yen` (0 or more) of principal."""
    return max((band for band in AmountBand if int(band) <= yen), key=int)


def age_range(band: AgeBand, today: date) -> tuple[date, date]:
    """Return the first and the last due date whose age on `today` is in a band.

    A debt is older than n months once the day of its due date's number, n months later, is past.
    """
    following = next((int(one) for one in AgeBand if int(one) > int(band)), None)
    first = date.min if following is None else same_day_of_month(today, -following)
    return first, same_day_of_month(today, -int(band)) - timedelta(days=1 if int(band) else 0)


def age_band(oldest: date, today: date) -> AgeBand:
    """Return the band of a debt whose oldest due date is `oldest`."""
    return next(band for band, first in _firsts(today) if first <= oldest)


@lru_cache(maxsize=4)
def _firsts(today: date) -> tuple[tuple[AgeBand, date], ...]:
    return tuple((band, age_range(band, today)[0]) for band in AgeBand)
