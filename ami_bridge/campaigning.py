"""Campaigns in mode predictive on one PBX: dialled ahead of the operators; whoever answers is joined to who is free (T4).

A pacer says how many, the register whom (`campaigns.claim`, and the last question in `authorize_campaign`) and who gets
them (`give_answered`, return calls first). What becomes of a dial is written by `Dialing`, as of every other; here the
pacer is told, and the campaign is brought on.

Where faults have cost more people than the cap allows (the bridge itself was dead), nobody is dialled ahead until another fault would be
within it: calls go out for operators who are reserved, and the dialplan joins whoever answers, with or without a bridge.

Whoever answers waits in the dialplan (saikoku-answered) for PATIENCE seconds and then hears the apology by itself: a
bridge that is away keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.dialing import NO_REGISTER, Dialing
from ami_bridge.errors import AmiError
from ami_bridge.lanes import Lanes
from ami_bridge.link import AmiLink
from ami_bridge.pace import Pace
from ami_bridge.tracking import Answered, Entered, Fact, Failed, Gone, Machine, Standing, Unserved, Waiting
from ami_bridge.values import Action
from db.register import UNAVAILABLE, Register
from db.rules.telephony import DialMode
from db.settings import DialSettings
from db.store import calls as stored
from db.tenure import Lease
from db.timing import Time
from db.usecases import campaign_targets, campaign_work, campaigns
from db.usecases.campaigns import CampaignGo, Claimed, Running
from db.usecases.office import Office

log = logging.getLogger(__name__)

TICK: Final = 0.5
"""Seconds from one question to the pacers to the next, at most; it comes as soon as the calls per second let another call be started."""

SHORTEST: Final = 0.02
"""Seconds of rest between two, if the register is slow."""

BURST: Final = 5
"""So many calls are placed in one go whatever the calls per second are, and no more than come to TICK: the others follow at the next, so that
twenty a second are ten each half second, and who answers the first does not wait behind the last."""

AHEAD: Final = 30
"""Nobody is claimed while so many jobs of calls wait, and no more than are missing to it: where the register or the processor is too
slow for what the pacers want, whoever answers would wait behind them for an operator, and in vain."""

CLOSED_AT_ONCE: Final = 20
"""So many dials are brought on in one transaction, at most: on SQLite nobody else writes meanwhile."""

PATIENCE: Final = 2
"""Seconds after the answer within which an operator must be there (47 CFR 64.1200(a)(7), Ofcom: two seconds)."""


class Campaigns:
    """Dials for the campaigns that run, and gives whoever answers to their operators."""

    def __init__(
        self,
        register: Register,
        link: AmiLink,
        lease: Lease,
        lanes: Lanes,
        dialing: Dialing,
        tasks: asyncio.TaskGroup,
        time: Time,
        settings: DialSettings,
        office: Office,
        pbx: str,
    ) -> None:
        self._register = register
        self._link = link
        self._lease = lease
        self._lanes = lanes
        self._dialing = dialing
        self._tasks = tasks
        self._time = time
        self._settings = settings
        self._office = office
        self._pbx = pbx
        self._paces: dict[UUID, Pace] = {}
        self._pace_of: dict[UUID, Pace] = {}  # of the calls that ring or wait
        self._unserved: dict[UUID, None] = {}  # who answered and waits, in order
        self._ended: dict[UUID, None] = {}  # dials that are over and whose targets are to be brought on
        self._closing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Ask the pacers every TICK, for ever."""
        while True:
            await self._link.until(lambda state: state.up)
            begun = self._time.now()
            try:
                await self._round()
            except UNAVAILABLE as error:
                log.warning("campaigns rest, the register does not answer (%s)", type(error.orig).__name__)
            now = self._time.now()
            full = [wait for pace in self._paces.values() if (wait := pace.again_in(now)) > 0.0]
            await self._time.sleep(max(SHORTEST, min([begun + TICK - now, *full])))

    # -- dialling -----------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        database = self._register.database
        found = await database.ask(campaigns.running, self._pbx, self._register.now(), self._office)
        running = [one for one in found if one.mode is DialMode.PREDICTIVE]
        for gone in self._paces.keys() - {one.id for one in running}:
            if not self._paces[gone].calls:
                del self._paces[gone]
        for one in running:
            await self._step(one)

    async def _step(self, campaign: Running) -> None:
        database, now = self._register.database, self._register.now()
        pace = self._pace(campaign)
        agents = await database.ask(campaigns.agents, campaign.id)
        ledger = await database.ask(campaigns.ledger, campaign.id, self._office.today(now))
        at_once = max(BURST, math.ceil(campaign.calls_per_second * TICK))
        wanted = min(pace.wanted(agents, ledger, self._time.now()), AHEAD - self._lanes.jobs, at_once)
        if not campaign.is_open:
            return
        if ledger[1] and await database.ask(campaigns.must_reserve, campaign, self._office.today(now)):
            while await database.run(self._reserved, campaign.id):
                pass
            return
        if wanted <= 0:
            return
        if claimed := await database.run(self._claim, campaign.id, wanted):
            await self._dial(pace, {one.attempt_id: one.answer_probability for one in claimed})

    def _pace(self, campaign: Running) -> Pace:
        """The campaign's pacer; a new one, which learns anew, when the limits were changed."""
        pace = self._paces.get(campaign.id)
        if pace is None:
            pace = Pace(campaign)
        elif not pace.fits(campaign):
            pace = pace.within(campaign, self._time.now())
            self._pace_of |= dict.fromkeys(pace.calls, pace)
        self._paces[campaign.id] = pace
        return pace

    def _reserved(self, tx: Connection, campaign_id: UUID) -> bool:
        """Dial for one operator who is ready; its command comes to this bridge like that of a click."""
        self._lease.require(tx)
        return campaign_work.dial_reserved(tx, campaign_id, self._register.now(), self._office)

    def _claim(self, tx: Connection, campaign_id: UUID, count: int) -> list[Claimed]:
        self._lease.require(tx)
        return campaigns.claim(tx, campaign_id, count, self._register.now(), self._office)

    async def _dial(self, pace: Pace, chances: Mapping[UUID, float | None]) -> None:
        """Ask the last question for all attempts at once, and send each its Originate in its lane, where what becomes of it follows.

        `chances`: of each attempt, as far as it is known. The pacer hears of a call when it is sent: it counts the calls per second.
        """
        try:
            going = await self._register.database.run(self._authorize, tuple(chances))
        except UNAVAILABLE:  # not tried again: nobody knows whether the first try was committed
            for attempt_id in chances:
                await self._lanes.put(attempt_id, partial(self._not_placed, attempt_id))
            return
        for go in going:
            pace.placed(go.attempt_id, self._time.now(), chances[go.attempt_id])
            self._pace_of[go.attempt_id] = pace
            await self._lanes.put(go.attempt_id, partial(self._send, go))
        for attempt_id in chances.keys() - {go.attempt_id for go in going}:
            self._over(attempt_id)

    def _authorize(self, tx: Connection, attempt_ids: Sequence[UUID]) -> list[CampaignGo]:
        self._lease.require(tx)
        now, most = self._register.now(), self._settings.max_lines
        return campaigns.authorize_campaign(tx, attempt_ids, now, self._office, max_lines=most)

    async def _send(self, go: CampaignGo) -> None:
        if await self._dialing.send(go.attempt_id, partial(self._originate, go)) is not None:
            self._over(go.attempt_id)

    async def _not_placed(self, attempt_id: UUID) -> None:
        await self._dialing.not_placed(attempt_id, NO_REGISTER)
        self._over(attempt_id)

    def _originate(self, go: CampaignGo) -> Action:
        variables = {
            names.RECORDING: self._dialing.recording_at_pbx(go.recording),
            names.PATIENCE: str(PATIENCE),
            names.APOLOGY: go.abandoned_prompt,
        }
        context = names.CONTEXT_ANSWERED
        if go.detects:
            variables[names.VOICEMAIL], context = go.voicemail_prompt, names.CONTEXT_DETECT
        return self._dialing.originate(
            go.attempt_id, go.number, variables, ring_seconds=go.ring_seconds, caller_id=go.caller_id, context=context
        )

    # -- what happened ------------------------------------------------------------------------------------------------

    async def heard(self, fact: Fact) -> None:
        """A fact of an attempt, which `Dialing` has written. In the lane of its call; calls of no campaign are passed over."""
        self._tell(fact)
        match fact:
            case Waiting():
                self._unserved[fact.id] = None
                await self.give(fact.id)
            case Entered():
                self._unserved.pop(fact.id, None)
            case Unserved() | Gone() | Failed() if await self._is_a_campaigns(fact.id):
                if isinstance(fact, Unserved) or fact.id in self._unserved:
                    await self._abandoned(fact.id)
                if not isinstance(fact, Unserved):
                    self._over(fact.id)
            case Gone() | Failed():
                self._unserved.pop(fact.id, None)

    def _tell(self, fact: Fact) -> None:
        """Tell the pacer. What a machine answered was not answered for it, so whoever must first be told from one is when they wait."""
        if (pace := self._pace_of.get(fact.id)) is None:
            return
        now = self._time.now()
        match fact:
            case Answered() if not pace.campaign.detects:
                pace.answered(fact.id, now)
            case Waiting():
                pace.answered(fact.id, now)
            case Machine():
                pace.over(fact.id, now)
            case Entered(seat=seat):
                pace.connected(fact.id, seat, now)

    async def give(self, attempt_id: UUID) -> None:
        """Join somebody who answered to an operator of the campaign, if one is free."""
        given = await self._register.write(campaigns.give_answered, attempt_id, self._register.now())
        if given is None:
            return
        self._unserved.pop(attempt_id, None)
        try:
            await self._link.send(actions.redirect(given.channel, names.CONTEXT_JOIN, given.seat))
        except AmiError as error:  # gone, which its Hangup says; or cut off, which the next reconciliation settles
            log.warning("attempt %s could not be given to seat %s: %s", attempt_id, given.seat, error)

    async def offer(self) -> None:
        """Somebody may be free: whoever has waited longest is given first."""
        for attempt_id in list(self._unserved):
            await self._lanes.put(attempt_id, partial(self.give, attempt_id))

    async def found(self, channels: Mapping[UUID, Standing]) -> None:
        """A link is reconciled: who waits for an operator is offered next, and what has no channel any more is over."""
        for attempt_id, channel in channels.items():
            if channel.up and channel.seat is None and channel.context == names.CONTEXT_ANSWERED:
                self._unserved[attempt_id] = None
        for attempt_id in [one for one in self._pace_of if one not in channels]:
            await self._lanes.put(attempt_id, partial(self._gone, attempt_id))

    async def _is_a_campaigns(self, attempt_id: UUID) -> bool:
        """Asked before anything is written: an operator's own call needs no second transaction."""
        if attempt_id in self._pace_of:
            return True
        known = await self._register.ask(stored.attempt, attempt_id)
        return known is not None and known.campaign_id is not None

    async def _abandoned(self, attempt_id: UUID) -> None:
        self._unserved.pop(attempt_id, None)
        if (pace := self._pace_of.get(attempt_id)) is not None:
            pace.over(attempt_id, self._time.now())
        await self._register.write(campaign_targets.abandoned, attempt_id, self._register.now())

    async def _gone(self, attempt_id: UUID) -> None:
        self._over(attempt_id)

    def _over(self, attempt_id: UUID) -> None:
        self._unserved.pop(attempt_id, None)
        if (pace := self._pace_of.pop(attempt_id, None)) is not None:
            pace.over(attempt_id, self._time.now())
        self._ended[attempt_id] = None
        if self._closing is None or self._closing.done():
            self._closing = self._tasks.create_task(self._close())

    async def _close(self) -> None:
        """Bring on the targets of dials that are over, those of a moment together: nobody waits for it, and it is the larger part
        of what a dial costs."""
        while self._ended:
            await self._time.sleep(TICK)
            over = tuple(islice(self._ended, CLOSED_AT_ONCE))
            for attempt_id in over:
                del self._ended[attempt_id]
            await self._register.write(campaign_targets.campaign_ended, over, self._register.now(), self._office)
