"""Opening the register: SQLite at first, PostgreSQL when it grows; the same statements on both.

A transaction is a plain function of a Connection (`def record_result(tx, …)`). Command-line tools run it with
`with database.write() as tx`; daemons with `await database.run(function, …)`, which runs it on an asynchronous driver
so that a slow disk or a lock never stops the event loop.

On SQLite every writing transaction begins with BEGIN IMMEDIATE: with the driver's default of a late upgrade two
read-modify-writes overlap and one is lost without an error. `synchronous=FULL` because with NORMAL a power cut can take
back the last commits, and a person whose attempt is forgotten is called again. A writer waits `LOCK_WAIT` for another,
and asks every `ASK_AGAIN`: SQLite's own busy handler asks ever more rarely, down to ten times a second, and so misses
the moments that a long import leaves to others, unless these are as long as its pauses.

On PostgreSQL statements are prepared once they were asked a few times, which halves their price, and the driver forgets all
of them at a ROLLBACK, in case it took back what they refer to. A refusal (an exception of our own) ends a transaction that has
mostly written nothing yet: that one is ended by a COMMIT, which is the same to the register.

After a commit that wrote to the outbox the `bell` is rung, so that readers look at once instead of within a second.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import psycopg
import sqlalchemy
from psycopg.pq import TransactionStatus
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, QueuePool

from db.writer import Writer

LOCK_WAIT: Final = 15.0
"""Seconds that a transaction waits for SQLite's one writer before it fails."""

ASK_AGAIN: Final = 0.002
"""Seconds between two questions of a transaction that waits for SQLite's writer."""

PREPARED: Final = 1_000
"""Statements that a connection to PostgreSQL keeps prepared: a page has some seventy, and a daemon a few hundred."""

OUTBOX_WRITTEN: Final = "outbox_written"

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseUrlError(Exception):
    """The database URL is not one that saikoku can use."""

    code = "database_url"


