"""How payments are allocated, netted, and what is outstanding after them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.payments import Payable, Payment, Share, allocate, net, outstanding

pytestmark = pytest.mark.req("T20")

D = date(2026, 11, 20)
YEN = st.integers(min_value=0, max_value=1_000_000)
LINES = st.lists(st.builds(Payable, st.integers(1, 9), YEN, YEN, YEN, YEN), max_size=4)


def test_principal_goes_before_late_charge_and_the_oldest_first() -> None:
    lines = [Payable(1, 1_000, 300), Payable(2, 2_000, 500)]
    assert allocate(2_500, None, lines) == ([Share(1, 1_000, 0), Share(2, 1_500, 0)], 0)
    assert allocate(3_400, None, lines) == ([Share(1, 1_000, 300), Share(2, 2_000, 100)], 0)
    assert allocate(9_999, None, lines) == ([Share(1, 1_000, 300), Share(2, 2_000, 500)], 6_199)


def test_what_the_core_system_took_as_late_charge_is_followed() -> None:
    assert allocate(1_200, 200, [Payable(1, 5_000, 900)]) == ([Share(1, 1_000, 200)], 0)


def test_a_negative_amount_takes_back_what_was_paid() -> None:
    paid = [Payable(1, 0, 0, 1_000, 300)]
    assert allocate(-500, None, paid) == ([Share(1, -200, -300)], 0)
    assert allocate(-500, 0, paid) == ([Share(1, -500, 0)], 0)
    assert allocate(-2_000, None, paid) == ([Share(1, -1_000, -300)], -700)


@given(st.integers(min_value=-2_000_000, max_value=2_000_000), LINES)
def test_no_yen_is_lost_or_made(amount: int, lines: list[Payable]) -> None:
    shares, left = allocate(amount, None, lines)
    assert sum(share.principal + share.late_charge for share in shares) + left == amount
    assert left * amount >= 0
    for share in shares:
        assert share.principal * amount >= 0
        assert share.late_charge * amount >= 0


def test_outstanding_takes_off_only_what_the_stated_sum_cannot_know() -> None:
    paid = [(date(2026, 11, 1), 300), (date(2026, 11, 10), 500), (date(2026, 11, 12), -100)]
    assert outstanding(1_000, None, None, paid) == 300
    assert outstanding(1_000, 700, date(2026, 11, 1), paid) == 300
    assert outstanding(1_000, 700, date(2026, 11, 30), paid) == 700
    assert outstanding(100, None, None, [(D, 900)]) == 0


def test_what_was_taken_back_is_no_payment() -> None:
    told = [(date(2026, 11, 1), 500), (date(2026, 11, 5), 300), (date(2026, 11, 6), -400)]
    assert net(told) == [Payment(date(2026, 11, 1), 400)]
    assert net([(D, -100)]) == []


@given(
    st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(-900, 900).filter(bool)), max_size=8)
)
def test_net_payments_are_positive_and_never_more_than_came_in(told: list[tuple[date, int]]) -> None:
    kept = net(told)
    assert all(payment.yen > 0 for payment in kept)
    came = sum(yen for _, yen in told if yen > 0)
    assert max(0, sum(yen for _, yen in told)) <= sum(payment.yen for payment in kept) <= came
