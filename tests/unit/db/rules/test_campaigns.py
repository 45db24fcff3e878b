"""When a campaign is open, what becomes of its targets, and which settings make sense."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.calendar import Calendar
from db.rules.campaigns import (
    CampaignSettings,
    Days,
    Next,
    TargetState,
    Tried,
    after_refusal,
    after_try,
    must_reserve,
    problems,
    reason_words,
    retry_from_json,
    retry_to_json,
)
from db.rules.eligibility import ContactPolicy
from db.rules.officetime import JST, office_time
from db.rules.reach import BANDS, SLOTS, slot_of
from db.rules.telephony import AttemptResult, DialMode
from db.rules.terms import Retry

CLOSED = Calendar().is_closed
TUESDAY = datetime(2026, 11, 24, 10, 30, tzinfo=JST)
SETTINGS = CampaignSettings(name="秋の催告", mode=DialMode.PREDICTIVE)
DAYS = Days(SETTINGS, CLOSED)

moments = st.datetimes(datetime(2026, 4, 1), datetime(2027, 3, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
spans = st.tuples(st.integers(9, 18), st.integers(1, 6)).map(lambda one: (time(one[0]), time(min(20, sum(one)))))
some_days = st.builds(
    lambda days, span, weekends: Days(replace(SETTINGS, days=days, opens=span[0], closes=span[1]), CLOSED, weekends),
    st.frozensets(st.integers(0, 6), min_size=1).filter(lambda days: days & {0, 1, 2, 3, 4}),
    spans,
    st.booleans(),
)


@pytest.mark.req("T4")
@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (TUESDAY, True),
        (TUESDAY.replace(hour=8, minute=59), False),
        (TUESDAY.replace(hour=9, minute=0), True),
        (TUESDAY.replace(hour=20, minute=0), False),
        (TUESDAY - timedelta(days=1), False),  # 勤労感謝の日
        (TUESDAY - timedelta(days=3), False),  # Saturday
    ],
)
def test_a_campaign_keeps_its_hours_weekdays_and_holidays(at: datetime, is_open: bool) -> None:
    assert DAYS.is_open(at) is is_open


@pytest.mark.req("T4")
@given(some_days, moments)
def test_the_next_opening_is_open_and_not_before(days: Days, at: datetime) -> None:
    opening = days.opening(at)
    assert opening >= at
    assert days.is_open(opening)
    later = days.opening(at, later_day=True)
    assert days.is_open(later)
    assert office_time(later).date() > office_time(at).date()


@pytest.mark.req("T4")
def test_a_campaign_of_one_weekday_goes_on_after_golden_week() -> None:
    """On Wednesdays only, in 2026: 29 April and 6 May are holidays."""
    wednesdays = Days(replace(SETTINGS, days=frozenset({2})), CLOSED)
    closed = datetime(2026, 4, 22, 20, 0, tzinfo=JST)
    assert wednesdays.opening(closed) == datetime(2026, 5, 13, 9, 0, tzinfo=JST)


@pytest.mark.req("T2")
@given(moments, st.sampled_from([slot for slot in SLOTS if slot.weekday < 5 and 1 <= slot.band <= 5]))
def test_the_best_hours_begin_in_their_slot_while_the_campaign_is_open(at: datetime, slot: tuple[int, int]) -> None:
    begins = DAYS.slot_begins(SLOTS[SLOTS.index(slot)], at)  # type: ignore[arg-type]
    assert begins > at
    assert DAYS.is_open(begins)
    if slot[0] not in {0}:  # Mondays are often holidays, for longer than is searched
        assert slot_of(begins, CLOSED) == slot
        assert office_time(begins).hour >= BANDS[slot[1]][0]


@pytest.mark.req("T4")
def test_a_miss_is_tried_again_by_its_result_and_given_up_at_the_cap() -> None:
    def after(retry: Retry, tries: int = 1) -> Next:
        return after_try(Tried(retry, TUESDAY, tries), DAYS)

    assert after(Retry.SOON) == Next(TargetState.OPEN, TUESDAY + timedelta(minutes=5))
    assert after(Retry.LATER) == Next(TargetState.OPEN, TUESDAY + timedelta(hours=1))
    other = after(Retry.OTHER_BAND).due_at
    assert other is not None
    assert office_time(other).weekday() != 1
    assert office_time(other).hour >= 12
    assert after(Retry.NONE).state is TargetState.DONE
    assert after(Retry.NUMBER_RESEARCH) == Next(TargetState.OPEN, TUESDAY)
    assert after(Retry.SOON, 5) == Next(TargetState.GIVEN_UP, reason="tries")


@pytest.mark.req("T4")
@given(some_days, moments, st.sampled_from([Retry.SOON, Retry.LATER, Retry.OTHER_BAND]), st.lists(moments, max_size=4))
def test_nobody_is_tried_again_outside_the_campaign(
    days: Days, ended: datetime, retry: Retry, earlier: list[datetime]
) -> None:
    due = after_try(Tried(retry, ended, 1, earlier), days).due_at
    assert due is None or days.is_open(due)


@pytest.mark.req("C4", "T4")
@pytest.mark.parametrize(
    ("codes", "state"),
    [
        (["paid"], TargetState.DONE),
        (["number_day_cap", "promised"], TargetState.DONE),
        (["flag_lawyer", "in_call"], TargetState.GIVEN_UP),
        (["number_unallocated"], TargetState.GIVEN_UP),
        (["opted_out"], TargetState.GIVEN_UP),
        (["number_day_cap"], TargetState.OPEN),
        (["unknown_owed"], TargetState.OPEN),
        (["in_call", "person_day_cap"], TargetState.OPEN),
    ],
)
def test_a_refusal_ends_it_or_puts_it_off(codes: list[str], state: TargetState) -> None:
    to = after_refusal(codes, TUESDAY, DAYS)
    assert to.state is state
    assert to.reason in codes
    assert (to.due_at is not None) is (state is TargetState.OPEN)
    assert to.due_at is None or to.due_at > TUESDAY


@pytest.mark.req("C4")
def test_what_lasts_longest_decides_when_to_look_again() -> None:
    assert after_refusal(["in_call"], TUESDAY, DAYS).due_at == TUESDAY + timedelta(minutes=10)
    tomorrow = after_refusal(["in_call", "person_day_cap"], TUESDAY, DAYS).due_at
    assert tomorrow is not None
    assert office_time(tomorrow).date() == date(2026, 11, 25)


@pytest.mark.req("T4")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("name", "あ" * 61), ("mode", DialMode.CLICK), ("days", frozenset()), ("days", frozenset({0, 5})),
        ("opens", time(8)), ("closes", time(20, 30)), ("ring_seconds", 14), ("cap", 0.031), ("target_abandonment", 0.04),
        ("target_abandonment", 0.0), ("lines", 0), ("tries", 21), ("calls_per_second", 0.0), ("caller_id", "0\r\n1"),
        ("abandoned_prompt", "a&b"), ("voicemail_prompt", "a&b"), ("abandoned_prompt", "Apology"), ("abandoned_prompt", "custom/a"), ("soon_minutes", 0),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_named_by_their_field(field: str, value: object) -> None:
    assert problems(SETTINGS, ContactPolicy()) == {}
    wrong = problems(replace(SETTINGS, **{field: value}), ContactPolicy())  # type: ignore[arg-type]
    assert field in wrong or (field, "closes") == ("opens", next(iter(wrong)))


@pytest.mark.req("T4")
def test_rules_of_retry_are_kept_and_later_results_have_their_usual_one() -> None:
    own = replace(SETTINGS, soon_minutes=3, retries={AttemptResult.BUSY: Retry.OTHER_BAND})
    read = retry_from_json(retry_to_json(own))
    assert read["soon_minutes"] == 3
    assert read["retries"][AttemptResult.BUSY] is Retry.OTHER_BAND
    assert read["retries"][AttemptResult.NO_ANSWER] is Retry.LATER


def test_every_reason_has_words() -> None:
    codes = [
        "flag_lawyer",
        "number_unallocated",
        "number_kind",
        "number_day_cap",
        "unknown_owed",
        "tries",
        "better_time",
    ]
    assert all(reason_words(code) != code for code in codes)


@pytest.mark.req("T4")
@pytest.mark.parametrize(
    ("answered", "abandoned", "then", "reserves"),
    [
        (2, 2, 2, False),  # what the pacer allows itself
        (3, 3, 3, True),  # more than that: a fault
        (150, 3, 3, True),  # within the cap again, but not with what the next fault may cost
        (167, 3, 3, False),
        (150, 4, 140, False),  # the pacer itself comes as near to the cap, and was never beyond it
    ],
)
def test_operators_are_reserved_only_after_losses_beyond_the_cap(
    answered: int, abandoned: int, then: int, reserves: bool
) -> None:
    assert must_reserve(answered, abandoned, 0.03, then) is reserves
