"""How many calls to start now: the pacers of a campaign, for the dialer. Pure: no clock, no I/O, no chance.

`PredictivePacer` dials ahead of the operators. It keeps the share of answered people who find nobody near a target, and
keeps the day's share under a cap by a wall (see `_Wall`). `RatioPacer` dials so many lines per free operator, and
`ProgressivePacer` one, behind the same wall. docs/pacing.md explains the method and shows what it reaches.

The caller tells a pacer everything that happens, in order, and asks every half second. `now` is seconds on a monotonic
clock. An answered call is one for which `call_ended(..., answered=True)` was told; within a few seconds it must become
connected or abandoned.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import mul
from typing import Final

from ami_bridge.pacing_answers import GUESS, AnswerRate, place_of
from ami_bridge.pacing_curves import STEPS, Durations, RingTimes, freed_after_talk, freed_after_wrap_up
from ami_bridge.pacing_outlook import Count, loss_of_one_more, worst_chance

READY: Final = "ready"
TALKING: Final = "talking"
WRAP_UP: Final = "wrapup"
AWAY: Final = "away"
STATES: Final = frozenset({READY, TALKING, WRAP_UP, AWAY})


class PacingError(ValueError):
    """The dialer told a pacer something that has no meaning; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class _Ringing:
    place: int
    since: float


@dataclass(slots=True)
class _Agent:
    state: str
    since: float
    freed: list[float] | None = None  # chances of being free by each step, and until when they are good enough
    good_until: float = 0.0


class _Wall:
    """The cap of the day: at no moment more lost than `cap` of the answered, or two, whichever is more.

    A day may end at any moment, so the wall stands at every moment.
    """

    _FREE_OF_CHARGE: Final = 2
    _OPENING: Final = 1.0  # of the two, one is not for the first minutes
    _EARLY: Final = 200
    _RISK_EARLY: Final = 1e-4
    _RISK: Final = 1e-3
    _SPENT: Final = 0.35  # of the cap, for each loss left before the wall

    def __init__(self, cap: float) -> None:
        self._cap = cap
        self.answered = 0
        self.abandoned = 0

    def _left(self) -> float:
        free = self._FREE_OF_CHARGE if self._cap > 0.0 else 0
        return max(free, self._cap * self.answered) - self.abandoned

    def room(self) -> int:
        """How many more may be lost."""
        return max(0, math.floor(self._left() + 1e-9))

    def risk(self) -> float:
        """The chance, at each decision, that may be taken of losing more than there is room for."""
        return self._RISK_EARLY if self.answered < self._EARLY else self._RISK

    def pace(self) -> float:
        """The share that may be spent now, less the nearer the wall: meeting it means standing still for long."""
        opening = self._cap * self.answered + self._OPENING - self.abandoned
        return self._cap * self._SPENT * max(0.0, min(self._left(), opening))


class _Limits:
    """Lines, and calls per second in any stretch of a second (or of the time that one call takes, if that is longer)."""

    def __init__(self, max_lines: int, calls_per_second: float) -> None:
        self._lines = max_lines
        self._stretch = max(1.0, 1.0 / calls_per_second)
        self._in_stretch = max(1, math.floor(calls_per_second * self._stretch + 1e-9))
        self._placed: deque[float] = deque()

    def placed(self, now: float) -> None:
        """A call was started."""
        self._placed.append(now)

    def most(self, lines_in_use: int, now: float) -> int:
        """How many calls may be started now."""
        return min(self._lines - lines_in_use, self._in_stretch - self._lately(now))

    def again_in(self, now: float) -> float:
        """Seconds until the calls per second let another be started; 0.0 if they do."""
        return 0.0 if self._lately(now) < self._in_stretch else self._placed[0] + self._stretch - now

    def _lately(self, now: float) -> int:
        while self._placed and self._placed[0] <= now - self._stretch:
            self._placed.popleft()
        return len(self._placed)


