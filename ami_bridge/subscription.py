"""A consumer's own queue of events: bounded, in order, and never thinned out in silence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from ami_bridge.values import Event


class Subscription:
    """`async for event in subscription` in the consumer's own task; whatever it raises stays there.

    When the consumer falls `limit` events behind, the link is given up and made anew (`LinkState.generation` rises),
    so that the reconciler reads the truth again. What is already queued is still delivered, in order.
    """

    def __init__(self, name: str, limit: int, only: frozenset[str] | None = None) -> None:
        self.name = name
        self._limit = limit
        self._only = only
        self._waiting: deque[Event] = deque()
        self._stir = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, event: Event) -> bool:
        """Queue the event if it is wanted; False when there is no room for it."""
        if self._closed or (self._only is not None and event.name not in self._only):
            return True
        if len(self._waiting) >= self._limit:
            return False
        self._waiting.append(event)
        self._stir.set()
        return True

    def close(self) -> None:
        """No more events; the iteration ends after those already queued."""
        self._closed = True
        self._stir.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._closed:
                return
            self._stir.clear()
            await self._stir.wait()
