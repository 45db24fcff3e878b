"""Alembic's entry point: it is handed the open register by `db.migrations.config`."""

from typing import Any, Literal

from alembic import context

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

with database.engine.connect() as plain:
    connection = plain.execution_options(saikoku_write=True)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=plain_types,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
