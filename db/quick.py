"""Small look-ups straight on an event loop: a read-only SQLite connection that cannot hold the loop for long.

For the FastAGI server. A thread or an asynchronous driver costs several times what such a look-up does, and has a far
worse tail, so it is done on the spot, under three bounds: readers of a WAL register never wait for writers and anything
else that is locked is given up after LOCK_WAIT; a statement that runs past its time is interrupted; and the connection
can only read. What no bound here reaches is a disk that does not answer a read at all: keep the register on a local disk
(SQLite wants that anyway).

A `Question` is a Core statement with its values. Anyone can put it to a Connection; the quick reader keeps its SQL and
the conversions of its types ready, which takes two thirds off the time of a look-up.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Select
from sqlalchemy.dialects import sqlite

LOCK_WAIT: Final = 0.005
"""Seconds the loop may stand still for a lock."""

CACHE_KIB: Final = 32_768
"""Enough for the upper pages of the indexes of a city of a million."""

_LOOK_AT_CLOCK: Final = 2000  # steps of SQLite's machine between looks at the clock; a look-up takes some hundred

R = TypeVar("R")
Row = Sequence[Any]
Convert = Callable[[Any], Any]


class RegisterUnavailable(Exception):  # noqa: N818 - it names a state of the register
    """The register could not answer, or not in time."""

    code = "register_unavailable"


@dataclass(frozen=True, slots=True)
class Question(Generic[R]):
    """What is asked: a statement that is the same object each time, values for its parameters, and how rows are read."""

    statement: Select[*tuple[Any, ...]]
    read: Callable[[Iterable[Row]], R]
    values: Mapping[str, Any] = field(default_factory=dict)

    def ask(self, tx: Connection) -> R:
        """Put the question within a transaction."""
        return self.read(tx.execute(self.statement, self.values))


class QuickReader:
    """Reads one SQLite register. The connection opens at the first question and again after a failure."""

    def __init__(self, file: str, hold: float = 0.1, now: Callable[[], float] = time.monotonic) -> None:
        """`hold`: seconds after which a statement is interrupted."""
        self._file = file
        self._hold = hold
        self._now = now
        self._until = 0.0
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._prepared: dict[Select[*tuple[Any, ...]], _Prepared] = {}

    def ask(self, question: Question[R]) -> R:
        """Put a question; raises RegisterUnavailable."""
        prepared = self._prepared.get(question.statement)
        if prepared is None:
            prepared = self._prepared[question.statement] = _Prepared(question.statement)
        try:
            connection = self._open()
            self._until = self._now() + self._hold
            rows = connection.execute(prepared.sql, prepared.bound(question.values)).fetchall()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise RegisterUnavailable(str(error)) from error
        return question.read(prepared.converted(rows))

    def close(self) -> None:
        """Close the connection; the next question opens one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        inode = os.stat(self._file).st_ino  # noqa: PTH116 - Path.stat is slower, and this is asked each time
        if self._connection is not None and inode == self._inode:
            return self._connection
        self.close()  # a register that was restored is another file under the same name
        self._inode = inode
        uri = f"file:{quote(self._file)}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT, isolation_level=None)
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._connection.set_progress_handler(self._late, _LOOK_AT_CLOCK)
        return self._connection

    def _late(self) -> bool:
        return self._now() > self._until


class _Prepared:
    """A statement as SQLite's driver takes it, and the conversions of its values and columns."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        dialect = sqlite.dialect()
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.sql: Final = str(compiled)
        kinds = {name: compiled.binds[name].type.dialect_impl(dialect) for name in compiled.positiontup or ()}
        to_driver = {name: kind.bind_processor(dialect) or _as_it_is for name, kind in kinds.items()}
        fixed = compiled.construct_params(_check=False)
        names = compiled.positiontup or ()
        self._fixed: Final = [None if fixed[name] is None else to_driver[name](fixed[name]) for name in names]
        self._given: Final = [(at, name, to_driver[name]) for at, name in enumerate(names) if fixed[name] is None]
        self._seen: Final[dict[str, tuple[Any, Any]]] = {}
        columns = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        self._to_python: Final = [kind.result_processor(dialect, None) or _as_it_is for kind in columns]

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """Most values are the same as the last time; their conversion costs more than to see that."""
        bound = self._fixed.copy()
        for at, name, convert in self._given:
            value, seen = values[name], self._seen.get(name)
            if seen is None or seen[0] != value:
                seen = self._seen[name] = (value, convert(value))
            bound[at] = seen[1]
        return bound

    def converted(self, rows: Iterable[Row]) -> Iterable[Row]:
        kinds = self._to_python
        return [
            [None if value is None else convert(value) for convert, value in zip(kinds, row, strict=True)]
            for row in rows
        ]


def _as_it_is(value: Any) -> Any:
    return value
