"""Operators' standing legs: their phones, called once a shift and kept connected in the room of their seat.

A leg is up when it has entered its room, not when it is answered. When it is lost during a call, the person stays (with
music, by the dialplan) and the phone is called again at once, then every RING_AGAIN seconds, for as long as the call
lasts. Outside of a call the operator has it called again from the screen.

Everything here runs in the lane of its leg.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.errors import AmiError, AmiRefused, OutcomeUnknown
from ami_bridge.link import AmiLink
from ami_bridge.patience import Patience
from ami_bridge.tracking import Entered, Fact, Failed, Gone, Standing
from db.register import Register
from db.rules.telephony import LIVE_CALLS, DutyState
from db.store import calls
from db.store.calls import DutyRow
from db.timing import Time
from db.usecases import duty

log = logging.getLogger(__name__)

RING_AGAIN: Final = 2.0
"""Seconds between calls of a phone that is busy, or whose registration comes back."""

NO_ANSWER: Final = "応答なし"
BUSY: Final = "話中"
NOT_REGISTERED: Final = "未登録"
REJECTED: Final = "着信拒否"
CUT: Final = "切断"
RESTARTS_WITHIN: Final = timedelta(minutes=10)
"""So long an Asterisk that an admin restarts is away at most."""
NO_PBX: Final = "交換機に接続できません"

_PBX_REASONS: Final = frozenset({CUT, NO_PBX, ""})
"""Why a phone is down if it may have been the PBX; without a word, its operator was in a call or owed a result."""
_REASONS: Final = {17: BUSY, 21: REJECTED, 20: NOT_REGISTERED, 3: NOT_REGISTERED}


def reason_of(gone: Gone) -> str:
    """Why a phone did not come up, in the operator's words. Asterisk gives 19 for a phone that never rang, too."""
    return _REASONS.get(gone.cause) or (NO_ANSWER if gone.reached else NOT_REGISTERED)


class Legs:
    """Calls phones and drops them, and writes what becomes of them."""

    def __init__(
        self,
        register: Register,
        link: AmiLink,
        patience: Patience,
        tasks: asyncio.TaskGroup,
        time: Time,
        ring_seconds: int,
    ) -> None:
        self._register = register
        self._link = link
        self._patience = patience
        self._tasks = tasks
        self._time = time
        self._ring_ms = ring_seconds * 1000

    # -- what is wanted -----------------------------------------------------------------------------------------------

    async def ring(self, leg_id: UUID) -> str | None:
        """Call a phone. Returns why it could not be done."""
        wanted = await self._register.ask(calls.duty_of_leg, leg_id)
        if wanted is None:
            return "no_such_leg"
        try:
            await self._link.send(
                actions.originate(
                    wanted.channel,
                    channel_id=str(leg_id),
                    context=names.CONTEXT_SEAT,
                    exten=wanted.seat,
                    timeout_ms=self._ring_ms,
                )
            )
        except OutcomeUnknown as error:  # its events, or the next reconciliation, will say
            return error.code
        except AmiError as error:
            log.warning("phone of seat %s not called: %s", wanted.seat, error)
            await self._lost(leg_id, NOT_REGISTERED if isinstance(error, AmiRefused) else NO_PBX)
            return error.code
        return None

    async def drop(self, leg_id: UUID) -> str | None:
        """Hang a phone up."""
        try:
            await self._link.send(actions.hangup(str(leg_id)))
        except AmiRefused:
            return None  # gone already; or it is just being called, and is dropped when it enters the room
        except AmiError as error:
            return error.code
        return None

    async def not_rung(self, leg_id: UUID) -> None:
        """A phone could not be called in time."""
        await self._lost(leg_id, NO_PBX)

    # -- what happened ------------------------------------------------------------------------------------------------

    async def apply(self, fact: Fact) -> None:
        """Write a fact about a leg."""
        match fact:
            case Entered(seat=seat):
                await self._up(fact.id, seat)
            case Gone():
                await self._gone(fact)
            case Failed():
                await self._lost(fact.id, NOT_REGISTERED)

    async def found(
        self, known: DutyRow, channel: Standing | None, pending: AbstractSet[UUID], booted_at: datetime | None = None
    ) -> None:
        """Compare what the register believes of a leg with what Asterisk has (None: no channel), which is up since `booted_at`."""
        if channel is not None:
            if channel.seat is not None:
                await self._up(known.leg_id, channel.seat)
        elif known.leg_id not in pending and (went_with_the_pbx(known, booted_at) or await self._is_needed(known)):
            await self._register.write(duty.leg_lost, known.leg_id, self._register.now(), CUT)
            await self._call_back(known.leg_id)

    async def _is_needed(self, known: DutyRow) -> bool:
        return known.leg_up or known.state is DutyState.CALLING_PHONE or await self._has_live_call(known)

    async def _up(self, leg_id: UUID, seat: str) -> None:
        mine = await self._register.write(duty.leg_answered, leg_id, self._register.now(), seat)
        if mine is None:
            await self.drop(leg_id)  # its operator went home while it rang
        elif mine.call_id is not None:
            self._patience.set(mine.call_id, waits=False)

    async def _gone(self, gone: Gone) -> None:
        known = await self._register.ask(calls.duty_of_leg, gone.id)
        await self._lost(gone.id, CUT if known and known.leg_up else reason_of(gone))

    async def _lost(self, leg_id: UUID, reason: str) -> None:
        before = await self._register.write(duty.leg_lost, leg_id, self._register.now(), reason)
        if before is None or not await self._has_live_call(before):
            return
        await self._mind_the_person(before)
        if before.leg_up:
            await self._call_back(leg_id)
        else:
            self._tasks.create_task(self._call_back_later(before))

    async def _mind_the_person(self, before: DutyRow) -> None:
        if before.call_id is not None and (line := await self._register.ask(calls.line, before.call_id)):
            self._patience.set(before.call_id, waits=line.forsaken)

    async def _call_back_later(self, before: DutyRow) -> None:
        await self._time.sleep(RING_AGAIN)
        if await self._has_live_call(before):
            await self._call_back(before.leg_id)

    async def _call_back(self, leg_id: UUID) -> None:
        await self._register.write(duty.call_back, leg_id, self._register.now())

    async def _has_live_call(self, known: DutyRow) -> bool:
        if known.call_id is None:
            return False
        line = await self._register.ask(calls.line, known.call_id)
        return line is not None and line.call in LIVE_CALLS


def went_with_the_pbx(known: DutyRow, booted_at: datetime | None) -> bool:
    """Whether a phone that is down was hung up by an Asterisk that was stopped in order, and not by its operator: lost shortly
    before this one came up."""
    if booted_at is None or known.leg_up:
        return False
    cut = known.state is DutyState.PHONE_LOST and known.reason in _PBX_REASONS
    return (cut or known.state is DutyState.WRAP_UP) and (
        booted_at - RESTARTS_WITHIN <= known.since <= booted_at + timedelta(seconds=2)
    )
