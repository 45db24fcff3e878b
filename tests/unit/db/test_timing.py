"""How long the link waits before it tries again, and how originates are spread."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from db.timing import Backoff, Spacing


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 30.0, lambda: 1.0)
    assert [backoff.next() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.reset()
    assert backoff.next() == 0.5


@given(chance=st.floats(0, 1), failures=st.integers(0, 50))
def test_chance_keeps_a_wait_between_half_and_all(chance: float, failures: int) -> None:
    backoff = Backoff(1.0, 8.0, lambda: chance)
    for _ in range(failures):
        backoff.next()
    assert backoff.next() == min(8.0, 2.0**failures) * (0.5 + chance / 2)


def test_turns_come_evenly_and_are_not_saved_up() -> None:
    spacing = Spacing(2.0)
    assert [spacing.wait(100.0) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert [spacing.wait(200.0) for _ in range(2)] == [0.0, 0.5]


def test_no_limit_is_no_wait() -> None:
    spacing = Spacing(None)
    assert [spacing.wait(1.0) for _ in range(3)] == [0.0, 0.0, 0.0]
