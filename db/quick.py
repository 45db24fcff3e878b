"""Small look-ups straight on an event loop: a read-only SQLite connection that cannot hold the loop for long.

For the FastAGI server. A thread or an asynchronous driver costs more than such a look-up does (8,000–10,000 a second
here, 1,000–1,400 there, with a far worse tail), so it is done on the spot, under three bounds: readers of a WAL register
never wait for writers and anything else that is locked is given up after LOCK_WAIT; a statement that runs past its
time is interrupted; and the connection can only read. What no bound here reaches is a disk that does not answer a read
at all: keep the register on a local disk (SQLite wants that anyway).
"""

import os
import sqlite3
import time
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

LOCK_WAIT: Final = 0.005
"""Seconds the loop may stand still for a lock."""

_LOOK_AT_CLOCK: Final = 2000  # steps of SQLite's machine between looks at the clock; a look-up here takes some hundred

P = ParamSpec("P")
R = TypeVar("R")


class RegisterUnavailable(Exception):  # noqa: N818 - it names a state of the register
    """The register could not answer, or not in time."""

    code = "register_unavailable"


class QuickReader:
    """Reads one SQLite register. The connection opens at the first question and again after a failure."""

    def __init__(self, file: str, hold: float = 0.1, now: Callable[[], float] = time.monotonic) -> None:
        """`hold`: seconds after which a statement is interrupted."""
        self._file = file
        self._hold = hold
        self._now = now
        self._until = 0.0
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._inode = 0

    def ask(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(connection, …)`, each statement in a view of its own; raises RegisterUnavailable."""
        try:
            connection = self._open()
            self._until = self._now() + self._hold
            return function(connection, *args, **kwargs)
        except (DBAPIError, OSError) as error:
            self.close()
            raise RegisterUnavailable(str(getattr(error, "orig", error))) from error

    def close(self) -> None:
        """Close the connection; the next question opens one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _open(self) -> Connection:
        inode = os.stat(self._file).st_ino  # noqa: PTH116 - Path.stat is several times slower, and this is asked each time
        if self._connection is not None and inode == self._inode:
            return self._connection
        self.close()  # a register that was restored is another file under the same name
        self._inode = inode
        self._engine = sqlalchemy.create_engine(
            "sqlite://", creator=self._connect, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.StaticPool
        )
        self._connection = self._engine.connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(self._file)}?mode=ro", uri=True, timeout=LOCK_WAIT)
        connection.set_progress_handler(self._late, _LOOK_AT_CLOCK)
        return connection

    def _late(self) -> bool:
        return self._now() > self._until
