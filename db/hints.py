"""Hints: "look at the outbox now". Losing one costs a second, because every reader looks once a second anyway.

On SQLite all processes are on one machine: a reader listens on a datagram socket in the run directory, and whoever
committed sends one byte to each socket found there. On PostgreSQL the outbox notifies by itself and readers LISTEN.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Final, Protocol

import psycopg

from db.engine import Database
from db.outbox import CHANNEL, Change, Cursor, changes_after, latest

LOOK_EVERY: Final = 1.0
"""Seconds after which a reader looks without having been told to."""


class Bell:
    """Rings all readers on this machine. Safe from any thread; never blocks; readers that are gone are swept away."""

    def __init__(self, run_dir: Path) -> None:
        self._dir = run_dir

    def __call__(self) -> None:
        """Ring."""
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)) as sender:
            for path in self._dir.glob("hint-*.sock"):
                try:
                    sender.sendto(b"!", str(path))
                except BlockingIOError:
                    continue  # it has been told often enough
                except OSError:
                    path.unlink(missing_ok=True)


class Hints(Protocol):
    """Where hints arrive."""

    async def wait(self, seconds: float) -> None:
        """Return at the next hint, or after `seconds`."""
        ...


class _Event(Hints):
    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        # not wait_for: in Python 3.11 it loses a cancellation that comes in the same moment as the event
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.event.wait()
        self.event.clear()


@asynccontextmanager
async def hints(database: Database, run_dir: Path, *, but_own: bool = False) -> AsyncIterator[Hints]:
    """Listen for hints. `but_own`: on PostgreSQL, only for those that others than this very `database` give."""
    made = _local(run_dir) if database.is_sqlite else _postgres(database, but_own=but_own)
    async with made as listening:
        yield listening


@asynccontextmanager
async def _local(run_dir: Path) -> AsyncIterator[Hints]:
    path = run_dir / f"hint-{os.getpid()}-{secrets.token_hex(4)}.sock"
    heard = _Event()
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    loop = asyncio.get_running_loop()

    def drain() -> None:
        with suppress(BlockingIOError):
            while receiver.recv(16):
                heard.event.set()

    with closing(receiver):
        receiver.bind(str(path))
        loop.add_reader(receiver, drain)
        try:
            yield heard
        finally:
            loop.remove_reader(receiver)
            path.unlink(missing_ok=True)


@asynccontextmanager
async def _postgres(database: Database, *, but_own: bool) -> AsyncIterator[Hints]:
    heard = _Event()
    ignored = database.backends if but_own else frozenset[int]()

    async def listen() -> None:
        while True:
            with suppress(psycopg.OperationalError):
                connection = await psycopg.AsyncConnection.connect(database.dsn, autocommit=True)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for notification in connection.notifies():
                        if notification.pid not in ignored:
                            heard.event.set()
            await asyncio.sleep(LOOK_EVERY)

    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def follow(
    database: Database, listening: Hints, cursor: Cursor | None = None, *, apart: float = 0.0
) -> AsyncIterator[list[Change]]:
    """Hand out changes as they come, for ever: each list once, oldest first, starting after `cursor` (or now).

    `apart`: so many seconds lie between two looks at least. What comes after a moment of quiet is seen at once all the same.
    """
    at, loop = await database.ask(latest) if cursor is None else cursor, asyncio.get_running_loop()
    while True:
        looked = loop.time()
        found = await database.ask(changes_after, at)
        if found:
            at = found[-1].cursor
            yield found
        else:
            await listening.wait(LOOK_EVERY)
        if (early := looked + apart - loop.time()) > 0:
            await asyncio.sleep(early)
