"""Calls out: dialled when the register says so, moved when the operator asks, and followed to their end.

The order that no second call slips through: `calls.authorize` asks the rule again, marks the attempt as sent and is
committed; then one Originate is sent, with the attempt's id as ChannelId. What a lost link leaves open is settled by
what Asterisk shows or has written down, or stays unknown for a person to settle; nothing here ever dials twice. The number comes from the
attempt's row, which came from a record: no other can be dialled (toll fraud).

Everything here runs in the lane of its call.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.errors import AmiError, AmiRefused, OutcomeUnknown
from ami_bridge.link import AmiLink
from ami_bridge.patience import Patience
from ami_bridge.recordings import Recordings
from ami_bridge.settling import NO_CHANNEL
from ami_bridge.talks import Talks
from ami_bridge.tracking import (
    CHANNELS,
    Answered,
    Began,
    Entered,
    Fact,
    Failed,
    Gone,
    Machine,
    OnHold,
    Rang,
    Standing,
    TurnedAway,
    standing,
)
from ami_bridge.values import Action
from db.reference.phones import PhoneError, dial_digits
from db.register import UNAVAILABLE, Register
from db.rules.telephony import LIVE_CALLS, OPEN_ATTEMPTS, AttemptState, EndedBy
from db.settings import DialSettings
from db.store import calls as stored
from db.store.calls import AttemptRow
from db.tenure import Lease
from db.usecases import calls
from db.usecases.calls import Go
from db.usecases.office import Office

log = logging.getLogger(__name__)

NO_PBX: Final = "交換機に接続できないため、発信しませんでした。"
BAD_NUMBER: Final = "番号または発信設定に誤りがあるため、発信しませんでした。"
NO_REGISTER: Final = "記録できないため、発信しませんでした。"


class Dialing(Talks):
    """Carries out what is wanted of calls, and writes what becomes of them."""

    def __init__(
        self,
        register: Register,
        link: AmiLink,
        lease: Lease,
        patience: Patience,
        recordings: Recordings,
        settings: DialSettings,
        office: Office,
        lost: Callable[[UUID, Failed | None], Awaitable[None]],
    ) -> None:
        """`lost` is told of attempts that were sent and have no channel, whose end nobody heard, or that have failed."""
        super().__init__(register, link, patience, recordings)
        self._tell_lost = lost
        self._placed: set[UUID] = set()  # accepted by Asterisk on this link, and nobody has answered
        self._lease = lease
        self._settings = settings
        self._office = office

    # -- what is wanted -----------------------------------------------------------------------------------------------

    async def place(self, attempt_id: UUID) -> str | None:
        """Dial an attempt, once. Returns why it was not done."""
        try:
            go = await self._register.database.run(self._authorize, attempt_id)
        except UNAVAILABLE:  # not tried again: nobody knows whether the first try was committed
            await self.not_placed(attempt_id, NO_REGISTER)
            return "register"
        return "refused" if go is None else await self.send(go.attempt_id, lambda: self._originate(go))

    def _authorize(self, tx: Connection, attempt_id: UUID) -> Go | None:
        self._lease.require(tx)
        now, most = self._register.now(), self._settings.max_lines
        return calls.authorize(tx, attempt_id, now, self._office, max_lines=most)

    async def send(self, attempt_id: UUID, originate: Callable[[], Action]) -> str | None:
        """Send the Originate of an attempt that is authorized, once. Returns why nothing rings, as far as that is known."""
        try:
            await self._link.send(originate())
        except AmiRefused as error:
            log.warning("attempt %s: %s", attempt_id, error)
            await self._end(attempt_id, NO_CHANNEL, EndedBy.SYSTEM)
            return error.code
        except OutcomeUnknown as error:
            await self._find_out(attempt_id)
            return error.code
        except PhoneError as error:
            await self.not_placed(attempt_id, BAD_NUMBER)
            return error.code
        except AmiError as error:  # surely not sent
            log.warning("attempt %s: %s", attempt_id, error)
            await self.not_placed(attempt_id, BAD_NUMBER if isinstance(error, ValueError) else NO_PBX)
            return error.code
        self._placed.add(attempt_id)
        return None

    def _originate(self, go: Go) -> Action:
        variables = {names.SEAT: go.seat, names.RECORDING: self.recording_at_pbx(go.recording)}
        return self.originate(go.attempt_id, go.number, variables)

    def originate(
        self, attempt_id: UUID, number: str, variables: Mapping[str, str], *, ring_seconds: int = 0, caller_id: str = "",
        context: str = names.CONTEXT_ANSWERED,
    ) -> Action:  # fmt: skip
        """The Originate of an attempt; `ring_seconds` and `caller_id` are those of the settings if not given.

        Whoever answers goes to `context`.

        Raises PhoneError, BadArgument.
        """
        dial = self._settings
        return actions.originate(
            dial.channel.format(number=dial_digits(number)),
            channel_id=str(attempt_id),
            context=context,
            exten=names.START,
            timeout_ms=(ring_seconds or dial.ring_seconds) * 1000,
            caller_id=caller_id or dial.caller_id or None,
            variables={**variables, names.ATTEMPT: str(attempt_id)},
        )

    def recording_at_pbx(self, path: str) -> str:
        """The file of a recording as the PBX sees it."""
        seen_from_pbx = self._settings.pbx_recordings_dir or str(self._settings.recordings_dir.absolute())
        return str(PurePosixPath(seen_from_pbx) / path)

    async def _find_out(self, attempt_id: UUID) -> None:
        """An Originate got no answer. If the link has gone too, the next reconciliation finds out."""
        try:
            channels = standing(await self._link.send(CHANNELS))
        except AmiError:
            return
        if attempt_id not in channels:
            await self._lost(attempt_id, None)

    async def not_placed(self, attempt_id: UUID, why: str) -> None:
        """Nothing was sent for an attempt."""
        await self._register.write(calls.refuse, attempt_id, self._register.now(), why)

    async def hang_up(self, call_id: UUID) -> str | None:
        """End a call on the operator's word; politely (saikoku-goodbye) once it was answered."""
        line = await self._line(call_id)
        if line is None:
            return await self._let_go(call_id)
        if line.call not in LIVE_CALLS:
            return "call_over"
        self._ending[call_id] = EndedBy.SCREEN
        if line.attempt is AttemptState.ANSWERED:
            return await self._move(call_id, names.CONTEXT_GOODBYE, names.START)
        return await self._cancel(call_id)

    async def _let_go(self, attempt_id: UUID) -> str | None:
        """End a campaign's dial that is nobody's call yet; whoever has just answered hears the apology."""
        known = await self._attempt(attempt_id)
        if known is None or known.state not in OPEN_ATTEMPTS:
            return "call_over"
        if known.state is AttemptState.ANSWERED:
            return await self._move(attempt_id, names.CONTEXT_ABANDONED, names.START)
        self._ending[attempt_id] = EndedBy.SCREEN
        return await self._cancel(attempt_id)

    async def _channel(self, call_id: UUID) -> str | None:
        return str(call_id)  # an attempt's id is its channel's Uniqueid

    async def _cancel(self, call_id: UUID) -> str | None:
        try:
            await self._link.send(actions.hangup(str(call_id)))
        except AmiRefused:
            return None  # Asterisk has it queued: it is ended when its channel begins
        except AmiError as error:
            return error.code
        return None

    # -- what happened ------------------------------------------------------------------------------------------------

    async def apply(self, fact: Fact) -> None:
        """Write a fact about an attempt."""
        write, now = self._register.write, self._register.now()
        self._unless_answered(fact)
        match fact:
            case Began():
                await self._end_if_unwanted(fact.id)
            case Rang():
                await write(calls.ringing, fact.id, now)
            case Answered():
                await write(calls.answered, fact.id, now)
            case Entered():
                self._patience.set(fact.id, waits=await write(calls.joined, fact.id, now))
            case OnHold():
                await write(calls.held, fact.id, now)
                await self._mind(fact.id)
            case Machine():
                self._ending[fact.id] = EndedBy.SYSTEM
                await write(calls.machine, fact.id, now)
            case TurnedAway():
                self._ending[fact.id] = EndedBy.SYSTEM
            case Gone():
                await self._gone(fact)
            case Failed():
                await self._lost(fact.id, fact)

    def _unless_answered(self, fact: Fact) -> None:
        if not isinstance(fact, Began | Rang | Gone):
            self._placed.discard(fact.id)

    async def found(self, known: AttemptRow, channel: Standing | None, pending: AbstractSet[UUID]) -> None:
        """Compare what the register believes of an attempt with what Asterisk has (None: no channel)."""
        if channel is None:
            await self._found_gone(known.id, pending)
        else:
            await self._found_alive(known.id, channel)
            await self._mind(known.id)

    async def _found_gone(self, attempt_id: UUID, pending: AbstractSet[UUID]) -> None:
        known = await self._attempt(attempt_id)
        if known is None or known.state not in OPEN_ATTEMPTS:
            return
        if known.state is AttemptState.PREPARED:
            if attempt_id not in pending:
                await self.not_placed(attempt_id, NO_PBX)
        else:
            self._patience.set(attempt_id, waits=False)
            await self._lost(attempt_id, None)

    async def _found_alive(self, attempt_id: UUID, channel: Standing) -> None:
        write, now = self._register.write, self._register.now()
        if channel.ringing:
            await write(calls.ringing, attempt_id, now)
        if channel.up:
            await write(calls.answered, attempt_id, now)
        if channel.seat is not None:
            await write(calls.joined, attempt_id, now)
        elif channel.held:
            await write(calls.held, attempt_id, now)

    async def end_stray(self, attempt_id: UUID) -> None:
        """A channel lives although its attempt was given up: the person must not be left with it."""
        known = await self._attempt(attempt_id)
        if known is not None and known.state not in OPEN_ATTEMPTS:
            log.warning("attempt %s is %s and has a channel; it is ended", attempt_id, known.state.value)
            await self._cancel(attempt_id)

    async def _end_if_unwanted(self, attempt_id: UUID) -> None:
        if attempt_id in self._ending:
            await self._cancel(attempt_id)
        elif attempt_id not in self._placed:
            await self.end_stray(attempt_id)

    async def _gone(self, gone: Gone) -> None:
        by = self._ending.pop(gone.id, None)
        if (
            gone.id in self._placed and not gone.answered
        ):  # most dials: nobody answered, and there is nothing to look for
            await self._close(gone.id, gone.cause, by)
            return
        known = await self._attempt(gone.id)
        if known is None or known.state is not AttemptState.ANSWERED:
            if gone.answered and known is not None and known.state in OPEN_ATTEMPTS:
                await self._lost(
                    gone.id, None
                )  # answered before this link was made: when, only Asterisk's record knows
            else:
                await self._end(gone.id, gone.cause, by)
        else:
            await self._end(gone.id, gone.cause, by or EndedBy.PERSON)

    async def _attempt(self, attempt_id: UUID) -> AttemptRow | None:
        return await self._register.ask(stored.attempt, attempt_id)

    async def _end(self, attempt_id: UUID, cause: int | None, by: EndedBy | None) -> None:
        await self._close(attempt_id, cause, by)
        await self._recordings.look_at(attempt_id)

    async def _close(self, attempt_id: UUID, cause: int | None, by: EndedBy | None) -> None:
        self._placed.discard(attempt_id)
        await self._register.write(calls.ended, attempt_id, self._register.now(), cause, by=by)
        self._patience.set(attempt_id, waits=False)

    async def _lost(self, attempt_id: UUID, failed: Failed | None) -> None:
        self._placed.discard(attempt_id)
        await self._tell_lost(attempt_id, failed)