class Pacer:
    """What all pacers keep: operators, calls that ring or wait, the ledger of the day, and the limits.

    `max_lines` bounds the calls that ring, wait or talk at once; `cap` is the highest share of lost calls for a day.
    Raises PacingError("pacing-settings") for settings that have no meaning.
    """

    def __init__(
        self, *, target_abandonment: float, max_lines: int, calls_per_second: float, cap: float = 0.03
    ) -> None:
        if not (0.0 <= target_abandonment <= 1.0 and 0.0 <= cap <= 1.0):
            raise PacingError("pacing-settings", "target_abandonment and cap are shares: from 0 to 1")
        if max_lines < 0 or not (0.0 < calls_per_second < math.inf):
            raise PacingError("pacing-settings", "max_lines must be at least 0 and calls_per_second above 0")
        self._target = min(target_abandonment, cap)
        self._wall = _Wall(cap)
        self._limits = _Limits(max_lines, calls_per_second)
        self._agents: dict[str, _Agent] = {}
        self._ringing: dict[str, _Ringing] = {}
        self._waiting: dict[str, float] = {}
        self._talking: dict[str, str] = {}  # operator to call

    def restore(self, answered: int, abandoned: int) -> None:
        """Set today's ledger: after a restart, or as all bridges of the campaign together have it. Calls, not shares."""
        if not 0 <= abandoned <= answered:
            raise PacingError("pacing-ledger", "a ledger has 0 <= abandoned <= answered")
        self._wall.answered, self._wall.abandoned = answered, abandoned

    def agent_state(self, agent: str, state: str, now: float) -> None:
        """An operator is `ready`, `talking`, in `wrapup` or `away`. Told again of the same state, the age goes on."""
        if state not in STATES:
            raise PacingError("pacing-state", f"no operator's state: {state!r}; one of {', '.join(sorted(STATES))}")
        known = self._agents.get(agent)
        if known is not None and known.state == state:
            return
        if known is not None:
            self._left(known, state, now)
        if state != TALKING:
            self._talking.pop(agent, None)
        if state == AWAY:
            self._agents.pop(agent, None)
        else:
            self._agents[agent] = _Agent(state, now)

    def call_placed(self, call: str, now: float, answer_probability: float | None = None) -> None:
        """A call was started; its probability of being answered, if the register has an estimate."""
        self._limits.placed(now)
        place = place_of(GUESS if answer_probability is None else answer_probability)
        self._ringing[call] = _Ringing(place, now)

    def call_ended(self, call: str, answered: bool, now: float) -> None:
        """A call rings no more: a person answered, or it ended in any other way."""
        rang = self._ringing.pop(call, None)
        if answered:
            self._wall.answered += 1
            self._waiting[call] = now
        if rang is not None:
            self._rang(rang.place, now - rang.since, answered=answered)

    def call_connected(self, call: str, agent: str, now: float) -> None:
        """The person who answered talks with this operator."""
        self._waiting.pop(call, None)
        self.agent_state(agent, TALKING, now)
        self._talking[agent] = call

    def call_abandoned(self, call: str, now: float) -> None:
        """The person who answered found nobody in time."""
        since = self._waiting.pop(call, None)
        self._wall.abandoned += 1
        if since is not None:
            self._lost_after(now - since)

    def again_in(self, now: float) -> float:
        """Seconds until the calls per second let another call be started; 0.0 if they do."""
        return self._limits.again_in(now)

    def calls_to_place(self, now: float) -> int:
        """How many calls to start now."""
        lines = len(self._ringing) + len(self._waiting) + len(self._talking)
        most = self._limits.most(lines, now)
        if most <= 0 or not self._agents:
            return 0
        return max(0, min(most, self._wanted(now, most)))

    def _idle(self) -> int:
        """Operators ready for a call, less the people who wait for one."""
        return sum(agent.state == READY for agent in self._agents.values()) - len(self._waiting)

    def _wanted(self, now: float, most: int) -> int:
        raise NotImplementedError

    def _left(self, agent: _Agent, state: str, now: float) -> None:
        """An operator leaves a state for another. For pacers that learn."""

    def _rang(self, place: int, seconds: float, *, answered: bool) -> None:
        """A call rang this long. For pacers that learn."""

    def _lost_after(self, seconds: float) -> None:
        """A person waited this long in vain. For pacers that learn."""


