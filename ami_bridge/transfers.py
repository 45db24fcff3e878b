"""Transfers: the operator's phone goes to the officer's room and home again, and then the person follows (T3).

What is under way is in the register (`usecases.transfers`). A bridge that comes back brings a leaving operator home once
more, which the phone's room then confirms; what is still only spoken about, the operator goes on with or takes back.
"""

from __future__ import annotations

import logging
from typing import Protocol
from uuid import UUID

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.errors import AmiError
from ami_bridge.link import AmiLink
from db.register import Register
from db.rules.telephony import LIVE_CALLS
from db.store import transfers as store
from db.store.transfers import Legs
from db.usecases import transfers

log = logging.getLogger(__name__)


class Talk(Protocol):
    """Whoever moves the person's channel: Dialing or Reception."""

    async def hold(self, call_id: UUID) -> str | None:
        """Let the person hear music."""
        ...

    async def resume(self, call_id: UUID) -> str | None:
        """Bring the person to the room of the call's seat."""
        ...


class Transfers:
    """Carries out what is wanted of transfers. Everything here runs in the lane of the call."""

    def __init__(self, register: Register, link: AmiLink) -> None:
        self._register = register
        self._link = link

    async def consult(self, call_id: UUID, talk: Talk) -> str | None:
        """Let the person hear music, and bring the operator's phone to the officer's room."""
        legs = await self._register.ask(store.legs, call_id)
        if legs is None:
            return "not_consulting"
        error = await talk.hold(call_id) or await self._move(legs, names.CONTEXT_CONSULT, legs.to_seat)
        if error:
            await self.give_up(call_id)
        return error

    async def give_up(self, call_id: UUID) -> None:
        """It could not be done: everybody goes back to where they were."""
        await self._register.write(transfers.give_up, call_id, self._register.now())

    async def leave(self, call_id: UUID) -> str | None:
        """Bring the operator's phone home; once it is there, `left` goes on."""
        legs = await self._register.ask(store.legs, call_id)
        return "not_consulting" if legs is None else await self._move(legs, names.CONTEXT_SEAT, legs.from_seat)

    async def interrupted(self, pbx: str) -> list[Legs]:
        """Hand-overs that were begun and not seen to their end."""
        return await self._register.ask(store.leaving, pbx)

    async def take_back(self, call_id: UUID, talk: Talk) -> str | None:
        """Bring the operator's phone home, and the person to it if they are still there."""
        legs = await self._register.ask(store.legs, call_id)
        if legs is None:
            return "not_consulting"
        error = await self._move(legs, names.CONTEXT_SEAT, legs.from_seat)
        return await talk.resume(call_id) if legs.call in LIVE_CALLS else error

    async def left(self, leg_id: UUID, seat: str | None) -> UUID | None:
        """A phone is in the room of `seat`, or gone (None). The call that is the officer's by that, if there is one."""
        moved = await self._register.write(transfers.operator_left, leg_id, seat, self._register.now())
        return moved.call_id if moved else None

    async def _move(self, legs: Legs, context: str, seat: str) -> str | None:
        try:
            await self._link.send(actions.redirect(str(legs.from_leg), context, seat))
        except AmiError as error:
            log.warning("the phone of seat %s could not be moved: %s", legs.from_seat, error)
            return error.code
        return None
