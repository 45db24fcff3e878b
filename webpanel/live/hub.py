"""One reader of the outbox for the whole process, and the streams it feeds.

A stream gets the changes that are its user's, the record it watches (and may see), and, with the key blanked, that
something changed among bookings that are anyone's, callers who wait, the rules of the office or (for supervisors who watch
it) the floor. Nothing but topic and id
ever goes out: the browser fetches what it may see. A stream whose browser does not read is cut; the browser comes back
with the last id it saw.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database
from db.hints import LOOK_EVERY, Hints, hints
from db.outbox import Change, Cursor, changes_after, latest
from webpanel.metrics import Metrics

QUEUE: Final = 100
ANYONES: Final = frozenset({"recall", "office", "incoming", "workflow", "import", "campaign", "sms_batch"})
"""Topics of which everyone on the line may know that something changed, not what."""

FLOOR: Final = frozenset({"duty", "call", "attempt", "incoming", "campaign"})
"""Topics that change the live floor. Its watchers hear that it changed, not what or whose it was."""

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Stream:
    """One browser's stream. `sees_floor`: it shows the live floor; `sees_sms`: batches of messages. `cut` is set when its
    reader was too slow."""

    user_id: int
    watches: frozenset[tuple[str, str]]
    sees_floor: bool = False
    sees_sms: bool = False
    queue: asyncio.Queue[Change | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    cut: bool = False

    def fits(self, change: Change) -> Change | None:
        """The change as this stream may know it, or None."""
        if change.user_id == self.user_id or (change.topic, change.key) in self.watches:
            return change
        if self.sees_floor and change.topic in FLOOR:
            return Change(change.cursor, "floor", "", None)
        if self.sees_sms and change.topic == "sms":
            return Change(change.cursor, "sms", "", None)
        if change.user_id is None and change.topic in ANYONES:
            return Change(change.cursor, change.topic, "", None)
        return None

    def give(self, change: Change) -> None:
        """Hand a change over, or cut a stream that is full."""
        known = self.fits(change)
        if known is None or self.cut:
            return
        try:
            self.queue.put_nowait(known)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """End the stream after what is in its queue is thrown away."""
        self.cut = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """The streams of a process."""

    def __init__(self, metrics: Metrics) -> None:
        self.at = ""
        """How far the outbox has been read, as a page puts it: what is in the page is at least as new."""
        self._streams: set[Stream] = set()
        self._metrics = metrics

    @contextmanager
    def join(self, stream: Stream) -> Iterator[Stream]:
        """Feed a stream while the block lasts."""
        self._streams.add(stream)
        self._metrics.streams = len(self._streams)
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            self._metrics.streams = len(self._streams)
            self._metrics.streams_dropped += stream.cut

    def publish(self, changes: Iterable[Change]) -> None:
        """Hand changes to every stream that they concern."""
        for change in changes:
            for stream in self._streams:
                stream.give(change)

    def end_all(self) -> None:
        """End all streams: the panel stops."""
        for stream in self._streams:
            stream.end()


HUB: Final = web.AppKey("hub", Hub)


async def feed(hub: Hub, database: Database, run_dir: Path, stop: asyncio.Event) -> None:
    """Read the outbox until `stop`. While the register cannot be reached it tries again every second.

    It is told to stop, not cancelled: a query that is cut off leaves its driver's thread behind.
    """
    at: Cursor | None = None
    async with hints(database, run_dir) as listening:
        while not stop.is_set():
            found: list[Change] = []
            try:
                if at is None:
                    at = await database.ask(latest)
                    hub.at = str(at)
                found = await database.ask(changes_after, at)
            except SQLAlchemyError as error:
                log.warning("the outbox cannot be read: %s", type(error).__name__)
            if found:
                at = found[-1].cursor
                hub.at = str(at)
                hub.publish(found)
            else:
                await _pause(listening, stop)


@asynccontextmanager
async def feeding(hub: Hub, database: Database, run_dir: Path) -> AsyncIterator[None]:
    """Feed a hub while the block lasts."""
    stop = asyncio.Event()
    task = asyncio.create_task(feed(hub, database, run_dir, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _pause(listening: Hints, stop: asyncio.Event) -> None:
    """Wait for a hint, for a second, or for the end."""
    waits = {asyncio.create_task(listening.wait(LOOK_EVERY)), asyncio.create_task(stop.wait())}
    _, late = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in late:
        one.cancel()
    await asyncio.gather(*late, return_exceptions=True)
