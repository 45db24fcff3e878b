"""The hours in which calls are taken."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from db.rules.eligibility import ContactPolicy
from db.rules.opening import Opening, opening
from db.settings import SettingError, load
from db.usecases.office import Office

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("hour", "minute", "closed_day", "stopped", "judged"),
    [
        (8, 59, False, False, Opening.CLOSED),
        (9, 0, False, False, Opening.OPEN),
        (17, 14, False, False, Opening.OPEN),
        (17, 15, False, False, Opening.CLOSED),
        (10, 0, True, False, Opening.HOLIDAY),
        (10, 0, False, True, Opening.STOPPED),
        (3, 0, True, True, Opening.STOPPED),
    ],
)
def test_calls_are_taken_from_the_opening_until_before_the_closing(
    hour: int, minute: int, closed_day: bool, stopped: bool, judged: Opening
) -> None:
    at = datetime(2026, 11, 24, hour, minute, tzinfo=TOKYO)
    assert opening(at, time(9), time(17, 15), closed_day=closed_day, stopped=stopped) is judged


@pytest.mark.req("T5")
def test_an_office_that_calls_on_closed_days_takes_calls_on_them() -> None:
    sunday = datetime(2026, 11, 29, 1, 0, tzinfo=UTC)
    assert Office(zone=TOKYO).opening(sunday, ContactPolicy()) is Opening.HOLIDAY
    assert Office(zone=TOKYO).opening(sunday, ContactPolicy(closed_days=True)) is Opening.OPEN


@pytest.mark.req("T5")
def test_the_hours_and_the_days_of_a_return_call_are_settings() -> None:
    given = {"SAIKOKU_OFFICE_OPENS": "08:30", "SAIKOKU_OFFICE_CLOSES": "17:15", "SAIKOKU_OFFICE_RETURN_CALL_DAYS": "7"}
    office = Office.of(load(environ=given).office)
    assert (office.policy.opens, office.policy.closes, office.return_call_days) == (time(8, 30), time(17, 15), 7)
    for wrong in ({"SAIKOKU_OFFICE_OPENS": "early"}, {"SAIKOKU_OFFICE_OPENS": "21:00"}):
        with pytest.raises(SettingError):
            Office.of(load(environ=wrong).office)
