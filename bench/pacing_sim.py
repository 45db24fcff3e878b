"""A simulated floor: operators, lines and citizens, for judging any pacer by the day. Used by bench/pacing.py and the tests.

Event driven, pure Python, deterministic: a seed gives one day. The n-th call of a day has the same answer, ring, talk and
wrap-up draws whatever the pacer (common random numbers), so that two pacers differ by what they decide only. All times are
seconds from the start of the day.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

TICK = 0.5
"""How often the pacer is asked, seconds."""
PATIENCE = 2.0
"""An answered call with no operator for this long is abandoned, seconds."""
WINDOW = 300
"""Width of the windows in which abandonment over the day is kept, seconds."""


class Pacer(Protocol):
    """What the dialer tells a pacer and asks of it; see ami_bridge/pacing.py."""

    def agent_state(self, agent: str, state: str, now: float) -> None: ...

    def call_placed(self, call: str, now: float, answer_probability: float | None = None) -> None: ...

    def call_ended(self, call: str, answered: bool, now: float) -> None: ...

    def call_connected(self, call: str, agent: str, now: float) -> None: ...

    def call_abandoned(self, call: str, now: float) -> None: ...

    def calls_to_place(self, now: float) -> int: ...


Curve = Callable[[float], float]
"""A value over the day: seconds from its start to the value."""


def constant(value: float) -> Curve:
    """The same all day."""
    return lambda _now: value


def step(before: float, after: float, at: float, until: float = math.inf) -> Curve:
    """`before`, but `after` from `at` until `until`."""
    return lambda now: after if at <= now < until else before


@dataclass(frozen=True)
class Stages:
    """Times made of exponential stages, given by their means, seconds. A call that rings goes through stages of mean `ring`;
    at the end of each it is answered by that share (of all calls) in `answered`, and after the last nobody answers."""

    talk: Sequence[float]
    wrap: Sequence[float]
    ring: float
    answered: Sequence[float]

    def hazards(self) -> Sequence[float]:
        """The chance that a call which is still ringing is answered at the end of each stage."""
        left = [1.0 - sum(self.answered[:at]) for at in range(len(self.answered))]
        return [share / rest for share, rest in zip(self.answered, left, strict=True)]

    def rings(self, draws: random.Random) -> tuple[float, bool]:
        """How long a call rings, and whether it is answered then."""
        seconds = 0.0
        for hazard in self.hazards():
            seconds += draws.expovariate(1.0 / self.ring)
            if draws.random() < hazard:
                return seconds, True
        return seconds, False


STAGED = Stages(talk=(94.6, 25.4), wrap=(15.0, 15.0, 15.0), ring=6.0, answered=(0.06, 0.11, 0.055, 0.02, 0.005))
"""The stationary setting in stages: the means and variances of talk and wrap-up, a quarter answered after 13 s, and 30 s
until nobody has, in the mean."""


@dataclass(frozen=True)
class Scenario:
    """A day: what the citizens, the operators and the lines are like. The defaults are the stationary setting.

    `ring_mean` is the mean of the Gamma part; every answer takes `ring_least` more. `spread` is the standard deviation of the
    log-odds of answering between numbers; `informed` says whether the pacer is told each number's probability.
    `away` lists (operator, from, until); he leaves when what he has in hand is done. `stages` replaces all times, and who
    answers.
    """

    operators: int
    hours: float = 8.0
    answer: Curve = field(default_factory=lambda: constant(0.25))
    ring_mean: float = 11.0
    ring_least: float = 2.0
    no_answer: float = 30.0
    talk: Curve = field(default_factory=lambda: constant(120.0))
    wrap: float = 45.0
    lag: float = 0.0
    lines: int = 400
    calls_per_second: float = 20.0
    spread: float = 0.0
    informed: bool = False
    away: Sequence[tuple[int, float, float]] = ()
    stages: Stages | None = None

    @property
    def seconds(self) -> float:
        """Length of the day."""
        return self.hours * 3600.0


@dataclass
class Day:
    """What a simulated day came to, up to its end.

    Waits are the operators', seconds; windows count (answered, abandoned) each 300 s; `drawn` is the sum of the talk
    and wrap-up times that chance gave to the conversations, which explains most of the noise in `busy`.
    """

    answered: int = 0
    abandoned: int = 0
    placed: int = 0
    busy: float = 0.0
    drawn: float = 0.0
    staffed: float = 0.0
    peak_lines: int = 0
    worst: float = 0.0
    waits: list[float] = field(default_factory=list)
    windows: list[list[int]] = field(default_factory=list)

    @property
    def utilisation(self) -> float:
        """Share of the staffed time spent talking and wrapping up."""
        return self.busy / self.staffed

    @property
    def abandonment(self) -> float:
        """Abandoned calls of all answered by a person."""
        return self.abandoned / max(1, self.answered)

    @property
    def conversations_per_hour(self) -> float:
        """Conversations of one operator in one staffed hour."""
        return (self.answered - self.abandoned) * 3600.0 / self.staffed

    def lost_between(self, start: float, end: float) -> tuple[int, int]:
        """(answered, abandoned) of the windows that lie between two times."""
        chosen = self.windows[int(start // WINDOW) : max(int(start // WINDOW) + 1, int(end // WINDOW))]
        return sum(w[0] for w in chosen), sum(w[1] for w in chosen)


@dataclass
class _Call:
    name: str
    answers: bool
    ring: float
    talk: float  # as a multiple of the hour's mean
    wrap: float
    answered_at: float = 0.0
    waiting: bool = False


@dataclass
class _Operator:
    name: str
    state: str = "away"
    since: float = 0.0
    leaves: bool = False


def simulate(scenario: Scenario, pacer: Pacer, seed: int) -> Day:
    """One day from the first log-in until the last call placed in it has ended."""
    return _Floor(scenario, pacer, seed).run()


class _Floor:
    """The dialer as the bridge has it: hears everything `lag` late, joins the operator who waited longest."""

    def __init__(self, scenario: Scenario, pacer: Pacer, seed: int) -> None:
        self.scenario = scenario
        self.pacer = pacer
        self.random = random.Random(seed)
        self.day = Day(windows=[[0, 0] for _ in range(int(scenario.seconds // WINDOW) + 2)])
        self.queue: list[tuple[float, int, Callable[[float], None]]] = []
        self.sequence = 0
        self.operators = [_Operator(f"op{n}") for n in range(scenario.operators)]
        self.ready: deque[_Operator] = deque()  # as the bridge knows it
        self.waiting: deque[_Call] = deque()
        self.ringing = 0
        self.logit_shift: dict[float, float] = {}

    def at(self, when: float, what: Callable[[float], None]) -> None:
        self.sequence += 1
        heapq.heappush(self.queue, (when, self.sequence, what))

    def run(self) -> Day:
        for operator in self.operators:
            self.at(0.0, lambda now, operator=operator: self.free(operator, now))  # type: ignore[misc]
        for index, leaves, returns in self.scenario.away:
            operator = self.operators[index]
            self.at(leaves, lambda now, operator=operator: self.leave(operator, now))  # type: ignore[misc]
            self.at(returns, lambda now, operator=operator: self.come_back(operator, now))  # type: ignore[misc]
        self.at(0.0, self.tick)
        while self.queue:
            when, _, what = heapq.heappop(self.queue)
            if when > self.scenario.seconds and not self.ringing and not self.waiting:
                break
            what(when)
        for operator in self.operators:
            self.account(operator, self.scenario.seconds)
        return self.day

    # -- operators ----------------------------------------------------------------------------------------------------

    def account(self, operator: _Operator, now: float) -> None:
        end = self.scenario.seconds
        spent = max(0.0, min(now, end) - min(operator.since, end))
        if operator.state != "away":
            self.day.staffed += spent
        if operator.state in {"talking", "wrapup"}:
            self.day.busy += spent

    def become(self, operator: _Operator, state: str, now: float) -> None:
        self.account(operator, now)
        operator.state, operator.since = state, now

    def tell(self, operator: _Operator, state: str, now: float) -> None:
        if self.scenario.lag:
            self.at(now + self.scenario.lag, lambda later: self.pacer.agent_state(operator.name, state, later))
        else:
            self.pacer.agent_state(operator.name, state, now)

    def leave(self, operator: _Operator, now: float) -> None:
        if operator.state in {"talking", "wrapup"}:
            operator.leaves = True
            return
        if operator in self.ready:
            self.ready.remove(operator)
        self.become(operator, "away", now)
        self.pacer.agent_state(operator.name, "away", now)

    def come_back(self, operator: _Operator, now: float) -> None:
        operator.leaves = False
        if operator.state == "away":
            self.free(operator, now)

    def free(self, operator: _Operator, now: float) -> None:
        if operator.leaves:
            operator.leaves = False
            self.become(operator, "away", now)
            self.tell(operator, "away", now)
            return
        self.become(operator, "ready", now)
        self.at(now + self.scenario.lag, lambda later: self.known_ready(operator, later))

    def known_ready(self, operator: _Operator, now: float) -> None:
        if operator.state != "ready":
            return
        self.pacer.agent_state(operator.name, "ready", now)
        self.ready.append(operator)
        if self.waiting:
            self.join(self.waiting.popleft(), now)

    # -- calls --------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        if now >= self.scenario.seconds:
            return
        for _ in range(max(0, self.pacer.calls_to_place(now))):
            self.place(now)
        self.at(now + TICK, self.tick)

    def place(self, now: float) -> None:
        if self.ringing >= self.scenario.lines:
            return
        chance, draws = self.scenario.answer(now), self.random
        normal, uniform = draws.gauss(0.0, 1.0), draws.random()
        ring = self.scenario.ring_least + draws.gammavariate(4.0, self.scenario.ring_mean / 4.0)
        talk, wrap = draws.gammavariate(1.5, 1 / 1.5), draws.gammavariate(3.0, self.scenario.wrap / 3.0)
        if self.scenario.spread:
            chance = self.mixed(chance, normal)
        answers = uniform < chance
        self.day.placed += 1
        self.ringing += 1
        self.day.peak_lines = max(self.day.peak_lines, self.ringing)
        ring = min(ring, self.scenario.no_answer) if answers else self.scenario.no_answer
        if self.scenario.stages:
            ring, answers = self.scenario.stages.rings(draws)
            talk = sum(draws.expovariate(1.0 / mean) for mean in self.scenario.stages.talk) / self.scenario.talk(now)
            wrap = sum(draws.expovariate(1.0 / mean) for mean in self.scenario.stages.wrap)
        call = _Call(f"c{self.day.placed}", answers, ring, talk, wrap)
        self.pacer.call_placed(call.name, now, chance if self.scenario.informed else None)
        self.at(now + ring, lambda then: self.ended(call, then))

    def mixed(self, mean: float, normal: float) -> float:
        """A number's own probability: log-normal odds whose mean probability is `mean`."""
        if mean not in self.logit_shift:
            self.logit_shift[mean] = _centre(mean, self.scenario.spread)
        return 1.0 / (1.0 + math.exp(-self.logit_shift[mean] - self.scenario.spread * normal))

    def ended(self, call: _Call, now: float) -> None:
        call.answered_at = now
        if self.scenario.lag:
            self.at(now + self.scenario.lag, lambda later: self.known_ended(call, later))
        else:  # at once: a call that rings out at a tick makes room at that tick, not at the next
            self.known_ended(call, now)

    def known_ended(self, call: _Call, now: float) -> None:
        self.ringing -= 1
        self.pacer.call_ended(call.name, call.answers, now)
        if not call.answers:
            return
        self.day.answered += 1
        self.window(now)[0] += 1
        if self.ready:
            self.join(call, now)
            return
        call.waiting = True
        self.waiting.append(call)
        self.at(max(now, call.answered_at + PATIENCE), lambda later: self.give_up(call, later))

    def join(self, call: _Call, now: float) -> None:
        operator = self.ready.popleft()
        call.waiting = False
        self.day.waits.append(now - operator.since)
        self.become(operator, "talking", now)
        self.pacer.call_connected(call.name, operator.name, now)
        talk = call.talk * self.scenario.talk(now)
        self.day.drawn += talk + call.wrap
        self.at(now + talk, lambda then: self.wrap_up(operator, call.wrap, then))

    def wrap_up(self, operator: _Operator, seconds: float, now: float) -> None:
        self.become(operator, "wrapup", now)
        self.tell(operator, "wrapup", now)
        self.at(now + seconds, lambda then: self.free(operator, then))

    def give_up(self, call: _Call, now: float) -> None:
        if not call.waiting:
            return
        call.waiting = False
        self.waiting.remove(call)
        self.day.abandoned += 1
        self.window(now)[1] += 1
        self.day.worst = max(self.day.worst, self.day.abandonment)
        self.pacer.call_abandoned(call.name, now)

    def window(self, now: float) -> list[int]:
        return self.day.windows[min(int(now // WINDOW), len(self.day.windows) - 1)]


def _centre(mean: float, spread: float) -> float:
    """The log-odds around which normal log-odds of this spread give this mean probability."""
    points = [(n - 100) / 25.0 for n in range(201)]
    weights = [math.exp(-x * x / 2.0) for x in points]
    low, high = -15.0, 15.0
    for _ in range(60):
        middle = (low + high) / 2.0
        value = sum(w / (1.0 + math.exp(-middle - spread * x)) for x, w in zip(points, weights, strict=True))
        low, high = (middle, high) if value < mean * sum(weights) else (low, middle)
    return (low + high) / 2.0
