"""Names that the bridge and the dialplan share: channel variables, contexts, events, rooms.

The other half of every name is in `dialplans/saikoku.conf`; a test holds the two together. The bridge sets variables
with Originate's `Variable` header or Setvar, and sends channels to the contexts with Originate or Redirect.
"""

from typing import Final

from db.rules import callers

# Set by the bridge.
SEAT: Final = "SAIKOKU_SEAT"  # the operator's extension, digits: the room is saikoku-<seat>
ATTEMPT: Final = "SAIKOKU_ATTEMPT"  # the attempt's id, also the channel's Uniqueid
RECORDING: Final = (
    "SAIKOKU_RECORDING"  # file to record into: absolute, or relative to the recordings folder; empty: none
)
APOLOGY: Final = "SAIKOKU_APOLOGY"  # the campaign's prompt for whom no operator could take; empty: the hook's
VOICEMAIL: Final = "SAIKOKU_VOICEMAIL"  # the campaign's prompt for an answering machine; empty: it is hung up
PATIENCE: Final = "SAIKOKU_PATIENCE"  # seconds an answered person without an operator waits before the apology
CALLERID: Final = "SAIKOKU_CALLERID"  # number to show; used by saikoku-outbound (Originate's CallerID does it directly)
PLACE: Final = "SAIKOKU_PLACE"  # a caller's place among those who wait, from 1; empty: not said
CLOSED: Final = "SAIKOKU_CLOSED"  # why nobody takes calls: an Opening, and the name of its prompt
MUSIC: Final = "SAIKOKU_MUSIC"  # music class while the person waits or is held; empty: the PBX's default

# Set by the FastAGI server on a return call, and headers of EVENT_INCOMING (`db.rules.callers.Caller.from_headers` reads
# them; without the server they are empty).
CALLER_KIND: Final = callers.KIND
CALLER_E164: Final = callers.NUMBER
AREA: Final = callers.AREA
CANDIDATES: Final = callers.CANDIDATES
LAST_OPERATOR: Final = callers.LAST_OPERATOR
ANSWERS: Final = callers.ANSWERS

# Contexts. `s` is the extension unless it says otherwise.
CONTEXT_SEAT: Final = "saikoku-seat"  # extension = seat: the operator's standing leg
CONTEXT_ANSWERED: Final = "saikoku-answered"  # a person has answered: record, then the seat's room, or wait for a seat
CONTEXT_DETECT: Final = "saikoku-detect"  # the same, once it is told that no answering machine has answered
CONTEXT_MACHINE: Final = "saikoku-machine"  # an answering machine has: the campaign's message, then hang up
CONTEXT_JOIN: Final = "saikoku-join"  # extension = seat: move a person (held, waiting, transferred) into a seat's room
CONTEXT_CONSULT: Final = "saikoku-consult"  # extension = seat: a colleague's leg in that seat's room
CONTEXT_HOLD: Final = "saikoku-hold"  # music for a held person
CONTEXT_GOODBYE: Final = "saikoku-goodbye"  # a polite end, then hang up
CONTEXT_ABANDONED: Final = "saikoku-abandoned"  # no operator came: the apology, then hang up
CONTEXT_INCOMING: Final = "saikoku-incoming"  # extension = dialled number: a return call from the trunk
CONTEXT_WAITING: Final = "saikoku-waiting"  # nobody is free: message, place, music; 1 wishes to be called back
CONTEXT_CLOSED: Final = "saikoku-closed"  # nobody takes calls now: why, and 1 as above
CONTEXT_CALL_BACK: Final = "saikoku-call-back"  # the wish to be called back, until the bridge has written it down
CONTEXT_NOTED: Final = "saikoku-noted"  # written down: it is said so, then hang up
CONTEXT_OUTBOUND: Final = "saikoku-outbound"  # extension = number: by way of the trunk, hooks included
CONTEXT_LISTEN: Final = "saikoku-listen"  # extension = seat: a supervisor hears both sides
CONTEXT_WHISPER: Final = "saikoku-whisper"  # extension = seat: and is heard by the operator only
CONTEXT_BARGE: Final = "saikoku-barge"  # extension = seat: and is heard by both

MONITORING: Final = frozenset({CONTEXT_LISTEN, CONTEXT_WHISPER, CONTEXT_BARGE})
"""Where a supervisor's phone is while it takes part in another's call."""

START: Final = "s"
PRIORITY: Final = 1

# UserEvent names the dialplan raises (manager class "user"); each carries Uniqueid through its channel headers.
EVENT_WAITING: Final = "SaikokuWaiting"  # answered without a seat: give it one now (Redirect to saikoku-join)
EVENT_REFUSED: Final = "SaikokuRefused"  # the seat's room already held a person; the call is being ended politely
EVENT_ABANDONED: Final = "SaikokuAbandoned"  # patience ran out
EVENT_MACHINE: Final = "SaikokuMachine"  # an answering machine has answered
EVENT_INCOMING: Final = "SaikokuIncoming"  # a return call arrived
EVENT_CALL_BACK: Final = "SaikokuCallBack"  # a caller wishes to be called back; Number: what they keyed in, or empty

UNSERVED: Final = frozenset({CONTEXT_INCOMING, CONTEXT_WAITING, CONTEXT_CLOSED, CONTEXT_CALL_BACK})
"""Where a caller is before anybody of the office is there for them."""

TALKED: Final = frozenset({CONTEXT_JOIN, CONTEXT_HOLD, CONTEXT_GOODBYE})
"""Where somebody is who has been in an operator's room, or enters it."""

_ROOM_PREFIX: Final = "saikoku-"


def room(seat: str) -> str:
    """The ConfBridge room of a seat."""
    return _ROOM_PREFIX + seat


def seat_of(room_name: str) -> str | None:
    """The seat whose room this is, or None if the room is not one of ours."""
    return room_name.removeprefix(_ROOM_PREFIX) if room_name.startswith(_ROOM_PREFIX) else None
