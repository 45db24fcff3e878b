"""Lanes: the jobs of one call run one after another, those of different calls beside each other.

For the bridge's events, commands and reconciliation, so that what is said of a call is written in the order it happened.
The whole is bounded: when `limit` jobs wait (the register is slow), `put` waits, the reader's own queue fills, and the
link is remade and reconciled, which is the one honest answer to having fallen behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")


class Lanes:
    """A lane exists while it has jobs. An exception in a job ends the task group: the bridge starts anew, and reconciles."""

    def __init__(self, tasks: asyncio.TaskGroup, limit: int = 10_000) -> None:
        self._tasks = tasks
        self._free = asyncio.Semaphore(limit)
        self._lanes: dict[UUID, deque[Callable[[], Awaitable[None]]]] = {}
        self.jobs = 0
        """How many are not done yet."""

    async def put(self, key: UUID, job: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Add a job to a lane; the future is its result. A job must not `put`: with the lanes full it would wait for itself."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def run() -> None:
            result = await job()
            if not done.done():  # whoever waited for it may have been cancelled
                done.set_result(result)

        await self._free.acquire()
        self.jobs += 1
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = deque([run])
            self._tasks.create_task(self._drive(key))
        else:
            lane.append(run)
        return done

    async def run(self, key: UUID, job: Callable[[], Awaitable[T]]) -> T:
        """Add a job to a lane and wait for its result."""
        return await (await self.put(key, job))

    async def _drive(self, key: UUID) -> None:
        lane = self._lanes[key]
        while lane:
            await lane[0]()
            lane.popleft()
            self.jobs -= 1
            self._free.release()
        del self._lanes[key]
