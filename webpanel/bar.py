"""What the call bar shows: the operator's duty and the call they are on or owe a result for, as the register has it.

The bar is drawn from the register each time, so it is the same in every browser of a user and after a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from db.rules.telephony import LIVE_CALLS, CallState, DutyState, MonitorMode, TransferState
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.store import calls, incoming, monitors, transfers
from db.store.calls import CallRow, DutyRow, SeatRow
from db.store.incoming import Queue
from db.store.monitors import MonitorRow
from db.store.transfers import OfficerRow, TransferRow
from db.usecases import campaign_work, pauses
from db.usecases.campaign_work import Offer, Person
from db.usecases.duty import PAUSE_REASONS
from db.usecases.incoming import Pop, pop
from db.usecases.transfers import officers

EMPTY: Final = Queue(0, None)


@dataclass(frozen=True, slots=True)
class Bar:
    """The call bar of one user. `seats` are offered to those who are not on duty; `pop` is shown of a call that came in,
    until the person has proved who they are or the result is saved; `queue` are callers who wait for the user's areas,
    `officers` those to whom the call might be taken, and `transfer` the one that is under way from or to the user, or that
    has brought the call. `unrecorded`: the recording pauses. `work`: a campaign of which the user takes the next person by
    hand, `reserved` whom they have taken; `campaign`: the one that dialled the call by itself; `word`: what a supervisor
    has done with the user; `monitor`: the call of another that the user, a supervisor, takes part in."""

    duty: DutyRow | None
    call: CallRow | None
    seats: tuple[SeatRow, ...]
    pause_reasons: tuple[str, ...] = PAUSE_REASONS
    pop: Pop | None = None
    queue: Queue = EMPTY
    transfer: TransferRow | None = None
    officers: Sequence[OfficerRow] = ()
    unrecorded: bool = False
    work: Offer | None = None
    reserved: Person | None = None
    campaign: Person | None = None
    word: str = ""
    monitor: MonitorRow | None = None
    modes: tuple[MonitorMode, ...] = tuple(MonitorMode)

    @property
    def consulting(self) -> bool:
        """Whether the user, an operator, speaks with an officer about their call."""
        return self.transfer is not None and self.transfer.state in _UNDER_WAY and self.call is not None

    @property
    def handed(self) -> TransferRow | None:
        """The transfer to the user, an officer, whose person the screen shows."""
        is_to_me = self.transfer is not None and self.duty is not None and self.transfer.to_user == self.duty.user_id
        return self.transfer if is_to_me else None

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
        return tone_of(self.duty.state if self.duty else None, self.call.state if self.call else None)


_CALL_TONES = {
    CallState.PLACING: "dialling",
    CallState.RINGING: "dialling",
    CallState.TALKING: "talking",
    CallState.HELD: "held",
    CallState.PARTED: "lost",
}
_UNDER_WAY = frozenset({TransferState.CONSULTING, TransferState.LEAVING})
_TALKS = frozenset({CallState.TALKING, CallState.HELD})
_DUTY_TONES = {
    DutyState.CALLING_PHONE: "dialling",
    DutyState.READY: "ready",
    DutyState.BUSY: "talking",
    DutyState.CONSULTING: "talking",
    DutyState.MONITORING: "talking",
    DutyState.WRAP_UP: "wrapup",
    DutyState.PAUSED: "paused",
    DutyState.PHONE_LOST: "lost",
}


def tone_of(duty: DutyState | None, call: CallState | None) -> str:
    """The tone of an operator by what they do and by their call, if there is one."""
    if call is not None:
        return _CALL_TONES.get(call, "wrapup")
    return _DUTY_TONES[duty] if duty else "off"


def load_bar(tx: Connection, viewer: Viewer) -> Bar | None:
    """The bar of a user; None for one who never telephones."""
    if not viewer.may_anywhere(Right.CALL):
        return None
    duty = calls.duty(tx, viewer.user_id)
    call = calls.current(tx, viewer)
    asked = call is not None and call.result_at is None and call.identity_confirmed_at is None
    shown = pop(tx, viewer, call) if call and asked else None
    return Bar(
        duty,
        call,
        () if duty else tuple(calls.seats(tx)),
        pop=shown,
        queue=load_queue(tx, viewer),
        transfer=_transfer(tx, viewer, call),
        unrecorded=call is not None and pauses.under_way(tx, call.id),
        campaign=_dialled(tx, call) if call and asked else None,
        **_work(tx, viewer, duty, call),
        officers=officers(tx, viewer, call) if call and call.state in _TALKS and call.result_at is None else (),
        monitor=_monitor(tx, duty),
        word=duty.word if duty else calls.last_word(tx, viewer.user_id),
    )


def _monitor(tx: Connection, duty: DutyRow | None) -> MonitorRow | None:
    if duty is None or duty.state is not DutyState.MONITORING:
        return None
    return next(iter(monitors.open_ones(tx, user_id=duty.user_id)), None)


def _work(tx: Connection, viewer: Viewer, duty: DutyRow | None, call: CallRow | None) -> dict[str, Any]:
    if duty is None or call is not None or duty.state is not DutyState.READY:
        return {}
    return {
        "work": next((one for one in campaign_work.offers(tx, viewer) if one.takes), None),
        "reserved": campaign_work.reserved(tx, viewer),
    }


def _dialled(tx: Connection, call: CallRow) -> Person | None:
    found = campaign_work.of_call(tx, call)
    return found if found is not None and found.mode not in campaign_work.RESERVED_FOR else None


def _transfer(tx: Connection, viewer: Viewer, call: CallRow | None) -> TransferRow | None:
    if call is None:
        return transfers.to_user(tx, viewer.user_id)
    if call.result_at is not None:
        return None
    return transfers.of_call(tx, call.id) or transfers.brought(tx, call.id, viewer.user_id)


def load_queue(tx: Connection, viewer: Viewer) -> Queue:
    """The callers who wait for somebody of the areas that the user telephones in."""
    return incoming.queue(tx, viewer.areas(Right.CALL))
