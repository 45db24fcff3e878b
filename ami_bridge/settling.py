"""What AMI missed, settled by the record that Asterisk writes itself (CEL).

For the reconciler and the dialer. A call whose channel is gone without its end having been heard is *lost*: its lines
are looked for, for a moment (they are written by another thread of Asterisk, or Asterisk was frozen); what they tell is
written as if it had been heard. Calls that came in and ended while no bridge was there become missed calls.

Without a record (none set up, not readable, on another host) there is only what AMI said, and more stays unknown.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from ami_bridge import variables as names
from ami_bridge.cel import History
from ami_bridge.cel_file import CallRecord
from ami_bridge.errors import AmiError
from ami_bridge.lanes import Lanes
from ami_bridge.recordings import Recordings
from ami_bridge.tracking import CHANNELS, Failed, Tracker, came_in
from ami_bridge.values import Action, Reply
from db.register import Register
from db.rules.callers import Caller
from db.rules.telephony import OPEN_ATTEMPTS, AttemptState, EndedBy
from db.store import calls, incoming
from db.timing import Backoff, Time
from db.usecases import calls as outbound
from db.usecases import incoming as returning
from db.usecases import listening, settling
from db.usecases.incoming import call_id_of
from db.usecases.office import Office
from db.usecases.settling import Account

log = logging.getLogger(__name__)

WRITING: Final = 3.0
"""Seconds that the lines of a call which is over are waited for."""

LOOK_BACK: Final = timedelta(days=7)
"""Attempts no older than this are looked for once more while their outcome is unknown."""

AGAIN: Final = 10.0
"""Seconds after a reconciliation after which it is looked again for callers whom nobody heard."""

CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""A caller who is not in the list of channels is gone only if they rang before it; the PBX's clock may be another."""


NO_CHANNEL: Final = 44
"""Q.850 "requested circuit not available": our own line's fault, not the person's."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Since when (seconds since 1970) a lost call's lines are looked for, and until when (monotonic).

    `failed`: its Originate has; if nothing else is heard of it nor written down, there was never a channel.
    """

    since: float
    until: float
    failed: Failed | None = None

    def was_never_there(self, told: Account, *, readable: bool) -> bool:
        """Whether that is so, once the time is over; `readable`: there is a record that would tell."""
        return self.failed is not None and told is settling.NOTHING and (self.failed.own or readable)


