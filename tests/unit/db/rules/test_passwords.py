"""What a password must be, when it expires, and when an account locks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.passwords import (
    LoginGuard,
    PasswordPolicy,
    after_failure,
    after_success,
    expires_at,
    is_expired,
    password_problems,
)

POLICY = PasswordPolicy()
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


@pytest.mark.req("C3")
@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("Kawa-no-2026", None),
        ("みどりの川Kawa2026-", None),
        ("Kawa-no-202", "12文字以上"),
        ("kawanonagare", "3種類以上"),
        ("kawanonagare2", "3種類以上"),
        ("Yamada-T-2026", "ログイン名"),
        ("Kawa-no-2026" * 11, "128文字以下"),
        ("Kawa-no-2026\n", "制御文字"),
    ],
)
def test_a_new_password(password: str, words: str | None) -> None:
    problems = password_problems(password, "yamada-t", POLICY)
    assert [words in problem for problem in problems if words] == ([True] if words else [])
    assert (problems == []) == (words is None)


@pytest.mark.req("C3")
def test_all_problems_are_said_at_once() -> None:
    assert len(password_problems("abc", "abc", POLICY)) == 3
    assert password_problems("Kawa-no-2026", "no", POLICY) == []


@pytest.mark.req("C3")
def test_an_earlier_password_does_not_return() -> None:
    assert password_problems("Kawa-no-2026", "abc", POLICY, {"Kawa-no-2026"}.__contains__) == [
        "過去5回以内に使ったパスワードは使えません。"
    ]


@pytest.mark.req("C3")
def test_the_slow_comparison_is_not_made_for_a_password_that_is_refused_anyway() -> None:
    def never(password: str) -> bool:
        raise AssertionError(password)

    assert password_problems("short", "abc", POLICY, never)


@pytest.mark.req("C3")
def test_expiry() -> None:
    assert expires_at(NOW, POLICY) == NOW + timedelta(days=180)
    assert not is_expired(NOW, NOW + timedelta(days=180, seconds=-1), POLICY)
    assert is_expired(NOW, NOW + timedelta(days=180), POLICY)
    assert not is_expired(NOW, NOW + timedelta(days=9_000), PasswordPolicy(expires_after=None))


@pytest.mark.req("C3")
def test_the_fifth_wrong_password_locks_for_a_quarter_of_an_hour() -> None:
    guard = LoginGuard()
    for _ in range(4):
        guard = after_failure(guard, NOW, POLICY)
        assert not guard.is_locked(NOW)
    guard = after_failure(guard, NOW, POLICY)
    assert guard == LoginGuard(5, NOW + timedelta(minutes=15))
    assert guard.is_locked(NOW + timedelta(minutes=14, seconds=59))
    assert not guard.is_locked(NOW + timedelta(minutes=15))


@pytest.mark.req("C3")
def test_trying_while_locked_neither_counts_nor_prolongs_and_counting_starts_anew() -> None:
    locked = LoginGuard(5, NOW + timedelta(minutes=15))
    assert after_failure(locked, NOW, POLICY) == locked
    assert after_failure(locked, NOW + timedelta(minutes=15), POLICY) == LoginGuard(1)
    assert after_success() == LoginGuard()


@given(st.lists(st.integers(0, 600), max_size=30))
def test_never_more_than_the_allowed_failures_between_locks(gaps: list[int]) -> None:
    guard, now = LoginGuard(), NOW
    for gap in gaps:
        now += timedelta(seconds=gap)
        guard = after_failure(guard, now, POLICY)
        assert guard.failures <= POLICY.max_failures
        assert guard.is_locked(now) == (guard.failures == POLICY.max_failures)
