"""Many at once at the price of one: the members of a list, or rows, travel as one value, so that a statement is the same
however many there are.

With SQLAlchemy's own `in_` each length is another text to render, to plan and (on PostgreSQL) to prepare; for a hundred members
that cost more than the query, as did the binding of a hundred rows column by column. SQLite unpacks a JSON text,
PostgreSQL arrays.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    String,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine


class Many(TypeDecorator[Collection[Any]]):
    """A bound collection of values of one type."""

    impl = String
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where there are any."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(self.item))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """Towards the database."""
        if value is None or dialect.name != "sqlite":
            return None if value is None else list(value)
        stored = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([stored(one) for one in value] if stored else list(value))


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> "_Among":  # noqa: ARG002
        """A condition as it is, without the `= 1` that SQLAlchemy adds to functions on SQLite: an index would be of no use."""
        return self


@compiles(_Among, "sqlite")
def _in_sqlite(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **more)} IN (SELECT value FROM json_each({compiler.process(values, **more)}))"  # noqa: S608


@compiles(_Among)
def _in_array(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **more)} = ANY ({compiler.process(values, **more)})"


def among(column_: Any, name: str) -> ColumnElement[bool]:
    """Whether a column's value is one of those that are bound as `name` when the statement is executed."""
    return _Among(column_, bindparam(name, type_=Many(column_.type)))


class _Rows(TypeDecorator[Sequence[Sequence[Any]]]):
    """Bound rows, for SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, *types: TypeEngine[Any]) -> None:
        super().__init__()
        self.types = types

    def process_bind_param(self, value: Sequence[Sequence[Any]] | None, dialect: Dialect) -> str | None:
        """Towards the database."""
        if value is None:
            return None
        columns = [
            _stored(values, one.dialect_impl(dialect).bind_processor(dialect))
            for values, one in zip(zip(*value, strict=True), self.types, strict=True)
        ]
        return json.dumps(list(zip(*columns, strict=True)))


def _stored(values: Iterable[Any], stored: Callable[[Any], Any] | None) -> Iterable[Any]:
    """Values of a column as they are stored."""
    return map(stored, values) if stored else values


@dataclass(frozen=True, slots=True)
class Given:
    """Rows that are bound when a statement is executed (`tx.execute(statement, given.bound(tx, rows))`).

    `name`: under which a statement knows them; `columns`: their types by name.
    """

    name: str
    columns: Mapping[str, TypeEngine[Any]]

    def table(self, dialect: str) -> FromClause:
        """The rows as something to select from."""
        if dialect == "sqlite":
            rows = func.json_each(bindparam(self.name, type_=_Rows(*self.columns.values()))).table_valued("value")
            cells = (
                type_coerce(func.json_extract(rows.c.value, literal_column(f"'$[{place}]'")), kind).label(name)
                for place, (name, kind) in enumerate(self.columns.items())
            )
            return select(*cells).subquery(self.name)
        arrays = (bindparam(f"{self.name}_{name}", type_=ARRAY(kind)) for name, kind in self.columns.items())
        columns = (column(name, kind) for name, kind in self.columns.items())
        return func.unnest(*arrays).table_valued(*columns, name=self.name).render_derived()

    def one_of(self, dialect: str, column_: Any, name: str) -> ColumnElement[bool]:
        """That a column's value stands in one of the rows, for a condition beside the join with them: PostgreSQL knows no number
        of rows, and would rather read a whole table than look up each; how many an array holds it sees. SQLite looks up anyway."""
        return (
            true()
            if dialect == "sqlite"
            else _Among(column_, bindparam(f"{self.name}_{name}", type_=ARRAY(self.columns[name])))
        )

    def bound(self, tx: Connection, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The parameters for at least one row."""
        if tx.dialect.name == "sqlite":
            return {self.name: rows}
        columns = zip(*rows, strict=True)
        return {f"{self.name}_{name}": list(values) for name, values in zip(self.columns, columns, strict=True)}
