"""Promises: splitting them, and judging them from payments."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.calendar import Calendar
from db.rules.payments import Payment
from db.rules.promises import (
    Footing,
    LineStatus,
    Promise,
    PromiseError,
    PromiseLine,
    PromiseOutcome,
    PromiseStatus,
    broken_line,
    deadline,
    footings,
    in_force,
    judge,
    settle,
    split_installments,
)

CLOSED = Calendar().is_closed
MADE = date(2026, 9, 10)
PROMISE = Promise(MADE, (PromiseLine(date(2026, 9, 30), 10_000), PromiseLine(date(2026, 10, 31), 10_000)))
GRACE = 3


def lines(today: date, *payments: tuple[date, int]) -> tuple[LineStatus, ...]:
    return settle(PROMISE, [Payment(on, yen) for on, yen in payments], today, GRACE, CLOSED)


def status(today: date, *payments: tuple[date, int]) -> PromiseStatus:
    return judge(PROMISE, [Payment(on, yen) for on, yen in payments], today, GRACE, CLOSED)


@pytest.mark.req("T12")
def test_equal_parts_with_the_remainder_last() -> None:
    lines = split_installments(100_000, 3, date(2026, 7, 31))
    assert [line.yen for line in lines] == [33_333, 33_333, 33_334]
    assert [line.yen for line in split_installments(100_000, 3, date(2026, 7, 31), unit=1_000)] == [33_000] * 2 + [
        34_000
    ]


@pytest.mark.req("T12")
def test_months_are_stepped_from_the_first_day_and_moved_off_closed_days() -> None:
    plain = [line.due for line in split_installments(4_000, 4, date(2026, 12, 31))]
    assert plain == [date(2026, 12, 31), date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31)]
    moved = [line.due for line in split_installments(4_000, 4, date(2026, 12, 31), CLOSED)]
    assert moved == [date(2027, 1, 4), date(2027, 2, 1), date(2027, 3, 1), date(2027, 3, 31)]


@pytest.mark.parametrize(("total", "count", "code"), [(2, 3, "no_amount"), (0, 1, "no_amount"), (9, 0, "too_many")])
def test_what_cannot_be_split(total: int, count: int, code: str) -> None:
    with pytest.raises(PromiseError) as caught:
        split_installments(total, count, MADE)
    assert caught.value.code == code
    assert caught.value.message.endswith("。")


def test_a_promise_has_lines_in_order() -> None:
    line = PromiseLine(MADE, 1)
    for lines, code in [((), "no_lines"), ((line, line), "order")]:
        with pytest.raises(PromiseError) as caught:
            Promise(MADE, lines)
        assert caught.value.code == code
    with pytest.raises(PromiseError):
        PromiseLine(MADE, 0)


@given(st.integers(1, 5_000_000), st.integers(1, 120), st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_the_parts_are_the_whole(total: int, count: int, first: date) -> None:
    if total < count:
        return
    promise = Promise(first, split_installments(total, count, first, CLOSED))
    assert promise.total == total
    assert len(promise.lines) == count
    assert not any(CLOSED(line.due) for line in promise.lines)


@pytest.mark.req("T12")
def test_pending_until_something_is_due_and_grace_is_over() -> None:
    assert status(date(2026, 9, 30)) == PromiseStatus(PromiseOutcome.PENDING, 0, 0, date(2026, 9, 30))
    assert status(date(2026, 10, 3)).outcome is PromiseOutcome.PENDING
    broken = status(date(2026, 10, 4))
    assert (broken.outcome, broken.due_so_far, broken.missing) == (PromiseOutcome.BROKEN, 10_000, 10_000)


@pytest.mark.req("T12")
def test_the_deadline_moves_off_closed_days_before_grace() -> None:
    assert deadline(PROMISE.lines[1], GRACE, CLOSED) == date(2026, 11, 5)
    paid = (date(2026, 9, 30), 10_000)
    assert status(date(2026, 11, 5), paid).outcome is PromiseOutcome.PARTLY
    assert status(date(2026, 11, 6), paid).outcome is PromiseOutcome.BROKEN
    assert status(date(2026, 11, 6), paid).next_due == date(2026, 11, 2)


@pytest.mark.req("T12")
def test_a_line_in_its_grace_days_does_not_break_the_one_before() -> None:
    assert status(date(2026, 11, 4), (date(2026, 9, 30), 10_000)).due_so_far == 10_000


@pytest.mark.req("T12")
def test_paying_less_than_the_line_breaks_it_and_paying_late_mends_it() -> None:
    assert status(date(2026, 10, 10), (date(2026, 9, 30), 9_999)).outcome is PromiseOutcome.BROKEN
    assert status(date(2026, 10, 10), (date(2026, 10, 9), 10_000)).outcome is PromiseOutcome.PARTLY


@pytest.mark.req("T12")
def test_kept_when_all_is_paid_even_early() -> None:
    assert status(MADE, (MADE, 20_000)) == PromiseStatus(PromiseOutcome.KEPT, 0, 20_000, None)


def test_only_payments_since_the_promise_and_until_today_count() -> None:
    before, after = (MADE - timedelta(days=1), 20_000), (date(2026, 10, 5), 20_000)
    assert status(date(2026, 10, 4), before, after).paid_so_far == 0


@pytest.mark.req("T10")
def test_a_newer_promise_replaces_the_older() -> None:
    newer = Promise(MADE + timedelta(days=1), PROMISE.lines)
    same_day = Promise(MADE + timedelta(days=1), PROMISE.lines[:1])
    assert in_force([newer, PROMISE]) is newer
    assert in_force([PROMISE, newer, same_day]) is same_day
    assert in_force([]) is None


PAYMENTS = st.lists(
    st.builds(Payment, st.dates(date(2026, 8, 1), date(2027, 1, 1)), st.integers(1, 30_000)), max_size=5
)
TODAY = st.dates(date(2026, 9, 1), date(2027, 1, 1))


@given(PAYMENTS, TODAY, st.integers(1, 30_000))
def test_paying_more_never_breaks_a_promise(payments: list[Payment], today: date, more: int) -> None:
    before = judge(PROMISE, payments, today, GRACE, CLOSED)
    after = judge(PROMISE, [*payments, Payment(today, more)], today, GRACE, CLOSED)
    assert before.outcome is PromiseOutcome.BROKEN or after.outcome is not PromiseOutcome.BROKEN


@given(PAYMENTS, TODAY, st.integers(0, 20))
def test_more_grace_never_breaks_a_promise(payments: list[Payment], today: date, grace: int) -> None:
    strict = judge(PROMISE, payments, today, grace, CLOSED)
    kind = judge(PROMISE, payments, today, grace + 1, CLOSED)
    assert strict.outcome is PromiseOutcome.BROKEN or kind.outcome is not PromiseOutcome.BROKEN


@given(PAYMENTS, TODAY)
def test_next_due_is_missing_exactly_when_kept(payments: list[Payment], today: date) -> None:
    judged = judge(PROMISE, payments, today, GRACE, CLOSED)
    assert (judged.next_due is None) == (judged.outcome is PromiseOutcome.KEPT)
    assert (judged.missing > 0) == (judged.outcome is PromiseOutcome.BROKEN)


@pytest.mark.req("T12")
def test_payments_fill_the_lines_in_the_order_of_their_dates() -> None:
    found = lines(date(2026, 10, 10), (date(2026, 10, 8), 7_000), (date(2026, 9, 20), 6_000))
    assert [one.paid for one in found] == [10_000, 3_000]
    assert [one.outcome for one in found] == [PromiseOutcome.KEPT, PromiseOutcome.PARTLY]
    assert (found[0].kept_on, found[0].late) == (date(2026, 10, 8), True), "the deadline was 3 October"
    assert found[1].kept_on is None


@pytest.mark.req("T12")
def test_the_first_line_not_kept_in_time_is_the_broken_one() -> None:
    assert broken_line(lines(date(2026, 10, 3))) is None
    assert broken_line(lines(date(2026, 10, 4))) == 1
    assert broken_line(lines(date(2026, 12, 1), (date(2026, 10, 9), 10_000))) == 2
    partly = lines(date(2026, 12, 1), (date(2026, 10, 9), 15_000))
    assert [one.outcome for one in partly] == [PromiseOutcome.KEPT, PromiseOutcome.BROKEN], "partly paid is not kept"


@pytest.mark.req("T12", "C1")
def test_instalments_bind_only_once_an_officer_agreed_and_one_payment_at_once() -> None:
    offer = replace(PROMISE, made_on=MADE + timedelta(days=5), approved=False)
    at_once = replace(offer, lines=PROMISE.lines[:1])
    assert footings([offer, PROMISE]) == [Footing.OFFERED, Footing.IN_FORCE]
    assert in_force([PROMISE, offer]) is PROMISE
    assert footings([at_once, PROMISE]) == [Footing.IN_FORCE, Footing.REPLACED]
    assert in_force([PROMISE, at_once]) is at_once
    assert footings([PROMISE, replace(offer, made_on=MADE)]) == [Footing.IN_FORCE, Footing.REPLACED]


@pytest.mark.req("T12")
def test_a_promise_taken_back_lets_the_one_before_stand_again() -> None:
    cancelled = replace(PROMISE, made_on=MADE + timedelta(days=1), cancelled=True)
    assert footings([cancelled, PROMISE]) == [Footing.CANCELLED, Footing.IN_FORCE]
    assert in_force([PROMISE, cancelled]) is PROMISE


PAYMENTS = st.lists(st.builds(Payment, st.dates(MADE - timedelta(5), MADE + timedelta(90)), st.integers(1, 15_000)))
PLANS = st.lists(st.tuples(st.integers(0, 80), st.integers(1, 9_000)), min_size=1, max_size=4, unique_by=lambda x: x[0])


@pytest.mark.req("T12")
@given(PLANS, PAYMENTS, st.integers(0, 120))
def test_the_whole_is_judged_as_its_lines_are(plan: list[tuple[int, int]], payments: list[Payment], days: int) -> None:
    promise = Promise(MADE, tuple(PromiseLine(MADE + timedelta(day), yen) for day, yen in sorted(plan)))
    today = MADE + timedelta(days)
    whole, parts = judge(promise, payments, today, GRACE, CLOSED), settle(promise, payments, today, GRACE, CLOSED)
    came = sum(pay.yen for pay in payments if MADE <= pay.on <= today)
    assert sum(one.paid for one in parts) == min(came, promise.total)
    assert (whole.outcome is PromiseOutcome.BROKEN) == (came < whole.due_so_far) == (broken_line(parts) is not None)
    assert (whole.outcome is PromiseOutcome.KEPT) == (came >= promise.total)
