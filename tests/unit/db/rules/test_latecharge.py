"""延滞金: worked examples, the table's edges, and what must hold for any amount and any day."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.latecharge import (
    NO_CHARGE,
    STATUTORY,
    RateProfile,
    Rounding,
    YearRates,
    late_charge,
    one_month_after,
    rates_from,
)
from db.rules.payments import Payment

DUE = date(2025, 6, 30)
DAYS = st.dates(min_value=date(1995, 1, 1), max_value=date(2032, 12, 31))
YEN = st.integers(min_value=0, max_value=3_000_000)


@pytest.mark.req("T9")
@pytest.mark.parametrize(
    ("due", "end"),
    [
        (date(2025, 6, 30), date(2025, 7, 31)),
        (date(2025, 7, 31), date(2025, 8, 31)),
        (date(2025, 5, 15), date(2025, 6, 15)),
        (date(2025, 1, 31), date(2025, 2, 28)),
        (date(2025, 1, 30), date(2025, 2, 28)),
        (date(2025, 1, 27), date(2025, 2, 27)),
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2025, 2, 28), date(2025, 3, 31)),
        (date(2025, 12, 25), date(2026, 1, 25)),
        (date(2025, 12, 31), date(2026, 1, 31)),
    ],
)
def test_one_month_after_a_due_date(due: date, end: date) -> None:
    assert one_month_after(due) == end


@pytest.mark.req("T9")
def test_three_rates_in_one_charge() -> None:
    charge = late_charge(123_456, DUE, date(2026, 1, 31))
    assert [(s.days, s.rate, s.base) for s in charge.segments] == [
        (31, 240, 123_000),
        (153, 870, 123_000),
        (31, 910, 123_000),
    ]
    assert sum(s.exact for s in charge.segments) == Fraction(123_000 * (31 * 240 + 153 * 870 + 31 * 910), 3_650_000)
    assert (charge.raw_yen, charge.yen, charge.assumed) == (5_686, 5_600, False)


@pytest.mark.req("T9")
def test_a_charge_under_a_thousand_yen_is_none() -> None:
    charge = late_charge(48_200, date(2025, 7, 31), date(2025, 9, 10))
    assert (charge.raw_yen, charge.yen) == (212, 0)


@pytest.mark.parametrize(("principal", "base"), [(1_999, None), (2_000, 2_000), (2_999, 2_000), (0, None)])
def test_the_base_is_cut_and_small_taxes_are_not_charged(principal: int, base: int | None) -> None:
    segments = late_charge(principal, DUE, date(2025, 7, 10)).segments
    assert [s.base for s in segments] == ([base] if base else [])


@pytest.mark.parametrize("on", [DUE, DUE - timedelta(days=1), date(2020, 1, 1)])
def test_nothing_before_the_day_after_the_due_date(on: date) -> None:
    assert late_charge(1_000_000, DUE, on).segments == ()
    assert late_charge(1_000_000, DUE, on).yen == 0


def test_the_first_late_day_is_the_day_after() -> None:
    (segment,) = late_charge(1_000_000, DUE, DUE + timedelta(days=1)).segments
    assert (segment.first, segment.last, segment.days, segment.yen) == (date(2025, 7, 1), date(2025, 7, 1), 1, 65)


def test_years_of_one_rate_are_one_segment() -> None:
    charge = late_charge(100_000, date(2022, 6, 30), date(2025, 12, 31))
    assert [(s.first, s.last, s.rate) for s in charge.segments] == [
        (date(2022, 7, 1), date(2022, 7, 31), 240),
        (date(2022, 8, 1), date(2025, 12, 31), 870),
    ]


def test_a_leap_year_is_charged_as_days_of_365() -> None:
    charge = late_charge(1_000_000, date(2023, 12, 31), date(2024, 12, 31))
    assert sum(s.days for s in charge.segments) == 366
    assert charge.raw_yen == 1_000_000 * (31 * 240 + 335 * 870) // 3_650_000


@pytest.mark.parametrize(
    ("year", "first", "second"),
    [
        (1999, 730, 1460),
        (2000, 450, 1460),
        (2006, 410, 1460),
        (2007, 440, 1460),
        (2008, 470, 1460),
        (2009, 450, 1460),
        (2013, 430, 1460),
        (2014, 290, 920),
        (2016, 280, 910),
        (2017, 270, 900),
        (2020, 260, 890),
        (2021, 250, 880),
        (2025, 240, 870),
        (2026, 280, 910),
    ],
)
def test_the_table(year: int, first: int, second: int) -> None:
    segments = late_charge(10_000, date(year, 3, 31), date(year, 6, 30)).segments
    assert [s.rate for s in segments] == [first, second]


@pytest.mark.req("T9")
def test_a_year_beyond_the_table_uses_the_last_rate_and_says_so() -> None:
    charge = late_charge(1_000_000, date(2026, 6, 30), date(2027, 1, 31))
    assert [(s.rate, s.assumed) for s in charge.segments] == [(280, False), (910, False), (910, True)]
    assert charge.assumed


@pytest.mark.req("T9")
def test_a_part_payment_lowers_the_base_from_the_next_day() -> None:
    charge = late_charge(500_000, DUE, date(2025, 9, 30), paid=[Payment(date(2025, 8, 15), 300_500)])
    assert [(s.last, s.base) for s in charge.segments] == [
        (date(2025, 7, 31), 500_000),
        (date(2025, 8, 15), 500_000),
        (date(2025, 9, 30), 199_000),
    ]


def test_payments_before_the_due_date_and_full_payment() -> None:
    early = late_charge(500_000, DUE, date(2025, 7, 31), paid=[Payment(date(2025, 6, 1), 499_000)])
    assert early.segments == ()
    full = late_charge(500_000, DUE, date(2026, 3, 31), paid=[Payment(date(2025, 7, 31), 500_000)])
    assert full == late_charge(500_000, DUE, date(2025, 7, 31))
    later = late_charge(500_000, DUE, date(2025, 7, 31), paid=[Payment(date(2025, 8, 1), 500_000)])
    assert later == full


def test_dropping_fractions_in_every_segment_is_a_setting() -> None:
    per_segment = replace(STATUTORY, rounding=Rounding.PER_SEGMENT, cut_unit=1, floor=0)
    once = replace(per_segment, rounding=Rounding.ONCE)
    on = date(2026, 1, 31)
    parts = [s.yen for s in late_charge(123_456, DUE, on, once).segments]
    assert late_charge(123_456, DUE, on, per_segment).yen == sum(parts) == 5_685
    assert late_charge(123_456, DUE, on, once).yen == 5_686


def test_claims_with_rules_of_their_own() -> None:
    assert late_charge(1_000_000, DUE, date(2030, 1, 1), NO_CHARGE).yen == 0
    civil = RateProfile((YearRates(2020, 9999, 300, 300),), min_principal=1, base_unit=1, cut_unit=1, floor=0)
    assert late_charge(1_234, DUE, DUE + timedelta(days=365), civil).yen == 37


def test_stored_rows_make_the_same_table() -> None:
    rows = [(row.first_year, row.first_band, row.second_band) for row in STATUTORY.rates]
    assert rates_from(reversed(rows)) == STATUTORY.rates
    assert rates_from([(2024, 240, 870), (2025, 240, 870)]) == (
        YearRates(2024, 2024, 240, 870),
        YearRates(2025, 2025, 240, 870),
    )
    assert rates_from([]) == ()


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        late_charge(-1, DUE, DUE)
    with pytest.raises(ValueError, match="positive"):
        Payment(DUE, 0)
    with pytest.raises(ValueError, match="gaps"):
        RateProfile((YearRates(2000, 2001, 1, 1), YearRates(2003, 2004, 1, 1)))
    with pytest.raises(ValueError, match="order"):
        RateProfile(())
    with pytest.raises(ValueError, match="1 yen"):
        replace(STATUTORY, cut_unit=0)


@given(YEN, DAYS, DAYS, st.sampled_from(Rounding))
def test_a_day_later_is_never_cheaper(principal: int, due: date, on: date, rounding: Rounding) -> None:
    profile = replace(STATUTORY, rounding=rounding)
    assert late_charge(principal, due, on, profile).yen <= late_charge(principal, due, on + timedelta(1), profile).yen


@given(YEN, DAYS, DAYS)
def test_never_above_the_plain_rate(principal: int, due: date, on: date) -> None:
    charge = late_charge(principal, due, on)
    days = max((on - due).days, 0)
    assert charge.yen <= charge.raw_yen <= Fraction(principal * 1460 * days, 3_650_000)
    assert sum(s.days for s in charge.segments) in {0, days}
    assert charge.yen % 100 == 0
    assert charge.yen == 0 or charge.yen >= 1_000


@given(YEN, DAYS, DAYS, st.lists(st.builds(Payment, DAYS, st.integers(1, 500_000)), max_size=4))
def test_paying_never_costs_more(principal: int, due: date, on: date, paid: list[Payment]) -> None:
    charge = late_charge(principal, due, on, paid=paid)
    assert charge.yen <= late_charge(principal, due, on).yen
    assert charge == late_charge(principal, due, on, paid=reversed(paid))


@given(st.integers(0, 1_999), DAYS, DAYS)
def test_small_taxes_are_never_charged(principal: int, due: date, on: date) -> None:
    assert late_charge(principal, due, on).yen == 0


@given(YEN, DAYS, DAYS)
def test_segments_add_up_day_by_day(principal: int, due: date, on: date) -> None:
    """An independent account: every day by itself."""
    on = min(on, due + timedelta(days=800))
    base = 0 if principal < 2_000 else principal // 1_000 * 1_000
    total = Fraction()
    for n in range(1, (on - due).days + 1):
        day = due + timedelta(days=n)
        rates = STATUTORY.rates_of(day.year)
        total += Fraction(base * (rates.first_band if day <= one_month_after(due) else rates.second_band), 3_650_000)
    assert sum((s.exact for s in late_charge(principal, due, on).segments), Fraction()) == total
