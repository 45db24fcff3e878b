"""The desk: what handlers ask about a caller. It answers within the deadline, whatever the register does.

On SQLite it reads on the event loop (`db.quick` says why); on PostgreSQL through the pool, and a question that is late is
left behind: waiting for its cancellation would wait for the server that does not answer.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from db.clock import Clock
from db.engine import Database
from db.quick import Question, QuickReader, RegisterUnavailable
from db.reference.phones import PhoneNumber
from db.rules.callers import Caller, CallerKind, identify
from db.rules.terms import Area
from db.rules.viewer import Viewer, system_viewer
from db.store import callers
from db.usecases.office import Office

LINES_KEPT: Final = timedelta(seconds=5)
"""For so long the office's own numbers are not read again."""

UNANSWERED: Final = 100
"""With so many questions left behind and still open, no new one is put."""

CLOSED_WITHIN: Final = 1.0
"""Seconds that open questions may take to end when the desk closes."""

R = TypeVar("R")
_log = logging.getLogger(__name__)


class Register(Protocol):
    """Where questions are put."""

    async def ask(self, question: Question[R]) -> R:
        """Put a question; raises RegisterUnavailable, in time."""
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class LoopRegister:
    """An SQLite register, read on the spot."""

    def __init__(self, reader: QuickReader) -> None:
        self._reader = reader

    async def ask(self, question: Question[R]) -> R:
        """Read on the spot."""
        return self._reader.ask(question)

    async def aclose(self) -> None:
        """Close the connection."""
        self._reader.close()


class PoolRegister:
    """A PostgreSQL register, through the pool of `database`."""

    def __init__(self, database: Database, deadline: float) -> None:
        self._database = database
        self._deadline = deadline
        self._left_behind: set[asyncio.Task[object]] = set()

    async def ask(self, question: Question[R]) -> R:
        """Read in a transaction of the pool."""
        if len(self._left_behind) >= UNANSWERED:
            raise RegisterUnavailable(f"{UNANSWERED} questions are unanswered")
        asking = asyncio.create_task(self._put(question))
        done, _ = await asyncio.wait({asking}, timeout=self._deadline)
        if not done:
            self._leave(asking)
            raise RegisterUnavailable(f"no answer within {self._deadline} s")
        try:
            return asking.result()
        except (SQLAlchemyError, OSError) as error:
            raise RegisterUnavailable(type(error).__name__) from error

    async def aclose(self) -> None:
        """Give what was left behind a moment to end."""
        if self._left_behind:
            await asyncio.wait(self._left_behind, timeout=CLOSED_WITHIN)

    async def _put(self, question: Question[R]) -> R:
        # not Database.ask, which sees a transaction to its end even if nobody waits for it any more
        async with self._database.async_engine.connect() as connection:
            return await connection.run_sync(question.ask)

    def _leave(self, asking: "asyncio.Task[R]") -> None:
        asking.cancel()
        self._left_behind.add(asking)
        asking.add_done_callback(self._forget)

    def _forget(self, asking: "asyncio.Task[R]") -> None:
        self._left_behind.discard(asking)
        if not asking.cancelled():
            asking.exception()  # seen, so that asyncio does not report it as forgotten


class Desk:
    """Says who is calling."""

    def __init__(self, register: Register, clock: Clock, office: Office, viewer: Viewer | None = None) -> None:
        self._register = register
        self._clock = clock
        self._within = timedelta(days=office.return_call_days)
        self._viewer = viewer or system_viewer("agi")
        self._lines: Mapping[str, Area] = {}
        self._lines_at: datetime | None = None

    async def who(self, heard: PhoneNumber | CallerKind, dialled: str) -> Caller:
        """What to pass on of a caller of the office's number `dialled`. Never fails: the last resort is UNASKED."""
        now = self._clock.now()
        area = callers.line_area(await self._office_lines(now), dialled)
        if not isinstance(heard, PhoneNumber):
            return Caller(heard, area=area)
        try:
            since = (now - self._within).replace(second=0, microsecond=0)  # a little more is read than counts
            found = await self._register.ask(callers.matches(self._viewer, heard.e164, area, since))
        except RegisterUnavailable as error:
            _log.warning("a caller could not be looked up: %s", error)
            return Caller(CallerKind.UNASKED, heard.e164, area)
        return identify(heard.e164, heard.kind, area, found, now, self._within)

    async def aclose(self) -> None:
        """Close the register."""
        await self._register.aclose()

    async def _office_lines(self, now: datetime) -> Mapping[str, Area]:
        """The office's own numbers; those read last, while the register does not answer."""
        if self._lines_at is None or not timedelta() <= now - self._lines_at < LINES_KEPT:
            self._lines_at = now
            try:
                self._lines = await self._register.ask(callers.lines())
            except RegisterUnavailable as error:
                _log.warning("the office's own numbers could not be read: %s", error)
        return self._lines


def open_desk(database: Database, clock: Clock, office: Office, deadline: float) -> Desk:
    """A desk on a register; `deadline` in seconds, for each answer."""
    each = deadline / 2  # at most two questions are put for a caller
    register = LoopRegister(QuickReader(database.file, each)) if database.is_sqlite else PoolRegister(database, each)
    return Desk(register, clock, office)
