"""What Asterisk's events and lists say of our calls, as facts: for the dialer, the operators' legs and the reconciler.

Attempts and standing legs are originated with their id as ChannelId, so that an event's Uniqueid names them. A call that
comes in has an Uniqueid of Asterisk's making: the dialplan's event makes it one of ours, under an id made from it. Every
other channel (the far half of a Local channel, ordinary phones) is passed over.

Seen on Asterisk 16 and 22: when an Originate fails, OriginateResponse (Reason 0) comes *before* the Hangup that carries
the true cause, and looks the same when there was never a channel and no Hangup will come. On a busy machine it comes even
before Newchannel: Asterisk sends it from another thread. So a failure without a channel only begins the waiting for one
(`settling`), and only the link that sent the Originate may conclude from hearing nothing: another may have come too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.values import Action, Event, Reply
from db.rules.callers import Caller
from db.usecases.incoming import call_id_of

EVENTS: Final = frozenset(
    {
        "Newchannel",
        "Newstate",
        "ConfbridgeJoin",
        "MusicOnHoldStart",
        "UserEvent",
        "Hangup",
        "OriginateResponse",
        "FullyBooted",
    }
)
"""The events that say something here."""

_UUID_LENGTH = 36
_RINGING = "Ringing"
_UP = "Up"
_NO_ANSWER = 19  # what Asterisk 22 gives for a call that rang until its Timeout; 16 gives 0


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to the channel of an attempt or leg."""

    id: UUID


class Began(Fact):
    """There is a channel now."""


class Rang(Fact):
    """The other end rings."""


class Answered(Fact):
    """The other end has answered."""


@dataclass(frozen=True, slots=True)
class Entered(Fact):
    """It is in the room of `seat`."""

    seat: str


@dataclass(frozen=True, slots=True)
class Arrived(Fact):
    """A call has come in on `channel` (its Uniqueid), and rings."""

    channel: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class AskedBack(Fact):
    """Whoever called wishes to be called back; `number` is what they keyed in, or empty."""

    number: str


class Waiting(Fact):
    """It was answered, and no operator is chosen yet: the dialplan keeps it for a moment."""


class Unserved(Fact):
    """No operator came: it hears the apology, and is ended."""


class Machine(Fact):
    """An answering machine has answered: it is left a message or none, and ended by the dialplan."""


class OnHold(Fact):
    """It hears the music of saikoku-hold (not that of a room whose operator is away)."""


class TurnedAway(Fact):
    """The dialplan did not let it into its room, which held another person, and ends it."""


@dataclass(frozen=True, slots=True)
class Gone(Fact):
    """The channel is no more: its Q.850 cause, and how far it had come.

    `reached`: the other end rang or had answered. `answered`: it was up. `talked`: it had been in an operator's room.
    A link that was made a moment ago may not have heard of that before.
    """

    cause: int
    reached: bool
    answered: bool = False
    talked: bool = False


@dataclass(frozen=True, slots=True)
class Failed(Fact):
    """The Originate failed, and no channel of it was seen yet: no such trunk, or a phone that is not registered.

    `own`: it was sent over the link that heard this, which hears of a channel if there was one. Every other link is told
    too, one that was made just now as well.
    """

    own: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A channel as it stands in CoreShowChannels."""

    ringing: bool
    up: bool
    context: str
    seat: str | None  # whose room it is in

    @property
    def held(self) -> bool:
        return self.context == names.CONTEXT_HOLD


class Tracker:
    """Turns events into facts; remembers which channels live, and how far the events of the links have been read."""

    def __init__(self, pbx: str = "main") -> None:
        self._pbx = pbx
        self._came_in: dict[str, UUID] = {}
        self._living: set[UUID] = set()
        self._heard: set[UUID] = set()  # of those, on this link
        self._generation = 0
        self.uptime: float | None = None
        """Seconds for which Asterisk had been running when this link was made; None if it does not say."""
        self._stir = asyncio.Condition()

    async def read(self, event: Event) -> Fact | None:
        """The fact in an event, if there is one of ours. Events must come in order."""
        if event.name == "FullyBooted":
            uptime = event.get("Uptime")
            self.uptime = float(uptime) if uptime.isdigit() else None
            await self._reached(event.generation)
            return None
        if event.name == "OriginateResponse":
            return self._failure(event)
        unique_id = event.get("Uniqueid")
        if event.name == "UserEvent" and event.get("UserEvent") == names.EVENT_INCOMING:
            return self._arrival(unique_id, event)
        subject = ours(unique_id) or self._came_in.get(unique_id)
        reader = _READERS.get(event.name)
        if subject is None or reader is None:
            return None
        if event.name == "Hangup":
            self._living.discard(subject)
            self._heard.discard(subject)
            self._came_in.pop(unique_id, None)
        else:
            self.saw((subject,))
        return reader(subject, event)

    def saw(self, channels: Iterable[UUID]) -> None:
        """These live, by the reconciler's list."""
        self._living.update(channels)
        self._heard.update(channels)

    def lives(self, channel: UUID) -> bool:
        """Whether a channel was seen since this link began, and its end was not."""
        return channel in self._heard

    def follow(self, channel: str, call_id: UUID) -> None:
        """A call that came in is on this channel, by the register."""
        self._came_in[channel] = call_id

    def follows(self, channel: str) -> bool:
        """Whether a call that came in is known to be on this channel."""
        return channel in self._came_in

    async def caught_up(self, generation: int) -> None:
        """Wait until every event of the links before this one has been read: FullyBooted is a new link's first."""
        async with self._stir:
            await self._stir.wait_for(lambda: self._generation >= generation)

    async def _reached(self, generation: int) -> None:
        self._heard.clear()
        async with self._stir:
            self._generation = max(self._generation, generation)
            self._stir.notify_all()

    def _arrival(self, unique_id: str, event: Event) -> Fact | None:
        if not unique_id or ours(unique_id) is not None:
            return None  # one that we dialled ourselves
        self.follow(unique_id, call_id_of(self._pbx, unique_id))
        self.saw((self._came_in[unique_id],))
        return Arrived(self._came_in[unique_id], unique_id, Caller.from_headers(event.headers))

    def _failure(self, event: Event) -> Fact | None:
        subject = ours(event.tag or event.get("Uniqueid"))
        if subject is None or event.get("Response") != "Failure" or subject in self._living:
            return None
        return Failed(subject, own=event.own)


