"""The stage of one import: a file of its own beside the register, so that reading a large file holds up nobody.

It is thrown away and made again if it was not finished. Before the import may be applied it is brought to the disk
(`seal`): from then on the import can always be finished.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    cast,
    create_engine,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.pool import StaticPool

from db.rules.imports.fields import Form, Kind
from db.rules.imports.lines import Private, Refused
from db.usecases.imports.context import StagedRow

_NUMBERS: Final = frozenset({Form.YEN, Form.SIGNED_YEN, Form.COUNT, Form.YEAR})
_AT_ONCE: Final = 5_000
_REFUSED: Final = ("number", "title", "value", "reason")


class Stage:
    """The staged lines of one file. One process at a time; used from one thread."""

    def __init__(self, path: Path, kind: Kind, *, new: bool) -> None:
        """Open the stage; `new` throws away what was there."""
        self.path: Final = path
        if new:
            path.unlink(missing_ok=True)
        self._engine = create_engine(f"sqlite:///{path}", poolclass=StaticPool, connect_args={"isolation_level": None})
        meta = MetaData()
        values = [Column(f"v{at}", Integer if one.form in _NUMBERS else String) for at, one in enumerate(kind.fields)]
        self._line = Table("line", meta, Column("number", Integer), Column("key", String), *values)
        self._owner: Final = self._line.c.v0  # every kind's first field
        self._person = Table(
            "person", meta, Column("owner", String, primary_key=True), Column("debtor_id", Integer),
            sqlite_with_rowid=False,
        )  # fmt: skip
        self._ending = Table("ending", meta, Column("id", Integer, primary_key=True))
        self._kept = Table("kept", meta, Column("key", String, primary_key=True))
        self._refused = Table(
            "refused", meta,
            Column("number", Integer, index=True), Column("title", String), Column("value", String), Column("reason", String),
        )  # fmt: skip
        self._private = Table(
            "private", meta,
            Column("number", Integer), Column("title", String), Column("character", String), Column("value", String),
        )  # fmt: skip
        self._connection = self._engine.connect()
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16384", "temp_store = FILE"):
            self._connection.exec_driver_sql(f"PRAGMA {pragma}")
        meta.create_all(self._connection)
        self._statements = {
            table.name: str(insert(table).compile(dialect=self._engine.dialect))
            for table in (self._line, self._person, self._ending, self._kept, self._refused, self._private)
        }

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._engine.dispose()

    def seal(self) -> None:
        """Bring the file to the disk, so that not even a power cut takes it back."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    # -- filling

    def add_lines(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Lines: number, key, values, of which the first is the owner."""
        self._write("line", rows)

    def refuse(self, refused: Iterable[Refused]) -> None:
        """Lines that cannot be taken."""
        self._write("refused", [(one.number, one.column, one.value, one.reason) for one in refused])

    def keep(self, keys: Iterable[str]) -> None:
        """Keys of refused lines: the file lists them, so they have not ended."""
        self._write("kept", [(key,) for key in set(keys) - self._among(self._kept, list(keys))])

    def note_private(self, found: Iterable[Private]) -> None:
        """Private-use characters (外字)."""
        self._write("private", [(one.number, one.column, one.character, one.value) for one in found])

    def settle(self) -> int:
        """When all lines are there: refuse all but the first of equal ones, and order by people. Returns how many went."""
        line = self._line
        first = select(line.c.key, func.min(line.c.number).label("first")).group_by(line.c.key).having(func.count() > 1)
        doubles = first.subquery()
        words = cast(doubles.c.first, String).concat("行目と同じものを指す行です")
        later = (
            select(line.c.number, literal(""), literal(""), words)
            .join(doubles, doubles.c.key == line.c.key)
            .where(line.c.number > doubles.c.first)
        )
        refused = self._connection.execute(insert(self._refused).from_select(_REFUSED, later)).rowcount
        if refused:
            gone = self._line.c.number.in_(select(self._refused.c.number))
            self._connection.execute(delete(self._line).where(gone))
        Index("line_owner", self._owner, line.c.number).create(self._connection)
        return int(refused)

    def owners(self) -> Iterator[list[str]]:
        """The people of the file, in order, in batches."""
        found = self._connection.execute(select(self._owner).distinct().order_by(self._owner))
        for batch in found.scalars().partitions(_AT_ONCE):
            yield list(batch)

    def know(self, people: Iterable[tuple[str, int]]) -> None:
        """People of the file who are in the register."""
        self._write("person", list(people))

    def refuse_strangers(self) -> int:
        """Refuse the lines of people who are not in the register; returns how many."""
        line = self._line
        strange = ~exists().where(self._person.c.owner == self._owner)
        reason = "この宛名番号の人が登録されていません（先に宛名を取り込んでください）"
        lines = select(line.c.number, literal("宛名番号"), self._owner, literal(reason)).where(strange)
        refused = self._connection.execute(insert(self._refused).from_select(_REFUSED, lines)).rowcount
        if refused:
            listed = insert(self._kept).prefix_with("OR IGNORE").from_select(["key"], select(line.c.key).where(strange))
            self._connection.execute(listed)
            self._connection.execute(delete(line).where(strange))
        return int(refused)

    def index_keys(self) -> None:
        """Make `missing` fast."""
        Index("line_key", self._line.c.key).create(self._connection, checkfirst=True)

    def missing(self, keys: Sequence[str]) -> set[str]:
        """Those of some keys that the file does not list at all."""
        return set(keys) - self._among(self._line, keys) - self._among(self._kept, keys)

    def end(self, ids: Iterable[int]) -> None:
        """Rows of the register that end, because the file does not list them."""
        self._write("ending", [(one,) for one in ids])

    # -- reading

    def chunks(self, after: str, size: "Size") -> Iterator[list[StagedRow]]:
        """The lines of people after an owner, whole people at a time, about `size.rows` lines each."""
        line, person = self._line, self._person
        values = [column for column in line.c if column.name.startswith("v")]
        query = (
            select(line.c.number, self._owner, person.c.debtor_id, *values)
            .outerjoin(person, person.c.owner == self._owner)
            .where(self._owner > after)
            .order_by(self._owner, line.c.number)
        )
        chunk: list[StagedRow] = []
        cursor = self._plain(query)
        while batch := cursor.fetchmany(size.rows):
            chunk += batch
            last = chunk[-1][1]
            if chunk[0][1] == last:
                continue
            cut = next(at for at in range(len(chunk) - 1, -1, -1) if chunk[at][1] != last) + 1
            yield chunk[:cut]
            chunk = chunk[cut:]
        if chunk:
            yield chunk

    def _plain(self, query: Select[Any]) -> Any:
        """The driver's own cursor: a file's lines are many, and their values need no conversion."""
        compiled = query.compile(dialect=self._engine.dialect, compile_kwargs={"render_postcompile": True})
        names: Sequence[str] = compiled.positiontup or ()
        cursor = self._connection.connection.cursor()
        cursor.execute(str(compiled), [compiled.params[name] for name in names])
        return cursor

    def endings(self, size: int) -> Iterator[list[int]]:
        """Ids of rows that end, in batches."""
        for batch in (
            self._connection.execute(select(self._ending.c.id).order_by(self._ending.c.id)).scalars().partitions(size)
        ):
            yield list(batch)

    def refusals(self, limit: int | None = None) -> Iterator[tuple[Any, ...]]:
        """Refused lines (number, column, value, reason) by number."""
        query = select(self._refused).order_by(self._refused.c.number).limit(limit)
        for row in self._connection.execute(query):
            yield tuple(row)

    def private_characters(self) -> Iterator[tuple[Any, ...]]:
        """Private-use characters: each with how often, and where it first stands (number, column, value)."""
        table = self._private
        query = (
            select(table.c.character, func.count(), func.min(table.c.number), table.c.title, table.c.value)
            .group_by(table.c.character)
            .order_by(table.c.character)
        )
        for row in self._connection.execute(query):
            yield tuple(row)

    def count_lines(self) -> int:
        """Lines to apply."""
        return self._count(self._line)

    def count_refused(self) -> int:
        """Lines refused."""
        return self._count(self._refused)

    def count_private(self) -> int:
        """Different private-use characters."""
        distinct = select(func.count(func.distinct(self._private.c.character)))
        return int(self._connection.execute(distinct).scalar_one())

    def count_endings(self) -> int:
        """Rows that end."""
        return self._count(self._ending)

    def _count(self, table: Table) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())

    def _among(self, table: Table, keys: Sequence[str]) -> set[str]:
        return set(self._connection.execute(select(table.c.key).where(table.c.key.in_(keys))).scalars())

    def _write(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        connection = self._connection
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(self._statements[table], list(rows))
        connection.exec_driver_sql("COMMIT")


class Size:
    """How many lines a step takes: as many as keep SQLite's writer for about `hold` seconds."""

    def __init__(self, hold: float, rows: int = 1_000, most: int = 10_000) -> None:
        """`rows` is what a step takes at first, and the least: a commit has its price however few they are."""
        self.rows = rows
        self._hold = hold
        self._least = rows
        self._most = most

    def took(self, seconds: float) -> None:
        """Learn from the last step."""
        wanted = self.rows * self._hold / max(seconds, 1e-4)
        self.rows = int(max(self._least, min(wanted, self.rows * 1.5, self._most)))
