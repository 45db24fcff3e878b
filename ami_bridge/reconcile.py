"""After every connection, before anything is dialled: what Asterisk really has, against what the register believes.

A bridge that was killed, or whose link was cut, leaves calls up: they go on, and are taken up again here. An attempt that
was never sent is refused; one that was sent and is gone is settled by the record that Asterisk writes itself (`settling`),
and is unknown if that does not tell, which is for a person to settle.

Each finding is written in the lane of its call, behind all that was heard of it before the link was lost. Findings can
be older than events that already wait in the lane; that harms nothing, because whatever happened after the list was
made comes once more, in order, after it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from ami_bridge import variables as names
from ami_bridge.dialing import Dialing
from ami_bridge.incoming import Reception
from ami_bridge.lanes import Lanes
from ami_bridge.legs import Legs
from ami_bridge.recordings import Recordings
from ami_bridge.session import Session
from ami_bridge.settling import Settler
from ami_bridge.tracking import CHANNELS, Standing, Tracker, came_in, standing
from db.register import Register
from db.store import calls, incoming
from db.usecases import commands

log = logging.getLogger(__name__)


class Reconciler:
    """Called by the link with every new session."""

    def __init__(
        self,
        register: Register,
        lanes: Lanes,
        tracker: Tracker,
        dialing: Dialing,
        reception: Reception,
        legs: Legs,
        recordings: Recordings,
        settler: Settler,
        pbx: str,
    ) -> None:
        self._register = register
        self._lanes = lanes
        self._tracker = tracker
        self._dialing = dialing
        self._reception = reception
        self._legs = legs
        self._recordings = recordings
        self._settler = settler
        self._pbx = pbx

    async def __call__(self, session: Session) -> dict[UUID, Standing]:
        """Read the channels and settle everything with them; returns those of ours."""
        await self._tracker.caught_up(session.generation)
        self._settler.forget()
        for row in await self._register.ask(incoming.open_calls, self._pbx):
            self._tracker.follow(row.channel, row.id)
        listed_at, uptime = self._register.now(), self._tracker.uptime
        booted_at = None if uptime is None else listed_at - timedelta(seconds=uptime)
        listed = await session.send(CHANNELS)
        channels = standing(listed)
        self._tracker.saw(channels)
        duties = await self._register.ask(calls.duties, self._pbx)
        attempts = await self._register.ask(calls.open_attempts, self._pbx)
        # read after them: whatever is believed by now and has a command still to come is in it
        pending = await self._register.ask(commands.pending, self._pbx)
        for duty in duties:  # legs first: whether a person talks or waits depends on them
            found = partial(self._legs.found, duty, channels.get(duty.leg_id), pending, booted_at)
            await self._lanes.run(duty.leg_id, found)
        for attempt in attempts:
            found = partial(self._dialing.found, attempt, channels.get(attempt.id), pending)
            await self._lanes.run(attempt.id, found)
        await self._callers(came_in(listed), listed_at, session)
        log.info("reconciled: %d channels of ours, %d open attempts", len(channels), len(attempts))
        await self._strays(channels, {duty.leg_id for duty in duties} | {attempt.id for attempt in attempts})
        await self._settler.unknown()
        await self._recordings.catch_up(self._pbx)
        return channels

    async def _callers(self, channels: dict[str, Standing], listed_at: datetime, session: Session) -> None:
        """Calls that came in: those believed in, and those that wait without anybody having heard of them."""
        await self._settler.callers(channels, listed_at)
        for row in await self._register.ask(incoming.open_calls, self._pbx):
            if row.channel not in channels and self._tracker.lives(row.id):
                continue  # it rang after the list was made; its events tell the rest
            await self._lanes.run(row.id, partial(self._reception.found, row, channels.get(row.channel), session.send))
        for channel, stands in channels.items():
            if stands.context in names.UNSERVED and not self._tracker.follows(channel):
                await self._reception.greet(channel, session.send)

    async def _strays(self, channels: dict[UUID, Standing], known: set[UUID]) -> None:
        """Channels that nobody counts on any more: phones of operators gone home, attempts given up."""
        for channel_id, channel in channels.items():
            if channel_id in known:
                continue
            if channel.context == names.CONTEXT_SEAT:
                await self._lanes.put(channel_id, partial(self._legs.drop, channel_id))
            else:
                await self._lanes.put(channel_id, partial(self._dialing.end_stray, channel_id))
