"""What the best pacer there can be would reach on a small team: a bound by value iteration, and ours on the same floor.

The floor is the stationary setting with its times made of exponential stages (`pacing_sim.STAGED`), so that a state is a
handful of counts: operators in each stage of talk and wrap-up, calls in each stage of ringing. Whoever decides here sees
the stages themselves and knows every distribution, which nobody in an office does; calls may be started at any moment.

Most of `u` subject to `lost <= a * answered` is at most, for any price p, the best long-run average of
`busy - p * (lost - a * answered)` (weak duality): `bound` looks for the price that makes this least. The average lies
within the greatest and least change of a step of value iteration (Odoni's bounds); the greatest counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from bench.pacing_sim import PATIENCE, STAGED, Stages

Counts = tuple[int, ...]

CLOSE: Final = 0.001
"""Value iteration ends when the average is known to so much of an operator."""
LINES: Final = {1: 6, 2: 8, 3: 9}
"""Lines that may ring at once, by operators: the best would hardly use more."""


def bound(operators: int, share: float, lines: int | None = None, stages: Stages = STAGED) -> float:
    """The highest utilisation (from 0 to 1) that any pacer can have in the long run while it loses at most `share` of those
    who answer, on a floor of so many operators with at most so many calls ringing (`LINES`)."""
    floor = _Floor(operators, lines or LINES[operators], share, stages)
    low, high = math.log(60.0), math.log(6_000.0)
    found: dict[float, float] = {}

    def at(place: float) -> float:
        if place not in found:
            found[place] = floor.best(math.exp(place))
        return found[place]

    for _ in range(6):  # the average is convex in the price
        a, b = low + (high - low) * 0.382, low + (high - low) * 0.618
        low, high = (low, b) if at(a) < at(b) else (a, high)
    return min(found.values()) / operators


class _Floor:
    """The chain, uniformised: in each step at most one operator or call goes on to its next stage."""

    def __init__(self, operators: int, lines: int, share: float, stages: Stages) -> None:
        self._operators, self._share = operators, share
        work = [*stages.talk, *stages.wrap]
        leaving = [1.0 / mean for mean in work]
        steps = len(stages.answered)
        teams = list(_counts(operators, len(work)))
        rings = list(_counts(lines, steps))
        team_at, ring_at = _places(teams), _places(rings)
        self._speed = operators * max(leaving) + lines / stages.ring
        self._busy = [sum(team) for team in teams]
        self._team_speed = [sum(map(float.__mul__, map(float, team), leaving)) for team in teams]
        self._onward = [
            [(count * leaving[at], team_at[_moved(team, at)]) for at, count in enumerate(team) if count]
            for team in teams
        ]
        talking = [(team[0] + 1, *team[1:]) for team in teams]
        self._served = [
            team_at[after] if sum(team) < operators else None for team, after in zip(teams, talking, strict=True)
        ]
        self._in_time = [
            (1.0 - math.exp(-PATIENCE * team[-1] * leaving[-1]), team_at[(*after[:-1], after[-1] - 1)])
            if team[-1]
            else (0.0, 0)
            for team, after in zip(teams, talking, strict=True)
        ]
        self._fuller = sorted(
            ((at, ring_at[ring[0] + 1, *ring[1:]]) for at, ring in enumerate(rings) if sum(ring) < lines),
            key=lambda pair: -sum(rings[pair[0]]),
        )
        self._ring_speed = [sum(ring) / stages.ring for ring in rings]
        self._stages = [
            _Stage(rings, ring_at, at, hazard, 1.0 / stages.ring) for at, hazard in enumerate(stages.hazards())
        ]
        self._values = [[0.0] * len(rings) for _ in teams]

    def best(self, price: float) -> float:
        """The most that `busy - price * (lost - share * answered)` can be on average, in operators. Goes on from the values
        of the price before."""
        while True:
            chosen = [self._dialled(row) for row in self._values]
            values = [self._step(team, chosen, price) for team in range(len(chosen))]
            changes = [list(map(float.__sub__, new, old)) for new, old in zip(values, self._values, strict=True)]
            most, least = max(map(max, changes)) * self._speed, min(map(min, changes)) * self._speed
            origin = values[0][0]
            self._values = [[value - origin for value in row] for row in values]
            if most - least < CLOSE * self._operators:
                return most

    def _dialled(self, row: Sequence[float]) -> list[float]:
        """What a state is worth if the best number of calls is started in it."""
        best = list(row)
        for at, fuller in self._fuller:
            if best[fuller] > best[at]:
                best[at] = best[fuller]
        return best

    def _step(self, team: int, chosen: Sequence[list[float]], price: float) -> list[float]:
        own = chosen[team]
        still, busy = self._speed - self._team_speed[team], float(self._busy[team])
        worth = [busy + (still - speed) * value for speed, value in zip(self._ring_speed, own, strict=True)]
        for speed, after in self._onward[team]:
            worth = [value + speed * then for value, then in zip(worth, chosen[after], strict=True)]
        answered = self._answered(team, chosen, price)
        for stage in self._stages:
            worth = stage.add(worth, answered, own)
        return [value / self._speed for value in worth]

    def _answered(self, team: int, chosen: Sequence[list[float]], price: float) -> list[float]:
        """What it is worth that somebody answers now."""
        gain, served = price * self._share, self._served[team]
        if served is not None:
            return [value + gain for value in chosen[served]]
        in_time, after = self._in_time[team]
        lost = gain - (1.0 - in_time) * price
        return [
            in_time * then + (1.0 - in_time) * value + lost
            for then, value in zip(chosen[after], chosen[team], strict=True)
        ]


class _Stage:
    """One stage of ringing: at its end a call is answered, or goes on to the next."""

    def __init__(
        self, rings: Sequence[Counts], places: dict[Counts, int], at: int, hazard: float, speed: float
    ) -> None:
        last = at + 1 == len(rings[0])
        gone = [_gone(ring, at) for ring in rings]
        onward = [gone[place] if last else _moved(ring, at) for place, ring in enumerate(rings)]
        self._answers = [ring[at] * speed * hazard for ring in rings]
        self._passes = [ring[at] * speed * (1.0 - hazard) for ring in rings]
        self._gone: Callable[[Sequence[float]], tuple[float, ...]] = itemgetter(*(places.get(ring, 0) for ring in gone))
        self._onward: Callable[[Sequence[float]], tuple[float, ...]] = itemgetter(
            *(places.get(ring, 0) for ring in onward)
        )

    def add(self, worth: Sequence[float], answered: Sequence[float], own: Sequence[float]) -> list[float]:
        """`worth`, with what may happen at the end of this stage."""
        return [
            value + a * then + b * after
            for value, a, then, b, after in zip(
                worth, self._answers, self._gone(answered), self._passes, self._onward(own), strict=True
            )
        ]


def _counts(most: int, parts: int) -> Iterator[Counts]:
    """All ways to have up to `most` things in so many places."""
    for chosen in itertools.product(range(most + 1), repeat=parts):
        if sum(chosen) <= most:
            yield chosen


def _places(states: Sequence[Counts]) -> dict[Counts, int]:
    return {state: at for at, state in enumerate(states)}


def _gone(state: Counts, at: int) -> Counts:
    return (*state[:at], state[at] - 1, *state[at + 1 :])


def _moved(state: Counts, at: int) -> Counts:
    """One of a place goes on to the next; from the last it leaves."""
    if at + 1 == len(state):
        return _gone(state, at)
    return (*state[:at], state[at] - 1, state[at + 1] + 1, *state[at + 2 :])
