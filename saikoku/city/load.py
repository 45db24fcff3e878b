"""Writing a city as fast as the driver takes it (`db.store.bulk`).

Indexes that are not unique are laid aside during a load and built after it in one sorted pass, which
takes a fraction of the time. A load that is killed leaves a register without them and half a city: it is thrown away.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Index, Table, text

from db.engine import Database
from db.schema.base import Base
from db.store.bulk import insert_rows, learn
from saikoku.city.plan import COLUMNS, Row

_CACHE_KIB: Final = 65_536
_USUAL_CACHE_KIB: Final = 16_384  # that of db.engine

TABLES: Final[Mapping[str, Table]] = {name: Base.metadata.tables[name] for name in COLUMNS}


class Loader:
    """Writes rows into the tables of a city, a transaction a chunk."""

    def __init__(self, database: Database) -> None:
        """Write into this register."""
        self._database: Final = database

    def write(self, tables: Mapping[str, Sequence[Row]]) -> None:
        """Write the rows of one chunk in one transaction, parents first."""
        with self._database.write() as tx:
            if self._database.is_sqlite:
                tx.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
            else:
                tx.execute(text("SET LOCAL TIME ZONE 'UTC'"))
            for name in COLUMNS:
                insert_rows(tx, TABLES[name], COLUMNS[name].split(), tables[name])

    @contextmanager
    def without_indexes(self) -> Iterator[None]:
        """Lay the indexes aside, and build them again whatever happens; then bring key sequences up to date."""
        with self._database.write() as tx:
            for index in _indexes():
                index.drop(tx, checkfirst=True)
        try:
            yield
        finally:
            for index in _indexes():
                with self._database.write() as tx:
                    index.create(tx, checkfirst=True)
            self._finish()

    def _finish(self) -> None:
        with self._database.write() as tx:
            learn(tx)
            if self._database.is_sqlite:
                tx.exec_driver_sql(f"PRAGMA cache_size = -{_USUAL_CACHE_KIB}")
                return
            for name, table in TABLES.items():
                if len(table.primary_key) == 1 and "id" in table.c and table.c.id.autoincrement is not False:
                    _move_sequence(tx, name)


def _indexes() -> list[Index]:
    """The indexes of the tables that only make reading fast."""
    return sorted(
        (index for table in TABLES.values() for index in table.indexes if not index.unique),
        key=lambda index: str(index.name),
    )


def _move_sequence(tx: Connection, table: str) -> None:
    sequence = tx.execute(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table}).scalar()
    if sequence:
        highest = tx.execute(text(f'SELECT max(id) FROM "{table}"')).scalar()  # noqa: S608
        tx.execute(text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest or 1})
