"""Return calls: a caller rings and waits in the dialplan until an operator is reserved, and is then joined to their room (T5).

The register chooses (`giving.give`); here the caller's channel is moved. Until then the dialplan lets it ring, then says
the place in the queue and plays music, and promises a call back when its patience is over: a call is never lost because
the bridge is away. A bridge that comes back lets callers who still wait be looked up again, and takes up those who talk.

Everything here runs in the lane of its call.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.dialing import Dialing
from ami_bridge.errors import AmiError, AmiRefused
from ami_bridge.link import AmiLink
from ami_bridge.patience import Patience
from ami_bridge.recordings import Recordings
from ami_bridge.talks import Talks
from ami_bridge.tracking import Arrived, AskedBack, Entered, Fact, Gone, OnHold, Standing, TurnedAway
from ami_bridge.values import Action, Reply
from db.register import Register
from db.rules.opening import Opening
from db.rules.telephony import LIVE_CALLS, CallState, EndedBy, IncomingState
from db.store import incoming as store
from db.store.incoming import IncomingRow
from db.usecases import calls, giving, incoming
from db.usecases.giving import Given
from db.usecases.office import Office

log = logging.getLogger(__name__)

Send = Callable[[Action], Awaitable[Reply]]

_TALKED: Final = frozenset({CallState.TALKING, CallState.HELD, CallState.PARTED})


class Reception(Talks):
    """Gives callers to operators, carries out what is wanted of their calls, and writes what becomes of them."""

    def __init__(
        self,
        register: Register,
        link: AmiLink,
        patience: Patience,
        recordings: Recordings,
        dialing: Dialing,
        office: Office,
        pbx: str,
    ) -> None:
        super().__init__(register, link, patience, recordings)
        self._dialing = dialing
        self._office = office
        self._pbx = pbx
        self._places: dict[UUID, int] = {}  # what callers who wait are told of their place

    async def receive(self, call_id: UUID) -> None:
        """Take a call that has just been written down: to an operator, into the queue, or to hear why nobody takes it."""
        row = await self._row(call_id)
        if row is not None and row.state is IncomingState.CLOSED:
            await self._turn_away(call_id, row.channel, row.opening, self._link.send)
        else:
            await self.give(call_id)

    async def give(self, call_id: UUID) -> None:
        """Give a call that waits to an operator, if one is ready; otherwise its dialplan learns its place in the queue."""
        await self._serve(call_id, self._link.send)

    async def _serve(self, call_id: UUID, send: Send) -> None:
        given = await self._register.write(giving.give, call_id, self._register.now())
        if given is not None:
            await self._join(given, send)
        elif (place := await self._register.ask(giving.place, call_id)) is not None:
            await self._tell_place(call_id, place, send)

    async def _tell_place(self, call_id: UUID, place: int, send: Send) -> None:
        row = await self._row(call_id)
        if row is None or self._places.get(call_id) == place:
            return
        try:
            await send(actions.set_var(row.channel, names.PLACE, str(place)))
        except AmiError as error:  # gone; or the next reconciliation says it again
            log.debug("call %s was not told its place: %s", call_id, error)
        else:
            self._places[call_id] = place

    async def _turn_away(self, call_id: UUID, channel: str, opening: Opening, send: Send) -> None:
        """Nobody takes calls now: let the caller hear why."""
        try:
            await send(actions.set_var(channel, names.CLOSED, opening.value))
            await send(actions.redirect(channel, names.CONTEXT_CLOSED, names.START))
        except AmiError as error:
            log.warning("call %s could not be told why nobody takes it: %s", call_id, error)

    async def _note(self, call_id: UUID, digits: str, send: Send) -> None:
        """Write down the wish to be called back, and only then say so."""
        if not await self._register.write(incoming.ask_back, call_id, digits, self._register.now(), self._office):
            return
        row = await self._row(call_id)
        try:
            if row is not None:
                await send(actions.redirect(row.channel, names.CONTEXT_NOTED, names.START))
        except AmiError as error:
            log.warning("call %s was not told that its wish is noted: %s", call_id, error)

    async def _join(self, given: Given, send: Send) -> None:
        variables = {
            names.SEAT: given.seat,
            names.ATTEMPT: str(given.call_id),
            names.RECORDING: self._dialing.recording_at_pbx(given.recording),
        }
        try:
            for name, value in variables.items():
                await send(actions.set_var(given.channel, name, value))
            await send(actions.redirect(given.channel, names.CONTEXT_ANSWERED, names.START))
        except AmiError as error:  # gone, which its Hangup says; or cut off, which the next reconciliation settles
            log.warning("call %s could not be given to seat %s: %s", given.call_id, given.seat, error)

    # -- what is wanted -----------------------------------------------------------------------------------------------

    async def hang_up(self, call_id: UUID) -> str | None:
        """End a call on the operator's word; politely (saikoku-goodbye) once they talk."""
        line, row = await self._line(call_id), await self._row(call_id)
        if line is None or row is None or line.call not in LIVE_CALLS:
            return "call_over"
        self._ending[call_id] = EndedBy.SCREEN
        if line.call in _TALKED:
            return await self._move(call_id, names.CONTEXT_GOODBYE, names.START)
        return await self._send(actions.hangup(row.channel))

    async def _channel(self, call_id: UUID) -> str | None:
        row = await self._row(call_id)
        return None if row is None else row.channel

    # -- what happened ------------------------------------------------------------------------------------------------

    async def apply(self, fact: Fact) -> None:
        """Write a fact about a call that came in."""
        write, now = self._register.write, self._register.now()
        match fact:
            case Arrived(channel=channel, caller=caller):
                taken = (
                    incoming.receive if self._link.state.up else incoming.arrived
                )  # a reserved operator is joined at once
                await write(taken, fact.id, self._pbx, channel, caller, now, self._office)
            case AskedBack(number=digits):
                await self._note(fact.id, digits, self._link.send)
            case Entered():
                await write(incoming.joined, fact.id, now)
                await self._mind(fact.id)
            case OnHold():
                await write(calls.held, fact.id, now)
                await self._mind(fact.id)
            case TurnedAway():
                self._ending[fact.id] = EndedBy.SYSTEM
            case Gone(talked=talked):
                if talked:
                    await self._make_up_for(fact.id)
                await self._gone(fact.id, self._ending.pop(fact.id, EndedBy.PERSON))

    async def _make_up_for(self, call_id: UUID) -> None:
        """They talked, and that was not heard of: the link was made a moment ago."""
        line = await self._line(call_id)
        if line is not None and line.call is CallState.RINGING:
            await self._register.write(incoming.joined, call_id, self._register.now())

    async def found(self, known: IncomingRow, channel: Standing | None, send: Send) -> None:
        """Compare what the register believes of a call with what Asterisk has (None: no channel).

        `send` is that of the new session, which is not up yet for anybody else.
        """
        now = self._register.now()
        if channel is None:
            await self._gone(known.id, self._ending.pop(known.id, None))
        elif channel.seat is not None:
            await self._register.write(incoming.joined, known.id, now)
            await self._mind(known.id)
        elif channel.held:
            await self._register.write(calls.held, known.id, now)
            await self._mind(known.id)
        elif channel.context == names.CONTEXT_CALL_BACK:
            await self._note(known.id, "", send)
        elif known.state is IncomingState.CLOSED:
            if channel.context != names.CONTEXT_CLOSED:
                await self._turn_away(known.id, known.channel, known.opening, send)
        elif channel.context in names.UNSERVED:
            self._places.pop(known.id, None)
            await self._serve(known.id, send)

    async def greet(self, channel: str, send: Send) -> None:
        """A caller rings or waits of whom nobody heard: let the dialplan look them up and say so again."""
        try:
            await send(actions.redirect(channel, names.CONTEXT_INCOMING, names.START))
        except AmiRefused:
            log.info("a caller who was not heard of has hung up")
        except AmiError as error:
            log.warning("a caller who was not heard of could not be looked up: %s", error)

    async def _gone(self, call_id: UUID, by: EndedBy | None) -> None:
        self._places.pop(call_id, None)
        await self._register.write(incoming.gone, call_id, self._register.now(), self._office, by=by)
        await self._over(call_id)

    async def _row(self, call_id: UUID) -> IncomingRow | None:
        return await self._register.ask(store.find, call_id)
