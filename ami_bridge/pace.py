"""The pacer of one campaign as its dialer tells it of operators and calls: in its own words, and only what it knows of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from ami_bridge import pacing
from ami_bridge.pacing import PredictivePacer
from db.rules.telephony import DutyState
from db.store.calls import DutyRow
from db.usecases.campaigns import Running

_STATES: Final = {
    DutyState.READY: pacing.READY,
    DutyState.BUSY: pacing.TALKING,
    DutyState.CONSULTING: pacing.TALKING,
    DutyState.WRAP_UP: pacing.WRAP_UP,
}


class Pace:
    """How many calls a campaign starts now. Times are seconds on a monotonic clock."""

    def __init__(self, campaign: Running) -> None:
        self.campaign: Final = campaign
        self._pacer = PredictivePacer(
            target_abandonment=campaign.target_abandonment,
            max_lines=campaign.lines,
            calls_per_second=campaign.calls_per_second,
            cap=campaign.cap,
        )
        self._there: set[str] = set()
        self._ringing: set[UUID] = set()
        self._waiting: set[UUID] = set()

    @property
    def calls(self) -> frozenset[UUID]:
        """Those that ring, or whose person waits for an operator."""
        return frozenset(self._ringing | self._waiting)

    def fits(self, campaign: Running) -> bool:
        """Whether the limits are still those that it was made for; whether it is open does not matter."""
        mine = self.campaign
        return (mine.target_abandonment, mine.lines, mine.calls_per_second, mine.cap, mine.detects) == (
            campaign.target_abandonment, campaign.lines, campaign.calls_per_second, campaign.cap, campaign.detects,
        )  # fmt: skip

    def within(self, campaign: Running, now: float) -> Pace:
        """A new pacer within other limits, with the same calls."""
        other = Pace(campaign)
        for call in self.calls:
            other.placed(call, now, None)
        for call in self._waiting:
            other.answered(call, now)
        return other

    def wanted(self, duties: Iterable[DutyRow], ledger: tuple[int, int], now: float) -> int:
        """How many to start, with these operators and the day's ledger (answered, abandoned) of all bridges."""
        self._pacer.restore(*ledger)
        states = {one.seat: _state(one) for one in duties}
        for seat in self._there - states.keys():
            self._pacer.agent_state(seat, pacing.AWAY, now)
        for seat, state in states.items():
            self._pacer.agent_state(seat, state, now)
        self._there = set(states)
        return self._pacer.calls_to_place(now)

    def again_in(self, now: float) -> float:
        """Seconds until the calls per second let another call be started; 0.0 if they do."""
        return self._pacer.again_in(now)

    def placed(self, call: UUID, now: float, chance: float | None) -> None:
        """A call is about to be dialled; its chance of being answered, if the register has an estimate."""
        self._ringing.add(call)
        self._pacer.call_placed(str(call), now, chance)

    def answered(self, call: UUID, now: float) -> None:
        """Somebody answered."""
        if call in self._ringing:
            self._ringing.discard(call)
            self._waiting.add(call)
            self._pacer.call_ended(str(call), answered=True, now=now)

    def connected(self, call: UUID, seat: str, now: float) -> None:
        """They are with an operator."""
        self.answered(call, now)
        if call in self._waiting:
            self._waiting.discard(call)
            self._pacer.call_connected(str(call), seat, now)

    def over(self, call: UUID, now: float) -> None:
        """The call is no more: it was not answered, or whoever waited found nobody."""
        if call in self._ringing:
            self._ringing.discard(call)
            self._pacer.call_ended(str(call), answered=False, now=now)
        elif call in self._waiting:
            self._waiting.discard(call)
            self._pacer.call_abandoned(str(call), now)


def _state(duty: DutyRow) -> str:
    """Nobody is joined to an empty chair: an operator without a phone is away, whatever the state says."""
    return _STATES.get(duty.state, pacing.AWAY) if duty.leg_up else pacing.AWAY