def ours(unique_id: str) -> UUID | None:
    """The id of our attempt or leg that a Uniqueid is, or None."""
    if len(unique_id) != _UUID_LENGTH:
        return None
    try:
        return UUID(unique_id)
    except ValueError:
        return None


def _newstate(subject: UUID, event: Event) -> Fact | None:
    state = event.get("ChannelStateDesc")
    if state == _RINGING:
        return Rang(subject)
    return Answered(subject) if state == _UP else None


def _join(subject: UUID, event: Event) -> Fact | None:
    seat = names.seat_of(event.get("Conference"))
    return None if seat is None else Entered(subject, seat)


def _music(subject: UUID, event: Event) -> Fact | None:
    return OnHold(subject) if event.get("Context") == names.CONTEXT_HOLD else None


def _user_event(subject: UUID, event: Event) -> Fact | None:
    match event.get("UserEvent"):
        case names.EVENT_REFUSED:
            return TurnedAway(subject)
        case names.EVENT_WAITING:
            return Waiting(subject)
        case names.EVENT_ABANDONED:
            return Unserved(subject)
        case names.EVENT_MACHINE:
            return Machine(subject)
        case names.EVENT_CALL_BACK:
            return AskedBack(subject, event.get("Number"))
    return None


def _hangup(subject: UUID, event: Event) -> Fact:
    cause, state = event.get("Cause"), event.get("ChannelStateDesc")
    number = int(cause) if cause.isdigit() else 0
    if number == 0 and state == _RINGING:
        number = _NO_ANSWER
    answered = state == _UP
    talked = answered and event.get("Context") in names.TALKED
    return Gone(subject, number, state in {_RINGING, _UP}, answered, talked)


_READERS: Final[Mapping[str, Callable[[UUID, Event], Fact | None]]] = {
    "Newchannel": lambda subject, _event: Began(subject),
    "Newstate": _newstate,
    "ConfbridgeJoin": _join,
    "MusicOnHoldStart": _music,
    "UserEvent": _user_event,
    "Hangup": _hangup,
}


# -- the list of channels ---------------------------------------------------------------------------------------------

CHANNELS: Final[Action] = actions.core_show_channels()


def standing(reply: Reply) -> dict[UUID, Standing]:
    """Our channels in the answer to CHANNELS.

    The room is told by the application that a channel runs. ConfbridgeList would say the same, but later than this
    list, a request a room, and Asterisk refuses it for a room that has just emptied.
    """
    return {subject: _standing(event) for event in reply.events if (subject := ours(event.get("Uniqueid"))) is not None}


def came_in(reply: Reply) -> dict[str, Standing]:
    """Channels of calls that may have come in, by their Uniqueid, in the answer to CHANNELS: all that are not ours."""
    return {event.get("Uniqueid"): _standing(event) for event in reply.events if ours(event.get("Uniqueid")) is None}


def _standing(event: Event) -> Standing:
    state = event.get("ChannelStateDesc")
    room = event.get("ApplicationData").partition(",")[0] if event.get("Application") == "ConfBridge" else ""
    return Standing(state == _RINGING, state == _UP, event.get("Context"), names.seat_of(room))
