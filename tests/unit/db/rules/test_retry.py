"""What a hang-up means, and when the next attempt is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.calendar import Calendar
from db.rules.officetime import JST, office_time
from db.rules.retry import RETRIES, RetryPolicy, counts_against_caps, next_attempt_at, result_of
from db.rules.telephony import AttemptResult
from db.rules.terms import Retry

CLOSED = Calendar().is_closed
POLICY = RetryPolicy()
TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=JST)


@pytest.mark.req("T4")
@pytest.mark.parametrize(
    ("cause", "result", "retry"),
    [
        (1, AttemptResult.UNALLOCATED, Retry.NUMBER_RESEARCH),
        (22, AttemptResult.CHANGED, Retry.NUMBER_RESEARCH),
        (28, AttemptResult.BAD_NUMBER, Retry.NUMBER_RESEARCH),
        (17, AttemptResult.BUSY, Retry.SOON),
        (18, AttemptResult.NO_ANSWER, Retry.LATER),
        (19, AttemptResult.NO_ANSWER, Retry.LATER),
        (16, AttemptResult.NO_ANSWER, Retry.LATER),
        (21, AttemptResult.REJECTED, Retry.OTHER_BAND),
        (34, AttemptResult.TRUNK_FAULT, Retry.SOON),
        (38, AttemptResult.TRUNK_FAULT, Retry.SOON),
        (41, AttemptResult.TRUNK_FAULT, Retry.SOON),
        (42, AttemptResult.TRUNK_FAULT, Retry.SOON),
        (127, AttemptResult.CANCELLED, Retry.LATER),
        (0, AttemptResult.FAILED, Retry.LATER),
        (None, AttemptResult.FAILED, Retry.LATER),
        (999, AttemptResult.FAILED, Retry.LATER),
    ],
)
def test_causes(cause: int | None, result: AttemptResult, retry: Retry) -> None:
    assert result_of(cause, answered=False) is result
    assert RETRIES[result] is retry
    assert result_of(cause, answered=True) is AttemptResult.ANSWERED


@pytest.mark.req("C4", "T4")
def test_what_did_not_ring_through_our_doing_is_not_the_citizens_attempt() -> None:
    ours = {AttemptResult.TRUNK_FAULT, AttemptResult.CANCELLED}
    assert {result for result in AttemptResult if not counts_against_caps(result, rang=False)} == ours
    assert counts_against_caps(AttemptResult.CANCELLED, rang=True)
    assert set(RETRIES) == set(AttemptResult)


def after(retry: Retry, ended: datetime = TUESDAY, earlier: tuple[datetime, ...] = ()) -> datetime | None:
    return next_attempt_at(retry, ended, earlier, POLICY, CLOSED)


@pytest.mark.req("T4")
def test_busy_is_tried_again_in_five_minutes_but_not_for_ever() -> None:
    assert after(Retry.SOON) == TUESDAY + timedelta(minutes=5)
    three = tuple(TUESDAY - timedelta(minutes=5 * n) for n in (1, 2, 3))
    assert after(Retry.SOON, TUESDAY, three[:2]) == TUESDAY + timedelta(minutes=5)
    assert after(Retry.SOON, TUESDAY, three) == datetime(2026, 11, 25, 12, 0, tzinfo=JST)


@pytest.mark.req("T4")
def test_no_answer_is_tried_in_an_hour_and_then_on_another_weekday_and_band() -> None:
    first = after(Retry.LATER)
    assert first == TUESDAY + timedelta(hours=1)
    second = after(Retry.LATER, first, (TUESDAY,))
    assert second == datetime(2026, 11, 25, 12, 0, tzinfo=JST)
    third = after(Retry.LATER, second, (TUESDAY, first))
    assert third == datetime(2026, 11, 26, 15, 0, tzinfo=JST)
    assert third.tzinfo is UTC


@pytest.mark.req("T4")
def test_what_would_fall_outside_the_hours_moves_on() -> None:
    evening = datetime(2026, 11, 20, 19, 58, tzinfo=JST)  # a Friday before three closed days
    assert after(Retry.SOON, evening) == datetime(2026, 11, 24, 9, 0, tzinfo=JST)
    assert after(Retry.LATER, evening) == datetime(2026, 11, 24, 9, 0, tzinfo=JST)
    assert after(Retry.OTHER_BAND) == datetime(2026, 11, 25, 12, 0, tzinfo=JST)


@pytest.mark.req("T4")
def test_the_weekday_just_missed_is_not_taken_again_even_if_it_was_tried_least() -> None:
    others = tuple(TUESDAY - timedelta(days=days + 7 * weeks) for days in (1, 4, 5, 6) for weeks in range(3))
    found = after(Retry.OTHER_BAND, TUESDAY, others)
    assert found is not None
    assert office_time(found).weekday() != TUESDAY.weekday()


@pytest.mark.req("T4")
@pytest.mark.parametrize("retry", [Retry.NONE, Retry.NUMBER_RESEARCH])
def test_nothing_more_to_try(retry: Retry) -> None:
    assert after(retry) is None
    assert next_attempt_at(Retry.OTHER_BAND, TUESDAY, (), POLICY, lambda _: True) is None


@given(
    st.sampled_from([Retry.SOON, Retry.LATER, Retry.OTHER_BAND]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.lists(st.integers(1, 30 * 24 * 60), max_size=8),
)
def test_the_next_attempt_is_later_on_an_open_day_and_inside_a_band(
    retry: Retry, ended: datetime, minutes_ago: list[int]
) -> None:
    earlier = tuple(ended - timedelta(minutes=minutes) for minutes in minutes_ago)
    found = after(retry, ended, earlier)
    assert found is not None
    local = office_time(found)
    assert found > ended
    assert not CLOSED(local.date())
    assert any(first <= local.time() < end for first, end in POLICY.bands)
    if found - ended > POLICY.later:
        assert local.weekday() != office_time(ended).weekday()
