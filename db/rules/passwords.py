"""Passwords of office users (C3): what a new one must be, when it expires, and the lock after wrong ones.

Hashing and the comparison with earlier passwords are the caller's; this module only decides.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Longer ones only serve to keep the password hash busy.
_LONGEST = 128
# A login of one or two characters stands in almost any password.
_SHORTEST_LOGIN = 3


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What the office has set: `history` earlier passwords may not return; `expires_after` None means never."""

    min_length: int = 12
    min_classes: int = 3
    history: int = 5
    expires_after: timedelta | None = timedelta(days=180)
    max_failures: int = 5
    lock_for: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class LoginGuard:
    """Wrong passwords in a row, and until when the account is locked."""

    failures: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Tell whether a login is refused now, whatever the password."""
        return self.locked_until is not None and now < self.locked_until


def password_problems(
    password: str, login: str, policy: PasswordPolicy, was_used: Callable[[str], bool] = lambda _: False
) -> list[str]:
    """Say in Japanese everything that is wrong with a new password; an empty list means it may be used.

    `was_used` tells whether it equals one of the last `policy.history` passwords; it is slow, and is asked last, only
    of a password that is otherwise good.
    """
    problems = []
    if len(password) < policy.min_length:
        problems.append(f"パスワードは{policy.min_length}文字以上にしてください。")
    if len(password) > _LONGEST:
        problems.append(f"パスワードは{_LONGEST}文字以下にしてください。")
    if any(unicodedata.category(char) == "Cc" for char in password):
        problems.append("パスワードに改行などの制御文字は使えません。")
    if _classes(password) < policy.min_classes:
        problems.append(f"英大文字・英小文字・数字・記号のうち{policy.min_classes}種類以上を使ってください。")
    if len(login) >= _SHORTEST_LOGIN and login.casefold() in password.casefold():
        problems.append("パスワードにログイン名を含めないでください。")
    if not problems and was_used(password):
        problems.append(f"過去{policy.history}回以内に使ったパスワードは使えません。")
    return problems


def expires_at(changed_at: datetime, policy: PasswordPolicy) -> datetime | None:
    """Return when a password set at `changed_at` has to be changed, None for never."""
    return None if policy.expires_after is None else changed_at + policy.expires_after


def is_expired(changed_at: datetime, now: datetime, policy: PasswordPolicy) -> bool:
    """Tell whether the password has to be changed before anything else is done."""
    expiry = expires_at(changed_at, policy)
    return expiry is not None and now >= expiry


def after_failure(guard: LoginGuard, now: datetime, policy: PasswordPolicy) -> LoginGuard:
    """Return the guard after a wrong password: locked on the last allowed one, counting anew once a lock is over."""
    if guard.is_locked(now):
        return guard
    failures = 1 if guard.locked_until is not None else guard.failures + 1
    return LoginGuard(failures, now + policy.lock_for if failures >= policy.max_failures else None)


def after_success() -> LoginGuard:
    """Return the guard after a right password."""
    return LoginGuard()


def _classes(password: str) -> int:
    kinds = {
        "upper" if char.isupper() else "lower" if char.islower() else "digit" if char.isdecimal() else "other"
        for char in password
    }
    return len(kinds)
