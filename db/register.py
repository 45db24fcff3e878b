"""The register as the workers of the links use it: patient. What happened at the PBX or the carrier must be written, however
long it takes.

Every use case that is written here bears being run twice, because a commit whose answer was lost is tried again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, OperationalError

from db.clock import Clock
from db.engine import Database
from db.timing import Backoff, Time

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

UNAVAILABLE: Final = (OperationalError, InterfaceError)
"""The database is locked, restarting or out of reach; waiting mends it."""


class Register:
    """The database with its clock."""

    def __init__(
        self, database: Database, clock: Clock, time: Time, *, chance: Callable[[], float] = random.random
    ) -> None:
        self.database = database
        self._clock = clock
        self._time = time
        self._chance = chance

    def now(self) -> datetime:
        return self._clock.now()

    def moment(self, seconds: float) -> datetime:
        """A time of the machine (seconds since 1970) as the register's. They are the same but in the lab."""
        return datetime.fromtimestamp(seconds, UTC) + self._shift()

    def seconds(self, moment: datetime) -> float:
        """The other way round."""
        return (moment - self._shift()).timestamp()

    def _shift(self) -> timedelta:
        return timedelta(seconds=round((self.now() - datetime.now(UTC)).total_seconds(), 3))

    async def write(self, use_case: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case as one transaction, again and again until the database takes it."""
        return await self._patiently(lambda: self.database.run(use_case, *args, **kwargs), use_case.__name__)

    async def ask(self, query: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a query, again and again until the database answers."""
        return await self._patiently(lambda: self.database.ask(query, *args, **kwargs), query.__name__)

    async def _patiently(self, once: Callable[[], Awaitable[R]], name: str) -> R:
        backoff = Backoff(0.2, 5.0, self._chance)
        while True:
            try:
                return await once()
            except UNAVAILABLE as error:
                # its text would hold the values of the statement, which are personal
                log.warning("the register did not take %s (%s); trying again", name, type(error.orig).__name__)
            await self._time.sleep(backoff.next())
