"""When a batch sends, how fast, and which settings make sense."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from db.rules.eligibility import ContactPolicy
from db.rules.sms_batches import BatchSettings, NumberRule, problems, reason_words, wanted
from db.rules.terms import PhoneOwner

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)  # a Tuesday, 10:30 in the office
GOOD = BatchSettings(name="秋の案内")


@pytest.mark.req("S2")
@pytest.mark.parametrize(
    ("hours", "is_open"), [(0, True), (9, True), (10, False), (-2, False), (24, True), (24 * 4, False)]
)
def test_it_sends_on_its_days_and_in_its_hours(hours: int, is_open: bool) -> None:
    assert GOOD.is_open(NOW + timedelta(hours=hours)) is is_open


@pytest.mark.req("S2")
@pytest.mark.parametrize(
    ("pace", "last_minute", "last_slice", "room"),
    [(60, 0, 0, 10), (60, 10, 10, 0), (60, 55, 0, 5), (60, 60, 0, 0), (1, 0, 0, 1), (1, 1, 0, 0), (600, 0, 40, 60)],
)
def test_a_minutes_part_is_spread_over_the_minute(pace: int, last_minute: int, last_slice: int, room: int) -> None:
    assert replace(GOOD, per_minute=pace).room(last_minute, last_slice) == room


@pytest.mark.req("S2", "C4")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"days": frozenset()}, "days"),
        ({"days": frozenset({5})}, "days"),
        ({"opens": time(8)}, "opens"),
        ({"closes": time(21)}, "closes"),
        ({"opens": time(19), "closes": time(10)}, "closes"),
        ({"per_minute": 0}, "per_minute"),
        ({"starts_at": NOW - timedelta(minutes=1)}, "starts_at"),
    ],
)
def test_settings_that_make_no_sense_or_pass_the_rules_of_contact_are_told(
    change: dict[str, object], field: str
) -> None:
    assert problems(GOOD, ContactPolicy(), NOW) == {}
    assert list(problems(replace(GOOD, **change), ContactPolicy(), NOW)) == [field]  # type: ignore[arg-type]


@pytest.mark.req("S3")
def test_only_the_persons_own_number_unless_others_are_wanted_too() -> None:
    assert wanted(NumberRule.OWN, PhoneOwner.SELF)
    assert not wanted(NumberRule.OWN, PhoneOwner.SPOUSE)
    assert wanted(NumberRule.ANY, PhoneOwner.SPOUSE)
    assert reason_words("flag_lawyer") == "弁護士介入"
    assert reason_words("same_number") == "同じ番号にすでに送る"
