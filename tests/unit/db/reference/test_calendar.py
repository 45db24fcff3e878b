"""Closed days of the office, and 和暦 written and read."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.calendar import (
    Calendar,
    DateTextError,
    era_date,
    era_date_short,
    fiscal_year_label,
    parse_date,
)


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    "day",
    [
        date(2026, 11, 21),  # Saturday
        date(2026, 11, 22),  # Sunday
        date(2026, 11, 23),  # 勤労感謝の日
        date(2026, 5, 6),  # 振替休日
        date(2026, 9, 22),  # 国民の休日
        date(2026, 12, 29),
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2028, 1, 3),
    ],
)
def test_closed(day: date) -> None:
    assert Calendar().is_closed(day)
    assert not Calendar().is_business_day(day)


@pytest.mark.parametrize("day", [date(2026, 11, 24), date(2026, 12, 28), date(2027, 1, 4)])
def test_open(day: date) -> None:
    assert Calendar().is_business_day(day)
    assert Calendar().next_business_day(day) == day


def test_the_next_business_day_skips_the_whole_new_year() -> None:
    assert Calendar().next_business_day(date(2026, 12, 29)) == date(2027, 1, 4)
    assert Calendar(frozenset({date(2027, 1, 4)})).next_business_day(date(2026, 12, 29)) == date(2027, 1, 5)


def test_an_office_that_never_opens_is_an_error_and_not_a_loop() -> None:
    start = date(2026, 4, 1)
    closed = frozenset(start + timedelta(days=n) for n in range(400))
    with pytest.raises(ValueError, match="no open day"):
        Calendar(closed).next_business_day(start)


@pytest.mark.req("T9")
@pytest.mark.parametrize(
    ("day", "written", "short"),
    [
        (date(2026, 11, 23), "令和8年11月23日", "R8.11.23"),
        (date(2019, 5, 1), "令和元年5月1日", "R1.5.1"),
        (date(2019, 4, 30), "平成31年4月30日", "H31.4.30"),
        (date(1989, 1, 8), "平成元年1月8日", "H1.1.8"),
        (date(1989, 1, 7), "昭和64年1月7日", "S64.1.7"),
        (date(1926, 12, 25), "昭和元年12月25日", "S1.12.25"),
        (date(1926, 12, 24), "大正15年12月24日", "T15.12.24"),
        (date(1912, 7, 30), "大正元年7月30日", "T1.7.30"),
        (date(1912, 7, 29), "明治45年7月29日", "M45.7.29"),
    ],
)
def test_era_boundaries(day: date, written: str, short: str) -> None:
    assert (era_date(day), era_date_short(day)) == (written, short)
    assert parse_date(written) == parse_date(short) == day


def test_before_meiji_there_is_no_era_here() -> None:
    with pytest.raises(DateTextError) as caught:
        era_date(date(1868, 1, 24))
    assert caught.value.code == "outside_era"


@pytest.mark.parametrize(
    ("fiscal_year", "label"),
    [(2026, "令和8年度"), (2019, "令和元年度"), (2018, "平成30年度"), (1989, "平成元年度"), (1988, "昭和63年度")],
)
def test_fiscal_year_label(fiscal_year: int, label: str) -> None:
    assert fiscal_year_label(fiscal_year) == label


@pytest.mark.req("T20")
@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("R08.11.23", date(2026, 11, 23)),
        ("r8-11-23", date(2026, 11, 23)),
        ("Ｒ８．１１．２３", date(2026, 11, 23)),
        ("令和８年１１月２３日", date(2026, 11, 23)),
        ("令和 8年 11月 3日", date(2026, 11, 3)),
        ("㋿8年11月23日", date(2026, 11, 23)),
        ("令8.11.23", date(2026, 11, 23)),
        ("令和元年12月31日", date(2019, 12, 31)),
        ("R元.5.1", date(2019, 5, 1)),
        ("S60/1/2", date(1985, 1, 2)),
        ("R081123", date(2026, 11, 23)),
        ("5081123", date(2026, 11, 23)),
        ("3600102", date(1985, 1, 2)),
        ("20261123", date(2026, 11, 23)),
        ("２０２６１１２３", date(2026, 11, 23)),
        ("2026-11-23", date(2026, 11, 23)),
        ("2026/1/2", date(2026, 1, 2)),
        ("2026年11月23日", date(2026, 11, 23)),
        ("大正15年12月25日", date(1926, 12, 25)),
    ],
)
def test_dates_of_office_data(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.req("T20")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("\u3000", "empty"),
        ("昨日", "unreadable"),
        ("8.11.23", "unreadable"),
        ("260101", "unreadable"),
        ("20261123" + " " * 40, "unreadable"),
        ("2026-02-29", "no_such_day"),
        ("令和8年13月1日", "no_such_day"),
        ("00000000", "no_such_day"),
        ("平成31年5月1日", "outside_era"),
        ("令和元年4月30日", "outside_era"),
        ("S64.1.8", "outside_era"),
        ("R0.5.1", "outside_era"),
        ("X8.11.23", "unreadable"),
    ],
)
def test_anything_else_is_refused_in_japanese(text: str, code: str) -> None:
    with pytest.raises(DateTextError) as caught:
        parse_date(text)
    assert caught.value.code == code
    assert caught.value.message


@given(st.dates(min_value=date(1873, 1, 1), max_value=date(2100, 12, 31)))
def test_writing_and_reading_a_date_gives_it_back(day: date) -> None:
    assert parse_date(era_date(day)) == parse_date(era_date_short(day)) == parse_date(day.isoformat()) == day


@given(st.text(max_size=12))
def test_text_is_a_date_or_a_date_error(text: str) -> None:
    try:
        day = parse_date(text)
    except DateTextError:
        return
    assert parse_date(day.isoformat()) == day
