"""Password hashes by Argon2id (RFC 9106), through argon2-cffi. Slow by design: never inside a transaction or an event loop."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=1$c2Fpa29rdS1ub2JvZHkhIQ$4FZ9o7o5H2mYqJ0m1cN0mZ0Y2m3b0oXb1m0m9y3b8kU"


def hash_password(password: str) -> str:
    """The hash to keep for a password."""
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one hashed. Without a hash (an unknown user) it takes as long and says no."""
    try:
        return _HASHER.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
