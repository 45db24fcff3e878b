"""Alembic's entry point: it is handed the open register by `db.migrations.config`."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from db.engine import Database
from db.schema import metadata
from db.schema.base import Code, UtcDateTime


def plain_types(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Our column types as the plain ones beneath, so that a migration never changes with the code."""
    if kind == "type" and isinstance(item, Code):
        return "sa.String(24)"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


database: Database = context.config.attributes["database"]


def let_tables_be_rebuilt(connection: Connection) -> None:
    """SQLite changes a table by making it anew, and would not drop the old one while rows of others refer to it."""
    if database.is_sqlite:
        _sqlite(connection).execute("PRAGMA foreign_keys = OFF")  # does nothing within a transaction


def see_that_nothing_is_lost(connection: Connection) -> None:
    """Every reference must lead somewhere, or the register is not to be used. Raises RuntimeError."""
    if database.is_sqlite:
        broken = _sqlite(connection).execute("PRAGMA foreign_key_check").fetchall()
        _sqlite(connection).execute("PRAGMA foreign_keys = ON")
        if broken:
            raise RuntimeError(f"the migration left {len(broken)} references to nothing, the first in {broken[0][0]!r}")


def _sqlite(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


with database.engine.connect() as plain:
    connection = plain.execution_options(saikoku_write=True)
    let_tables_be_rebuilt(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=plain_types,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    see_that_nothing_is_lost(connection)
