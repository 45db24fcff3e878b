"""Holding a lease: one bridge a PBX, one sender of messages, so that two processes never do what must be done once.

The second waits and says so. When the first was killed on the same machine, the second need not wait for the lease to
run out: it sees that the process is gone.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from db.processes import is_gone, this_process
from db.register import Register
from db.timing import Time
from db.usecases import leases

log = logging.getLogger(__name__)

LASTS: Final = timedelta(seconds=20)
"""Must be longer than the clocks of two machines can differ."""

RENEW: Final = 5.0
ASK_AGAIN: Final = 1.0


class Lease:
    """The right to be the one who does what `name` stands for (`bridge:main`, `sms`)."""

    def __init__(self, register: Register, name: str, time: Time) -> None:
        self._register = register
        self._time = time
        self._name = name
        self._holder = this_process()

    async def acquire(self) -> None:
        """Wait until it is ours."""
        said = ""
        while holder := await self._register.write(
            leases.take, self._name, self._holder, self._register.now(), LASTS, is_gone
        ):
            if holder != said:
                log.warning("another process holds %r (%s); waiting for it to end", self._name, holder)
            said = holder
            await self._time.sleep(ASK_AGAIN)

    async def keep(self) -> None:
        """Renew it until cancelled. Raises LeaseLostError."""
        while True:
            await self._time.sleep(RENEW)
            await self._register.write(leases.renew, self._name, self._holder, self._register.now(), LASTS)

    def require(self, tx: Connection) -> None:
        """Raise LeaseLostError unless it is still ours, in the transaction of what depends on it."""
        leases.require(tx, self._name, self._holder)

    async def release(self) -> None:
        """Give it back."""
        await self._register.write(leases.release, self._name, self._holder)
