"""The parts that the city is made of: names, numbers, days."""

from collections.abc import Sequence
from datetime import date
from random import Random

import pytest

from db.reference.calendar import Calendar
from db.reference.kana import fold_kana, fold_name, private_use
from db.reference.phones import parse_phone
from db.rules.numbering import has_valid_check_digit
from db.rules.terms import PhoneKind
from saikoku.city import names, places
from saikoku.city.behaviours import SUFFIXES, Reaction, ip_phone, landline, mobile
from saikoku.city.days import ITEMS, SATURDAY, SUNDAY, WEEKDAY, YEARS, Days
from saikoku.city.people import debtor_number
from saikoku.lab.carrier import behaviour_of

TODAY = date(2026, 11, 24)


def sample_names() -> Sequence[names.Name]:
    """Some thousands of people, Japanese and not, and companies."""
    random = Random("names").random
    people = [
        names.joined(names.family_name(random), names.given_name(random, male=number % 2 == 0, born=1940 + number % 70))
        for number in range(4_000)
    ]
    foreign = [names.joined(*names.foreign_name(random, language)) for language in names.LANGUAGES for _ in range(20)]
    return [*people, *foreign, *(names.company_name(random) for _ in range(100))]


def test_search_forms_made_of_parts_are_those_of_the_whole_name() -> None:
    for name in sample_names():
        assert name.text_folded == fold_name(name.text)
        assert name.kana_folded == fold_kana(name.kana)


def test_names_hold_what_makes_names_difficult() -> None:
    written = "".join(name.text for name in sample_names())
    for difficult in ("髙", "﨑", "\U000e0100", "'", "𠮷"):
        assert difficult in written
    assert not private_use(written)


@pytest.mark.parametrize("number", [mobile(77, 5), ip_phone(1234, 40), landline(123_456, 99), mobile(299_999, 0)])
def test_numbers_are_valid_and_spelled_as_the_register_spells_them(number: str) -> None:
    assert parse_phone(number).e164 == number


def test_kinds_of_numbers() -> None:
    for serial in range(0, 900_000, 7_003):
        assert parse_phone(mobile(serial, serial % 100)).kind is PhoneKind.MOBILE
        assert parse_phone(ip_phone(serial, 1)).kind is PhoneKind.IP
        assert parse_phone(landline(serial, 1)).kind is PhoneKind.LANDLINE


def test_neighbours_have_different_numbers() -> None:
    assert len({mobile(serial, 0) for serial in range(300_000)}) == 300_000
    assert len({landline(serial, 0) for serial in range(50_000)}) == 50_000


@pytest.mark.parametrize(
    ("reaction", "behaviours"),
    [
        (Reaction.SELF, {"talks", "at-once", "slow"}),
        (Reaction.RINGS_OUT, {"no-answer"}),
        (Reaction.VOICEMAIL, {"voicemail"}),
        (Reaction.BUSY, {"busy"}),
        (Reaction.UNALLOCATED, {"unallocated", "changed"}),
    ],
)
def test_last_digits_are_those_of_the_labs_carrier(reaction: Reaction, behaviours: set[str]) -> None:
    assert {behaviour_of(mobile(5, suffix)).name for suffix in SUFFIXES[reaction]} == behaviours


def test_every_reaction_has_digits() -> None:
    assert all(SUFFIXES[reaction] for reaction in Reaction)


def test_debtor_numbers_have_ten_digits_a_check_digit_and_rise() -> None:
    made = [debtor_number(debtor) for debtor in range(1, 2_000)]
    assert all(len(number) == 10 and has_valid_check_digit(number) for number in made)
    assert sorted(set(made)) == made


def test_no_postal_code_of_the_city_is_anybodys() -> None:
    assert all(town.postal_code.startswith("000") and not town.postal_code.endswith("00") for town in places.TOWNS)
    assert len({town.postal_code for town in places.TOWNS}) == len(places.TOWNS)
    assert {town.district for town in places.TOWNS} == set(places.DISTRICTS)


def test_due_dates_of_the_year() -> None:
    days = Days(TODAY)
    dues = {item.code: [days.iso(due.day) for due in days.schedules[number][0]] for number, item in enumerate(ITEMS)}
    # 31 October is a Saturday, 31 January a Sunday
    assert dues["resident_ordinary"] == ["2026-06-30", "2026-08-31", "2026-11-02", "2027-02-01"]
    assert dues["property"] == ["2026-04-30", "2026-07-31", "2026-12-25", "2027-03-01"]
    assert dues["light_vehicle"] == ["2026-06-01"]
    assert dues["health_tax"][-1] == "2027-03-01"
    assert dues["resident_special"][0] == "2026-07-10"


def test_due_dates_and_reminders_fall_on_open_days_in_time() -> None:
    days, calendar = Days(TODAY), Calendar()
    for schedules in days.schedules:
        assert len(schedules) == YEARS
        for due in (due for schedule in schedules for due in schedule):
            assert calendar.is_business_day(date.fromordinal(due.day))
            assert calendar.is_business_day(date.fromordinal(due.reminder))
            assert due.day < due.reminder <= due.day + 20


def test_kinds_of_day() -> None:
    days = Days(TODAY)
    monday_holiday = date(2026, 11, 23).toordinal()
    assert days.of_kind(SUNDAY, monday_holiday) == monday_holiday
    assert days.of_kind(WEEKDAY, monday_holiday) == monday_holiday + 1
    assert days.of_kind(SATURDAY, monday_holiday) == date(2026, 11, 28).toordinal()
