"""Bands: every amount and every age is in exactly one, the one whose range it is in."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.bands import AgeBand, AmountBand, age_band, age_range, amount_band, amount_range

TODAY = date(2026, 11, 24)


@pytest.mark.req("T11")
@pytest.mark.parametrize(
    ("yen", "band"),
    [(0, "0"), (1, "1"), (9_999, "1"), (10_000, "10000"), (49_999, "10000"), (1_000_000, "1000000")],
)
def test_amounts(yen: int, band: str) -> None:
    assert amount_band(yen) == AmountBand(band)


@pytest.mark.req("T11")
@pytest.mark.parametrize(
    ("oldest", "months"),
    [
        (date(2026, 11, 23), "0"),
        (date(2026, 8, 24), "0"),
        (date(2026, 8, 23), "3"),
        (date(2025, 11, 24), "6"),
        (date(2025, 11, 23), "12"),
        (date(2021, 11, 24), "36"),
        (date(2021, 11, 23), "60"),
        (date(1989, 1, 8), "60"),
    ],
)
def test_ages(oldest: date, months: str) -> None:
    assert age_band(oldest, TODAY) == AgeBand(months)


@given(st.integers(0, 3_000_000))
def test_an_amount_is_in_its_range_alone(yen: int) -> None:
    inside = [
        band for band in AmountBand if (low := amount_range(band))[0] <= yen and (low[1] is None or yen <= low[1])
    ]
    assert inside == [amount_band(yen)]


@given(st.dates(date(2010, 1, 1), date(2026, 12, 31)), st.dates(date(2026, 12, 31), date(2030, 1, 1)))
def test_an_age_is_in_its_range_alone(oldest: date, today: date) -> None:
    inside = [band for band in AgeBand if age_range(band, today)[0] <= oldest <= age_range(band, today)[1]]
    assert inside == [age_band(oldest, today)]