class Settler:
    """Closes lost calls, each in its lane."""

    def __init__(
        self,
        register: Register,
        record: CallRecord | None,
        lanes: Lanes,
        tracker: Tracker,
        recordings: Recordings,
        send: Callable[[Action], Awaitable[Reply]],
        tasks: asyncio.TaskGroup,
        time: Time,
        office: Office,
        pbx: str,
    ) -> None:
        self._register = register
        self._record = record
        self._lanes = lanes
        self._tracker = tracker
        self._recordings = recordings
        self._send = send
        self._tasks = tasks
        self._time = time
        self._office = office
        self._pbx = pbx
        self._lost: dict[UUID, Wait] = {}
        self._working: asyncio.Task[None] | None = None
        self._complained = False

    # -- calls out --------------------------------------------------------------------------------------------------

    async def lost(self, attempt_id: UUID, failed: Failed | None = None) -> None:
        """An attempt that was sent has no channel, or failed: settle it, soon. May be called from its lane."""
        known = await self._register.ask(calls.attempt, attempt_id)
        if known is not None and known.state in OPEN_ATTEMPTS | {AttemptState.UNKNOWN}:
            since, until = self._register.seconds(known.prepared_at), self._time.now() + WRITING
            self._lost[attempt_id] = Wait(since, until, failed)
            if self._working is None or self._working.done():
                self._working = self._tasks.create_task(self._settle())

    def forget(self) -> None:
        """A new link is reconciled: what is lost is found out anew."""
        self._lost.clear()

    async def unknown(self) -> None:
        """Look once more for those that were given up as unknown: the record may be readable now, or have been rotated."""
        since = self._register.now() - LOOK_BACK
        for known in await self._register.ask(calls.unknown_attempts, self._pbx, since):
            await self.lost(known.id)

    async def _settle(self) -> None:
        pauses = Backoff(0.1, 1.0, lambda: 1.0)
        while self._lost:
            found = await self._read(min(wait.since for wait in self._lost.values()))
            alive = max(map(_latest, (found or {}).values()), default=0.0)
            for attempt_id, wait in list(self._lost.items()):
                told = self._account((found or {}).get(str(attempt_id)), alive)
                no_use = found is None and wait.failed is None
                if told.tells_all or no_use or self._time.now() >= wait.until:
                    del self._lost[attempt_id]
                    absent = wait.was_never_there(told, readable=found is not None)
                    await self._lanes.put(attempt_id, partial(self._close, attempt_id, told, absent=absent))
            if self._lost:
                await self._time.sleep(pauses.next())

    async def _close(self, attempt_id: UUID, told: Account, *, absent: bool) -> None:
        if not told.tells_all and self._tracker.lives(attempt_id):
            return  # Asterisk was slow to make its channel: its events tell the rest
        write, now = self._register.write, self._register.now()
        if absent:
            await write(outbound.ended, attempt_id, now, NO_CHANNEL, by=EndedBy.SYSTEM)
        else:
            await write(settling.settle, attempt_id, told, now)
        await self._recordings.look_at(attempt_id)

    def _account(self, history: History | None, alive: float) -> Account:
        if history is None:
            return settling.NOTHING
        at = self._register.moment
        return Account(
            answered=None if history.answered is None else at(history.answered),
            joined=None if history.joined is None else at(history.joined),
            machine=None if history.machine is None else at(history.machine),
            ended=None if history.ended is None else at(history.ended),
            cause=history.cause,
            by=ended_by(history),
            alive=at(alive),
        )

    # -- calls that came in -----------------------------------------------------------------------------------------

    async def callers(self, channels: Container[str], listed_at: datetime) -> None:
        """Calls that came in while nobody listened and are over; `channels` (Uniqueids) were up at `listed_at`.

        Callers of that time who are still up can hang up before they are served: so it is looked again a little later.
        """
        unheard = await self._register.ask(listening.unheard_since, self._pbx)
        await self._look(channels, listed_at, unheard)
        if unheard is not None:
            self._tasks.create_task(self._look_again(unheard))

    async def _look_again(self, unheard: datetime) -> None:
        await self._time.sleep(AGAIN)
        listed_at = self._register.now()
        try:
            channels = came_in(await self._send(CHANNELS))
        except AmiError:
            return  # the next link is reconciled, too
        await self._look(channels, listed_at, unheard)

    async def _look(self, channels: Container[str], listed_at: datetime, unheard: datetime | None) -> None:
        open_calls = await self._register.ask(incoming.open_calls, self._pbx)
        since = min([row.arrived_at for row in open_calls] + ([] if unheard is None else [unheard]), default=None)
        if since is None:
            return
        found = await self._read(self._register.seconds(since)) or {}
        callers = [history for history in found.values() if history.caller is not None]
        over = {
            call_id_of(self._pbx, history.uniqueid): history
            for history in callers
            if history.ended is not None
            or (history.uniqueid not in channels and self._rang(history) < listed_at - CLOCKS_DIFFER)
        }
        for row in open_calls:
            history = over.get(row.id)
            if history is not None and history.joined is not None:
                await self._lanes.run(row.id, partial(self._talked, row.id, history.joined))
        for call_id in over.keys() - await self._register.ask(incoming.known_among, over.keys()):
            if over[call_id].joined is None and unheard is not None and self._rang(over[call_id]) >= unheard:
                await self._lanes.run(call_id, partial(self._missed, call_id, over[call_id]))

    def _rang(self, history: History) -> datetime:
        return self._register.moment(history.rang or 0.0)

    async def _talked(self, call_id: UUID, joined: float) -> None:
        await self._register.write(returning.joined, call_id, self._register.moment(joined))

    async def _missed(self, call_id: UUID, history: History) -> None:
        ended = history.ended
        await self._register.write(
            settling.missed,
            call_id,
            self._pbx,
            history.uniqueid,
            Caller.from_headers(history.caller or {}),
            self._rang(history),
            None if ended is None else self._register.moment(ended),
            self._register.now(),
            self._office,
        )

    # -- the record -------------------------------------------------------------------------------------------------

    async def _read(self, since: float) -> Mapping[str, History] | None:
        """What the record tells; None if there is none to be read."""
        if self._record is None:
            return None
        try:
            found = await asyncio.to_thread(self._record.read, since)
        except OSError as error:
            if not self._complained:
                log.warning("Asterisk's own record cannot be read: %s (ami.cel_file)", os.strerror(error.errno or 0))
            self._complained = True
            return None
        self._complained = False
        return found


def ended_by(history: History) -> EndedBy | None:
    """Who put the receiver down, as far as the record tells."""
    if history.refused or history.context in {names.CONTEXT_ABANDONED, names.CONTEXT_MACHINE}:
        return EndedBy.SYSTEM
    if history.context == names.CONTEXT_GOODBYE:
        return EndedBy.PHONE  # nobody asked for it: the operator's phone did not come back
    return EndedBy.PERSON if history.source and history.source == history.channel else None


def _latest(history: History) -> float:
    return max(history.began or 0.0, history.answered or 0.0, history.joined or 0.0, history.ended or 0.0)