class ProgressivePacer(Pacer):
    """One line for each free operator: nobody is lost, unless an operator leaves while a line rings for him."""

    def _wanted(self, now: float, most: int) -> int:  # noqa: ARG002 - needs neither
        return self._idle() - len(self._ringing)


class RatioPacer(Pacer):
    """So many lines for each free operator, whatever happens; the wall alone holds it."""

    def __init__(
        self,
        *,
        target_abandonment: float,
        max_lines: int,
        calls_per_second: float,
        cap: float = 0.03,
        lines_per_operator: float = 1.5,
    ) -> None:
        super().__init__(
            target_abandonment=target_abandonment, max_lines=max_lines, calls_per_second=calls_per_second, cap=cap
        )
        if not 1.0 <= lines_per_operator < math.inf:
            raise PacingError("pacing-settings", "lines_per_operator must be at least 1")
        self._ratio = lines_per_operator

    def _wanted(self, now: float, most: int) -> int:  # noqa: ARG002 - needs neither
        idle, ringing = self._idle(), len(self._ringing)
        wanted = math.floor(self._ratio * idle + 1e-9) - ringing
        return min(wanted, max(idle, idle + self._wall.room()) - ringing)


class PredictivePacer(Pacer):
    """Dials the most for which one more call does not risk more lost people than today's price allows."""

    # Constants of the steering, found on the simulator; docs/pacing.md says what each trades.
    _AIM: Final = 0.97
    _HELD_BACK: Final = 0.4
    _PACE: Final = 0.01
    _DEPTH: Final = 1.5
    _DEEPER: Final = 0.15
    _CHEAPEST: Final = -1.5

    def __init__(
        self, *, target_abandonment: float, max_lines: int, calls_per_second: float, cap: float = 0.03
    ) -> None:
        super().__init__(
            target_abandonment=target_abandonment, max_lines=max_lines, calls_per_second=calls_per_second, cap=cap
        )
        self._rings = RingTimes()
        self._rate = AnswerRate(self._rings)
        self._talk = Durations(guess=90.0, weight=4.0)
        self._wrap_up = Durations(guess=40.0, weight=4.0)
        self._patience = 2.0
        self._observed_at: float | None = None
        self._followed_at = -math.inf
        self._answers: list[tuple[int, int]] = []
        self._usual_place = float(place_of(GUESS))
        self._log_price = 0.0
        self._expected_losses = 0.0
        self._priced: deque[float] = deque()
        self._usual_more = 1
        self._ages: dict[tuple[int, int], int] = {}

    # -- learning -----------------------------------------------------------------------------------------------------

    def call_placed(self, call: str, now: float, answer_probability: float | None = None) -> None:
        super().call_placed(call, now, answer_probability)
        place = self._ringing[call].place
        self._usual_place += 0.05 * (place - self._usual_place)
        if self._priced:
            self._pay(self._priced.popleft(), self._rate.chance(place)[0])

    def _left(self, agent: _Agent, state: str, now: float) -> None:
        if agent.state == TALKING and state in {WRAP_UP, READY}:
            self._talk.add(now - agent.since)
            if state == READY:
                self._wrap_up.add(0.0)
        elif agent.state == WRAP_UP and state == READY:
            self._wrap_up.add(now - agent.since)

    def _rang(self, place: int, seconds: float, *, answered: bool) -> None:
        if answered:
            self._answers.append((place, min(RingTimes.LONGEST, int(seconds + 0.5))))
        self._rings.add(seconds, answered=answered)

    def _lost_after(self, seconds: float) -> None:
        self._patience += 0.3 * (min(10.0, max(0.0, seconds)) - self._patience)

    def _observe(self, ringing: dict[tuple[int, int], int], now: float) -> None:
        """Once a second, judge the answer rate; every few, the tempo of talk and wrap-up."""
        if self._observed_at is None:
            self._observed_at = now
        passed = now - self._observed_at
        if passed >= 1.0:
            self._rate.observe(_coarser(ringing), self._answers, min(passed, 5.0))
            self._answers, self._observed_at = [], now
        passed = now - self._followed_at
        if passed >= 5.0:
            self._followed_at = now
            agents = self._agents.values()
            self._talk.follow([now - agent.since for agent in agents if agent.state == TALKING], passed)
            self._wrap_up.follow([now - agent.since for agent in agents if agent.state == WRAP_UP], passed)

    # -- the price ----------------------------------------------------------------------------------------------------

    def _credit(self) -> float:
        """How far the day is under its target (over, if negative), as a power of e."""
        due = self._target * self._AIM * self._wall.answered - self._HELD_BACK
        depth = self._DEPTH + self._DEEPER * max(0.0, due)
        return min(0.7, max(-3.0, (due - self._wall.abandoned) / depth))

    def _aim(self) -> float:
        """The share to lose now."""
        return min(self._target * self._AIM * math.exp(self._credit()), self._wall.pace())

    def _price(self) -> float:
        """The most that one more answered call may add to the expected losses."""
        return self._aim() * math.exp(self._log_price)

    def _pay(self, loss: float, chance: float) -> None:
        """Move the price so that what is expected to be lost comes to what may be."""
        bias = (self._wall.abandoned + 5.0) / (self._expected_losses + 4.0)
        self._expected_losses += chance * loss
        aim = self._aim()
        over = min(5.0, loss * min(3.0, max(0.5, bias)) / max(1e-6, aim))
        self._log_price = min(0.6, max(self._CHEAPEST, self._log_price + self._PACE * chance * (1.0 - over)))

    # -- the decision -------------------------------------------------------------------------------------------------

    def calls_to_place(self, now: float) -> int:
        self._ages = self._by_age(now)
        self._observe(self._ages, now)
        self._priced.clear()
        return super().calls_to_place(now)

    def _wanted(self, now: float, most: int) -> int:
        idle, ringing = self._idle(), len(self._ringing)
        safe = max(0, idle - ringing)
        if self._target <= 0.0 or most <= safe:
            return safe
        chance, spread = self._rate.chance(round(self._usual_place))
        outlook = _Outlook(self._rings.row(0), chance, spread, *self._answers_ahead(), idle, self._freed(now))
        price, room, risk = self._price(), self._wall.room(), self._wall.risk()
        count = _last(safe, min(most, safe + 64), lambda more: outlook.loss(more - 1) <= price, self._usual_more)
        self._usual_more = max(1, count - safe)
        held = count
        if count > safe and outlook.risk(count, room) > risk:
            held = _last(safe, count - 1, lambda more: outlook.risk(more, room) <= risk, 1)
        if held == count and count < most:  # what the wall or the lines forbid does not count against the price
            first, last = outlook.loss(safe), outlook.loss(max(safe, count - 1))
            self._priced.extend([0.0] * safe)
            self._priced.extend(first + (last - first) * (k + 0.5) / (count - safe) for k in range(count - safe))
        return held

    def _by_age(self, now: float) -> dict[tuple[int, int], int]:
        """Calls that ring, by (place, age in whole seconds)."""
        counts: dict[tuple[int, int], int] = {}
        for call in self._ringing.values():
            key = call.place, min(RingTimes.LONGEST, int(now - call.since + 0.5))
            counts[key] = counts.get(key, 0) + 1
        return counts

    def _answers_ahead(self) -> tuple[list[float], list[float]]:
        """Of the calls that ring now, within each step: the mean of the answers, and the sum of the squared chances."""
        weights: dict[int, list[float]] = {}
        for (place, age), count in self._ages.items():
            weight = self._rate.later_chance(place, age)
            sums = weights.setdefault(age, [0.0, 0.0])
            sums[0] += count * weight
            sums[1] += count * weight * weight
        if not weights:
            return [0.0] * STEPS, [0.0] * STEPS
        first, second = zip(*weights.values(), strict=True)
        steps = list(zip(*map(self._rings.row, weights), strict=True))
        means = [sum(map(mul, first, shares)) for shares in steps]
        squares = [sum(map(mul, second, map(mul, shares, shares))) for shares in steps]
        return means, squares

    def _freed(self, now: float) -> list[Count]:
        """How many operators become free by each step (and a caller's patience more)."""
        rows = [self._chances(agent, now) for agent in self._agents.values() if agent.state != READY]
        if not rows:
            return [Count(0.0, 0.0, 0)] * STEPS
        counts = []
        for chances in zip(*rows, strict=True):
            mean = sum(chances)
            counts.append(Count(mean, mean - sum(map(mul, chances, chances)), len(rows)))
        return counts

    def _chances(self, agent: _Agent, now: float) -> list[float]:
        """When this operator may be free; kept for a moment, because it changes slowly."""
        if agent.freed is None or now >= agent.good_until:
            age = now - agent.since
            if agent.state == WRAP_UP:  # of the age that it has in the middle of the time it is kept for
                agent.freed = freed_after_wrap_up(self._wrap_up, age + 0.25, self._patience)
                agent.good_until = now + 0.9
            else:
                agent.freed = freed_after_talk(self._talk, self._wrap_up, age + 2.0, self._patience)
                agent.good_until = now + 4.9
        return agent.freed