def _drivers(url: URL) -> tuple[URL, URL]:
    """The synchronous and the asynchronous form of a database URL."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        return url.set(drivername="sqlite"), url.set(drivername="sqlite+aiosqlite")
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg"), url.set(drivername="postgresql+psycopg")
    raise DatabaseUrlError(f"database.url: sqlite:///FILE or postgresql://…, not {backend}")


class Database:
    """One register. Cheap to make; connections are opened as they are needed and closed by `close`/`aclose`."""

    def __init__(
        self,
        url: str,
        *,
        ring: Callable[[], None] | None = None,
        pool_size: int = 5,
        lock_wait: float = LOCK_WAIT,
        threaded: bool = False,
        by_key: bool = False,
    ) -> None:
        """`ring` is called after a commit that wrote to the outbox (not on PostgreSQL, which notifies by itself).

        `lock_wait`: seconds that a transaction waits for SQLite's one writer. `threaded`: on PostgreSQL too, `run` and `ask`
        take a thread for a transaction, as they do on SQLite: for a daemon whose transactions have many statements or
        compute for long, since the asynchronous driver goes through the event loop for each statement. `by_key`: PostgreSQL
        is told to read no table as a whole, for a daemon that asks by keys only (see `_ask_by_key`).
        """
        parsed = make_url(url)
        self.url: Final = url
        self._sync_url, self._async_url = _drivers(parsed)
        self.is_sqlite: Final = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self._ring = ring or (lambda: None)
        self._pool_size = pool_size
        self._lock_wait = lock_wait
        self._threaded: Final = threaded or self.is_sqlite
        self._by_key: Final = by_key
        self._sync: Engine | None = None
        self._async: AsyncEngine | None = None
        self._opening: Final = threading.Lock()
        self.backends: Final[set[int]] = set()
        """PostgreSQL's processes that serve these connections: whose notifications are our own."""
        self._under_way: Final[set[asyncio.Task[Any]]] = set()
        # readers have threads of their own: a writer may wait for long, and nobody who only looks waits for one
        self._writer: Final = Writer("register-writer")
        self._writers: Final = ThreadPoolExecutor(pool_size, thread_name_prefix="register-writer")
        self._readers: Final = ThreadPoolExecutor(pool_size, thread_name_prefix="register-reader")

    @property
    def label(self) -> str:
        """Which register this is, without its password."""
        return self._sync_url.render_as_string(hide_password=True)

    @property
    def file(self) -> str:
        """The file of an SQLite register."""
        return self._sync_url.database or ""

    @property
    def dsn(self) -> str:
        """The URL as libpq reads it (PostgreSQL)."""
        return self._sync_url.set(drivername="postgresql").render_as_string(hide_password=False)

    # -- synchronous: command line, seeding, tests

    @property
    def engine(self) -> Engine:
        """The synchronous engine (for migrations and bulk loads)."""
        with self._opening:  # two threads may be the first; no connection may be made before the engine is prepared
            if self._sync is None:
                self._sync = sqlalchemy.create_engine(
                    self._sync_url, poolclass=QueuePool, pool_size=self._pool_size, pool_use_lifo=True
                )
                self._prepare(self._sync)
            return self._sync

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction: committed at the end of the block, rolled back by an exception."""
        with self.engine.connect() as connection:
            tx = connection.execution_options(saikoku_write=True)
            with tx.begin():
                yield tx
            self._after_commit(tx)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One reading transaction: a consistent view, never blocked by a writer."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    # -- asynchronous: daemons

    @property
    def async_engine(self) -> AsyncEngine:
        """The asynchronous engine."""
        if self._async is None:
            self._async = create_async_engine(
                self._async_url, poolclass=AsyncAdaptedQueuePool, pool_size=self._pool_size, pool_use_lifo=True
            )
            self._prepare(self._async.sync_engine)
        return self._async

    async def run(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(tx, …)` as one writing transaction. A caller that is cancelled waits until it is over."""

        def work(tx: Connection) -> R:
            return function(tx, *args, **kwargs)

        if self.is_sqlite:
            return await self._to_its_end(self._in_writer(work, first=getattr(function, "urgent", False)))
        if self._threaded:
            return await self._to_its_end(self._in_thread(self._writers, self.write, work))
        return await self._to_its_end(self._on_driver(work))

    async def ask(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(tx, …)` as one reading transaction."""

        def work(tx: Connection) -> R:
            return function(tx, *args, **kwargs)

        async def transaction() -> R:
            async with self.async_engine.connect() as connection, connection.begin():
                return await connection.run_sync(work)

        if self._threaded:
            return await self._to_its_end(self._in_thread(self._readers, self.read, work))
        return await self._to_its_end(transaction())

    async def _to_its_end(self, transaction: Coroutine[Any, Any, R]) -> R:
        """Keep a cancellation out of a transaction.

        The driver's thread goes on with what it was asked for, and SQLite keeps a connection that is closed in the middle
        of a statement, with its write lock, for as long as anything (a traceback) refers to that statement: every other
        writer would wait in vain.
        """
        task = asyncio.create_task(transaction)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody else will ask for it
            raise

    async def _in_writer(self, work: Callable[[Connection], R], *, first: bool) -> R:
        def transaction() -> R:
            with self.write() as tx:
                return work(tx)

        return await asyncio.wrap_future(self._writer.submit(transaction, first=first))

    @staticmethod
    async def _in_thread(
        threads: ThreadPoolExecutor, begin: Callable[[], AbstractContextManager[Connection]],
        work: Callable[[Connection], R],
    ) -> R:  # fmt: skip
        """The whole transaction in one hop to a thread; aiosqlite would take several a statement."""

        def transaction() -> R:
            with begin() as tx:
                return work(tx)

        return await asyncio.get_running_loop().run_in_executor(threads, transaction)

    async def _on_driver(self, work: Callable[[Connection], R]) -> R:
        async with self.async_engine.connect() as plain:
            connection = await plain.execution_options(saikoku_write=True)
            async with connection.begin():
                result = await connection.run_sync(work)
            await connection.run_sync(self._after_commit)
            return result

    def close(self) -> None:
        """Close the synchronous connections."""
        if self._sync is not None:
            self._sync.dispose()
            self._sync = None

    async def aclose(self) -> None:
        """Close all connections, once the transactions under way are over (whoever began them may have been cancelled)."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        if self._async is not None:
            await self._async.dispose()
            self._async = None
        self._writer.shutdown()
        self._writers.shutdown()
        self._readers.shutdown()
        self.close()

    def _prepare(self, engine: Engine) -> None:
        if self.is_sqlite:
            _prepare_sqlite(engine, self._lock_wait)
        else:
            _prepare_postgresql(engine, self.backends, by_key=self._by_key)

    def _after_commit(self, tx: Connection) -> None:
        if tx.info.pop(OUTBOX_WRITTEN, False) and self.is_sqlite:
            self._ring()


def _prepare_sqlite(engine: Engine, lock_wait: float) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; on_begin does
        cursor = connection.cursor()
        cursor.execute(_busy_timeout(lock_wait))
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -16384")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("saikoku_write", False):
            _begin_writing(connection, lock_wait)
        else:
            connection.exec_driver_sql("BEGIN")


def _prepare_postgresql(engine: Engine, backends: set[int], *, by_key: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(_connection: object, record: ConnectionPoolEntry) -> None:
        driver = cast("psycopg.Connection[Any]", record.driver_connection)
        driver.prepared_max = PREPARED
        backends.add(driver.info.backend_pid)
        # lists (`store.many`) travel in binary form: written out as text they took longer than the rest of a statement
        driver.adapters.register_dumper(list, ListBinaryDumper)
        if by_key:
            _ask_by_key(driver)

    @event.listens_for(engine, "rollback")
    def on_rollback(connection: Connection) -> None:
        pooled = connection.connection
        driver = cast("psycopg.Connection[Any] | None", pooled.driver_connection)
        if driver is None or driver.info.transaction_status is not TransactionStatus.INTRANS:
            return  # broken, or failed in the database: nothing can be asked any more
        cursor = pooled.cursor()
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NULL")
        if cursor.fetchone() == (True,):
            pooled.commit()
        cursor.close()


def _ask_by_key(driver: "psycopg.Connection[Any]") -> None:
    """A statement that was prepared while a table was almost empty reads all of it from then on, until PostgreSQL comes to count
    its rows: minutes in which a sender of messages stored 100,000 receipts, each group of them with a walk over all before.

    A table without an index for a question is read nevertheless, at a price set so high that PostgreSQL would compile the
    statement first (0.1 s for the rights of a user): it must not.
    """
    driver.pgconn.exec_(
        b"SET enable_seqscan = off; SET jit = off"
    )  # outside a transaction, whose end would take it back


def _begin_writing(connection: Connection, lock_wait: float) -> None:
    driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        _wait_for_writer(driver, time.monotonic() + lock_wait)
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # for the last time, and for SQLAlchemy's own error
    finally:
        driver.execute(_busy_timeout(lock_wait))


def _wait_for_writer(driver: sqlite3.Connection, until: float) -> None:
    while time.monotonic() < until:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                return
            time.sleep(ASK_AGAIN)
        else:
            return


def _busy_timeout(lock_wait: float) -> str:
    return f"PRAGMA busy_timeout = {int(lock_wait * 1000)}"


def is_locked(error: Exception) -> bool:
    """Whether a database error means that SQLite's writer was held by somebody for longer than LOCK_WAIT."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)
