"""How long a person waits for an operator whose phone was lost: one timer a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from db.timing import Time


class Patience:
    """`expired` is called with the call once it has waited for `seconds`; it asks itself whether that is still so."""

    def __init__(
        self, tasks: asyncio.TaskGroup, time: Time, seconds: float, expired: Callable[[UUID], Awaitable[None]]
    ) -> None:
        self._tasks = tasks
        self._time = time
        self._seconds = seconds
        self._expired = expired
        self._waiting: dict[UUID, asyncio.Task[None]] = {}

    def set(self, call_id: UUID, *, waits: bool) -> None:
        """The person waits (the time runs from the first word of it), or waits no more."""
        if not waits:
            self._forget(call_id)
        elif call_id not in self._waiting:
            self._waiting[call_id] = self._tasks.create_task(self._wait(call_id))

    def _forget(self, call_id: UUID) -> None:
        if task := self._waiting.pop(call_id, None):
            task.cancel()

    async def _wait(self, call_id: UUID) -> None:
        await self._time.sleep(self._seconds)
        del self._waiting[call_id]
        await self._expired(call_id)
