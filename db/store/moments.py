"""Days and moments as whole numbers, computed by the database: SQLite and PostgreSQL have no words for it in common."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, SQLColumnExpression, cast, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class day_number(GenericFunction[int]):  # noqa: N801 - named as functions are in SQL
    """`date.toordinal()` of a date column."""

    type = Integer()
    inherit_cache = True
    name = "day_number"


class epoch_seconds(GenericFunction[int]):  # noqa: N801 - named as functions are in SQL
    """Seconds since 1970 of a moment."""

    type = BigInteger()
    inherit_cache = True
    name = "epoch_seconds"


@compiles(day_number, "sqlite")
def _day_sqlite(element: day_number, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(julianday({compiler.process(element.clauses, **kw)}) - 1721424.5 AS INTEGER)"


@compiles(day_number, "postgresql")
def _day_postgresql(element: day_number, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} - DATE '0001-01-01' + 1)"


@compiles(epoch_seconds, "sqlite")
def _epoch_sqlite(element: epoch_seconds, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **kw)}) AS INTEGER)"


@compiles(epoch_seconds, "postgresql")
def _epoch_postgresql(element: epoch_seconds, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **kw)})) AS BIGINT)"


def bit(place: SQLColumnExpression[int]) -> ColumnElement[int]:
    """The number whose only bit is at `place`."""
    return cast(literal(1), BigInteger).bitwise_lshift(cast(place, Integer))
