"""Writing many rows as fast as the driver takes them: executemany on SQLite, COPY on PostgreSQL; and what follows from many.

Values come in the form in which they are stored (codes as text, days as ISO text), so that SQLAlchemy has nothing to
convert; it still says what the statements are.
"""

from collections.abc import Sequence

from psycopg import sql
from sqlalchemy import Connection, Table, column, func, insert, select
from sqlalchemy import table as lightweight

Row = Sequence[object]


def insert_rows(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert `rows`; `columns` name their values. What they leave out takes the default of the database, not of Python."""
    if not rows:
        return
    cursor = tx.connection.cursor()
    if tx.dialect.name == "sqlite":
        named = lightweight(table.name, *(column(name) for name in columns))
        cursor.executemany(str(insert(named).compile(dialect=tx.dialect)), rows)
        return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def learn(tx: Connection) -> None:
    """After many rows: let the database count anew what it plans by.

    Without, PostgreSQL took minutes for the summaries of 10,000 people that take it a second (it would come to it by
    itself after a while), and SQLite never learns which index is worth it. Samples are taken, so it is short.
    """
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA analysis_limit = 1000")
    tx.exec_driver_sql("ANALYZE")


def next_ids(tx: Connection, table: Table, count: int) -> Sequence[int]:
    """Keys for `count` new rows of a table whose key is `id`; nobody else gets them before the transaction ends."""
    if count == 0:
        return ()
    if tx.dialect.name == "sqlite":
        highest = tx.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        return range(highest + 1, highest + 1 + count)
    sequence = func.pg_get_serial_sequence(table.name, "id")
    query = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
    return list(tx.execute(query).scalars())