def _coarser(cells: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """The same counts, in fewer cells if they are many: to judge the answer rate, every other place and second does."""
    if len(cells) <= 40:
        return cells
    counts: dict[tuple[int, int], int] = {}
    for (place, age), count in cells.items():
        key = place & ~1, age & ~1
        counts[key] = counts.get(key, 0) + count
    return counts


@dataclass(frozen=True, slots=True)
class _Outlook:
    """The half minute ahead, as seen at one decision: what happens if so many more calls are started."""

    row: list[float]  # the share of a new call's answers within each step
    chance: float  # that it is answered at all
    spread: float  # variance of that, by which all calls are wrong together
    means: list[float]
    squares: list[float]
    idle: int
    freed: list[Count]
    losses: dict[int, float] = field(default_factory=dict)

    def answers(self, more: int) -> list[Count]:
        """The answers within each step, if so many more calls are started."""
        doubt = self.spread / (self.chance * self.chance)
        counts = []
        for mean, square, share in zip(self.means, self.squares, self.row, strict=True):
            own = self.chance * share
            total = mean + more * own
            counts.append(Count(total, total - square - more * own * own + doubt * total * total, 1000))
        return counts

    def loss(self, more: int) -> float:
        """What the next call after so many more would add to the expected losses, if it is answered."""
        if more not in self.losses:
            in_step = [b - a for a, b in zip([0.0, *self.row], self.row, strict=False)]
            self.losses[more] = loss_of_one_more(self.answers(more), self.idle, self.freed, in_step)
        return self.losses[more]

    def risk(self, more: int, room: int) -> float:
        """The chance that more people are lost than there is room for."""
        return worst_chance(self.answers(more), self.idle + room, self.freed)


def _last(low: int, high: int, holds: Callable[[int], bool], guess: int) -> int:
    """The last number up to `high` that holds, where all before it do; `low` if none after it does.

    Tries `low + guess` first, then near it: most often that is near.
    """
    step, first = guess, True
    while low < high:
        tried = min(high, low + step)
        if not holds(tried):
            high = tried - 1
            break
        low, step, first = tried, 1 if first else step * 2, False
    while low < high:
        middle = high if high - low < 3 else (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
