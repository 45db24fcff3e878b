"""Days the law counts from."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.calendar import Calendar
from db.rules.duedates import (
    fiscal_year,
    fiscal_year_end,
    fiscal_year_start,
    open_day_from,
    reminder_deadline,
    settlement_end,
)

CALENDAR = Calendar()


@pytest.mark.req("T9")
@pytest.mark.parametrize(
    ("due", "moved"),
    [
        (date(2026, 11, 30), date(2026, 11, 30)),
        (date(2026, 10, 31), date(2026, 11, 2)),
        (date(2026, 12, 31), date(2027, 1, 4)),
        (date(2026, 5, 3), date(2026, 5, 7)),
    ],
)
def test_a_due_date_moves_to_the_next_open_day(due: date, moved: date) -> None:
    assert open_day_from(due, CALENDAR.is_closed) == moved


def test_a_calendar_without_open_days_is_an_error_and_not_a_loop() -> None:
    with pytest.raises(ValueError, match="no open day"):
        open_day_from(date(2026, 4, 1), lambda _: True)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_moving_twice_changes_nothing(due: date) -> None:
    moved = open_day_from(due, CALENDAR.is_closed)
    assert moved >= due
    assert open_day_from(moved, CALENDAR.is_closed) == moved


@pytest.mark.req("T18")
def test_the_fiscal_year_starts_in_april() -> None:
    assert fiscal_year(date(2026, 3, 31)) == 2025
    assert fiscal_year(date(2026, 4, 1)) == 2026
    assert (fiscal_year_start(2026), fiscal_year_end(2026)) == (date(2026, 4, 1), date(2027, 3, 31))
    assert settlement_end(2026) == date(2027, 5, 31)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_a_day_lies_in_its_fiscal_year(day: date) -> None:
    year = fiscal_year(day)
    assert fiscal_year_start(year) <= day <= fiscal_year_end(year)
    assert fiscal_year_end(year) + timedelta(days=1) == fiscal_year_start(year + 1)


@pytest.mark.req("T17")
def test_the_reminder_goes_out_within_twenty_days() -> None:
    assert reminder_deadline(date(2026, 6, 30)) == date(2026, 7, 20)
