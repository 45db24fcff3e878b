"""What all tables share: naming, column types and the metadata."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import uuid_utils
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, Uuid
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from db.rules.terms import Term

T = TypeVar("T", bound=Term)

NAMING: Final[Mapping[str, str]] = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = BigInteger().with_variant(Integer, "sqlite")
"""A key that grows: 64 bits everywhere (SQLite's INTEGER PRIMARY KEY is its row id)."""

Folded = String().with_variant(String(collation="C"), "postgresql")
"""Text compared byte by byte, so that a prefix search is a range of the index on both databases."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Towards the database: UTC; SQLite keeps it without an offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored time must be aware: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database: aware, in UTC."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Code(TypeDecorator[T], Generic[T]):
    """A member of one of the field's enumerations, kept as its code."""

    impl = String(24)
    cache_ok = True

    def __init__(self, terms: type[T]) -> None:
        super().__init__()
        self.terms = terms

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Towards the database: the code; a word that is no member is refused."""
        return None if value is None else self.terms(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:  # noqa: ARG002
        """From the database: the member."""
        return None if value is None else self.terms(value)

    # The same at once, from a table: a claim reads and writes thousands of codes, and an enumeration is slow to ask.

    def bind_processor(self, dialect: Dialect) -> Callable[[T | None], str | None]:
        """What `process_bind_param` does."""
        codes: dict[T | None, str | None] = {None: None, **{term: term.value for term in self.terms}}
        return lambda value: codes[value] if value in codes else self.process_bind_param(value, dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], T | None]:  # noqa: ARG002
        """What `process_result_value` does."""
        members: dict[str | None, T | None] = {None: None, **{term.value: term for term in self.terms}}
        return lambda value: members[value] if value in members else self.process_result_value(value, dialect)


class Base(DeclarativeBase):
    """The tables. They are used through Core statements; no session, no lazy loading."""

    metadata = MetaData(naming_convention=dict(NAMING))
    type_annotation_map: Final[Mapping[Any, Any]] = {datetime: UtcDateTime(), uuid.UUID: Uuid(), str: String()}


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): unique without asking, and rising with time, so that indexes stay compact."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)
