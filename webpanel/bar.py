"""What the call bar shows: the operator's duty and the call they are on or owe a result for, as the register has it.

The bar is drawn from the register each time, so it is the same in every browser of a user and after a restart.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from db.rules.telephony import LIVE_CALLS, CallState, DutyState
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.store import calls, incoming
from db.store.calls import CallRow, DutyRow, SeatRow
from db.store.incoming import Queue
from db.usecases.duty import PAUSE_REASONS
from db.usecases.incoming import Pop, pop

EMPTY: Final = Queue(0, None)


@dataclass(frozen=True, slots=True)
class Bar:
    """The call bar of one user. `seats` are offered to those who are not on duty; `pop` is shown of a call that came in,
    until the person has proved who they are or the result is saved; `queue` are callers who wait for the user's areas."""

    duty: DutyRow | None
    call: CallRow | None
    seats: tuple[SeatRow, ...]
    pause_reasons: tuple[str, ...] = PAUSE_REASONS
    pop: Pop | None = None
    queue: Queue = EMPTY

    @property
    def live(self) -> bool:
        """Whether a call is going on (not merely waiting for its result)."""
        return self.call is not None and self.call.state in LIVE_CALLS

    @property
    def owed(self) -> bool:
        """Whether a call is over and its result is still owed."""
        return self.call is not None and not self.live

    @property
    def since(self) -> datetime | None:
        """From when the seconds are counted: the talk, the dialling, the wrap-up, or the state of the duty."""
        if self.call is not None and self.live:
            return self.call.joined_at or self.call.started_at
        if self.call is not None:
            return self.call.ended_at or self.call.started_at
        return self.duty.since if self.duty else None

    @property
    def tone(self) -> str:
        """The colour and shape of the state: ready, dialling, talking, held, lost, wrapup, paused or off."""
        if self.call is not None:
            return _CALL_TONES.get(self.call.state, "wrapup")
        return _DUTY_TONES[self.duty.state] if self.duty else "off"


_CALL_TONES = {
    CallState.PLACING: "dialling",
    CallState.RINGING: "dialling",
    CallState.TALKING: "talking",
    CallState.HELD: "held",
    CallState.PARTED: "lost",
}
_DUTY_TONES = {
    DutyState.CALLING_PHONE: "dialling",
    DutyState.READY: "ready",
    DutyState.BUSY: "talking",
    DutyState.WRAP_UP: "wrapup",
    DutyState.PAUSED: "paused",
    DutyState.PHONE_LOST: "lost",
}


def load_bar(tx: Connection, viewer: Viewer) -> Bar | None:
    """The bar of a user; None for one who never telephones."""
    if not viewer.may_anywhere(Right.CALL):
        return None
    duty = calls.duty(tx, viewer.user_id)
    call = calls.current(tx, viewer)
    asked = call is not None and call.result_at is None and call.identity_confirmed_at is None
    shown = pop(tx, viewer, call) if call and asked else None
    return Bar(duty, call, () if duty else tuple(calls.seats(tx)), pop=shown, queue=load_queue(tx, viewer))


def load_queue(tx: Connection, viewer: Viewer) -> Queue:
    """The callers who wait for somebody of the areas that the user telephones in."""
    return incoming.queue(tx, viewer.areas(Right.CALL))
