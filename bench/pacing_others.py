"""The pacers of others, as their published sources and formulas have them, for comparison only; see bench/pacing.py.

Each is written from its rule, for the interface of ami_bridge/pacing.py. None has a wall: what their users get is shown.
"""

from __future__ import annotations

import math
from collections import deque

READY, TALKING, WRAP_UP, AWAY = "ready", "talking", "wrapup", "away"


class Counting:
    """Keeps what all of them look at: operators by state, calls by state, today's answers and losses."""

    def __init__(self) -> None:
        self.agents: dict[str, tuple[str, float]] = {}
        self.ringing: dict[str, float] = {}
        self.waiting: set[str] = set()
        self.answered = self.abandoned = self.ended = 0
        self.answer_seconds = 0.0
        self.handled = self.handle_seconds = 0.0
        self._began: dict[str, float] = {}

    def agent_state(self, agent: str, state: str, now: float) -> None:
        if state == READY and agent in self._began:
            self.handled += 1
            self.handle_seconds += now - self._began.pop(agent)
        self.agents[agent] = (state, now)

    def call_placed(self, call: str, now: float, answer_probability: float | None = None) -> None:  # noqa: ARG002
        self.ringing[call] = now

    def call_ended(self, call: str, answered: bool, now: float) -> None:
        since = self.ringing.pop(call)
        self.ended += 1
        if answered:
            self.answered += 1
            self.answer_seconds += now - since
            self.waiting.add(call)

    def call_connected(self, call: str, agent: str, now: float) -> None:
        self.waiting.discard(call)
        self._began[agent] = now
        self.agents[agent] = (TALKING, now)

    def call_abandoned(self, call: str, now: float) -> None:  # noqa: ARG002
        self.waiting.discard(call)
        self.abandoned += 1

    def count(self, *states: str) -> int:
        """Operators in any of these states."""
        return sum(state in states for state, _ in self.agents.values())

    @property
    def mean_handling(self) -> float:
        """Seconds of talk and wrap-up so far, on average."""
        return self.handle_seconds / self.handled if self.handled else 120.0


class FixedRatio(Counting):
    """So many lines for each free operator."""

    def __init__(self, ratio: float) -> None:
        super().__init__()
        self.ratio = ratio

    def calls_to_place(self, now: float) -> int:  # noqa: ARG002
        return math.floor(self.ratio * (self.count(READY) - len(self.waiting)) + 1e-9) - len(self.ringing)


class Vicidial(Counting):
    """VICIdial's adaptive methods: every 15 s a dial level from the difference of idle operators and waiting calls.

    Lines wanted are level times operators logged in; those talking count as lines in use. The level follows the
    difference, averaged over the last minute, per operator; it is at most 3. HARD_LIMIT goes back to 1 while today's
    share of losses is above the limit; AVERAGE lowers the level by as much as it is above; TAPERED does the same, but
    the limit is looser in the morning (up to double) and comes down to itself by the end of the shift.
    """

    def __init__(self, method: str, limit: float = 0.03, shift: float = 8 * 3600.0) -> None:
        super().__init__()
        self.method, self.limit, self.shift = method, limit, shift
        self.level = 1.0
        self.differences: deque[float] = deque(maxlen=120)
        self.adapted = 0.0

    def calls_to_place(self, now: float) -> int:
        self.differences.append(self.count(READY) - len(self.waiting))
        operators = self.count(READY, TALKING, WRAP_UP)
        if now - self.adapted >= 15.0 and operators:
            self.adapted = now
            self._adapt(operators, now)
        in_use = len(self.ringing) + len(self.waiting) + self.count(TALKING, WRAP_UP)
        return math.floor(self.level * operators + 1e-9) - in_use

    def _adapt(self, operators: int, now: float) -> None:
        difference = sum(self.differences) / len(self.differences)
        self.level = min(3.0, max(1.0, self.level * (1.0 + difference / operators)))
        limit = self.limit
        if self.method == "TAPERED":
            limit *= 1.0 + max(0.0, 1.0 - now / self.shift)
        lost = self.abandoned / max(1, self.answered)
        if lost > limit:
            self.level = 1.0 if self.method == "HARD_LIMIT" else max(1.0, self.level * limit / lost)


class Issabel(Counting):
    """Issabel's predictor: free operators, and busy ones who are free with 97 % by the time a call is answered.

    That chance is 1 - exp(-(time in the call so far + mean time to answer) / mean duration), as in its source. With
    `overcommit` the number is divided by the share of calls that are answered.
    """

    def __init__(self, *, overcommit: bool, quality: float = 0.97) -> None:
        super().__init__()
        self.overcommit, self.quality = overcommit, quality

    def calls_to_place(self, now: float) -> int:
        wanted = self.count(READY)
        if self.handled >= 10:
            mean, to_answer = self.mean_handling, self.answer_seconds / max(1, self.answered)
            for agent, (state, _) in self.agents.items():
                if state in {TALKING, WRAP_UP} and agent in self._began:
                    passed = now - self._began[agent] + to_answer
                    wanted += 1.0 - math.exp(-passed / mean) >= self.quality
        wanted -= len(self.waiting)
        if self.overcommit and self.ended >= 10 and self.answered:
            wanted = round(wanted * self.ended / self.answered)
        return wanted - len(self.ringing)


class ErlangB(Counting):
    """An open loop: calls at the steady rate at which Erlang's loss formula gives the target, whatever goes on now."""

    def __init__(self, target: float) -> None:
        super().__init__()
        self.target = target
        self.due = 0.0
        self.last: float | None = None

    def calls_to_place(self, now: float) -> int:
        passed = 0.0 if self.last is None else now - self.last
        self.last = now
        operators = self.count(READY, TALKING, WRAP_UP)
        answer_rate = (self.answered + 5.0) / (self.ended + 20.0)
        self.due += passed * offered_load(operators, self.target) / self.mean_handling / answer_rate
        whole = int(self.due)
        self.due -= whole
        return whole


def offered_load(servers: int, blocking: float) -> float:
    """The load in erlangs at which Erlang B loses this share."""
    low, high = 0.0, 2.0 * servers + 1.0
    for _ in range(50):
        middle = (low + high) / 2.0
        lost = 1.0
        for server in range(1, servers + 1):
            lost = middle * lost / (server + middle * lost)
        low, high = (middle, high) if lost < blocking else (low, middle)
    return low
