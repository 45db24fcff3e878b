"""How likely calls are answered, judged every second by the answers that come: for the pacer only.

A call's own probability (the register's estimate for the number and the hour, or a plain guess) is a place on a grid of
log-odds. The list of today can be better or worse than that by a shift, on the same grid, that may change at any time:
a Bayesian filter. It compares the answers of each second with those expected of the calls then ringing, given how long
each has rung, under every shift. So a rush of answers is noticed from the first seconds on, while the calls that nobody
takes still ring, and no call has to end before it counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from ami_bridge.pacing_curves import RingTimes

GRID: Final = 0.3
"""Width of a step of the grid, in log-odds."""
_REACH: Final = 10  # shifts go from -3 to +3
_SHIFTS: Final = range(-_REACH, _REACH + 1)
_EDGE: Final = 16  # a call's own log-odds are kept within +-4.8
GUESS: Final = 0.25
"""Probability assumed of a call of which nothing is known."""


def place_of(probability: float) -> int:
    """The grid place of an estimate; the extremes are not believed."""
    bounded = min(0.99, max(0.01, probability))
    return max(-_EDGE, min(_EDGE, round(math.log(bounded / (1.0 - bounded)) / GRID)))


def probability_at(place: int) -> float:
    """The probability at a grid place."""
    return 1.0 / (1.0 + math.exp(-place * GRID))


_CHANCES: Final = {place: probability_at(place) for place in range(-_EDGE - _REACH, _EDGE + _REACH + 1)}


class AnswerRate:
    """The belief about today's shift, and what follows from it for a call."""

    _CHANGE: Final = 1.0 / 10000  # chance, per second, of a change to anything
    _DRIFT: Final = 1.0 / 7200  # and to the next step up or down

    _UNHEARD: Final = 12.0  # answers until the ring times are half believed

    def __init__(self, rings: RingTimes) -> None:
        self._rings = rings
        prior = [math.exp(-0.5 * (shift * GRID / 1.0) ** 2) for shift in _SHIFTS]
        self._prior = [x / sum(prior) for x in prior]
        self._belief = list(self._prior)
        self._hazards: dict[tuple[int, int], list[float]] = {}
        self._version = -1
        self._means: dict[int, tuple[float, float]] = {}

    def observe(
        self, ringing: Mapping[tuple[int, int], int], answered: Sequence[tuple[int, int]], seconds: float
    ) -> None:
        """`seconds` went by; calls ring by (place, age in seconds), and those `answered` in them were of place and age.

        The likelihood of a point process: the hazards of those answered, and the expected number of answers. It counts
        for less while ring times are a guess: people who take longer than guessed would pass for a poor list.
        """
        if not ringing and not answered:
            return
        logs = [0.0] * len(self._belief)
        for (place, age), count in ringing.items():
            exposed = count * seconds
            logs = [x - exposed * h for x, h in zip(logs, self._hazard(place, age), strict=True)]
        for place, age in answered:  # exposed for half of the time, on average
            hazards = self._hazard(place, age)
            logs = [x - 0.5 * seconds * h + math.log(h + 1e-4) for x, h in zip(logs, hazards, strict=True)]
        trust = self._rings.heard / (self._rings.heard + self._UNHEARD)
        best = max(logs)
        posterior = [b * math.exp(trust * (x - best)) for b, x in zip(self._belief, logs, strict=True)]
        self._settle(posterior, seconds)

    def _settle(self, posterior: list[float], seconds: float) -> None:
        """Normalise, and let the shift change a little."""
        total = sum(posterior)
        posterior = [x / total for x in posterior]
        change, drift = self._CHANGE * seconds, self._DRIFT * seconds
        left = [posterior[0], *posterior[:-1]]
        right = [*posterior[1:], posterior[-1]]
        self._belief = [
            (1.0 - change - drift) * x + drift * 0.5 * (a + b) + change * p
            for x, a, b, p in zip(posterior, left, right, self._prior, strict=True)
        ]
        self._means.clear()

    def _hazard(self, place: int, age: int) -> list[float]:
        """Answers per second of such a call, under each shift."""
        if self._version != self._rings.version:
            self._hazards.clear()
            self._version = self._rings.version
        found = self._hazards.get((place, age))
        if found is None:
            found = self._hazards[place, age] = self._make_hazard(place, age)
        return found

    def _make_hazard(self, place: int, age: int) -> list[float]:
        later, never = self._rings.answered_later, self._rings.unanswered_later
        if age >= self._rings.LONGEST:
            return [0.0] * len(self._belief)
        density = later[age] - later[age + 1]
        chances = [_CHANCES[place + shift] for shift in _SHIFTS]
        return [p * density / (p * later[age] + (1.0 - p) * never[age]) for p in chances]

    def chance(self, place: int) -> tuple[float, float]:
        """The mean and the variance of a call's probability of being answered, before it has rung."""
        found = self._means.get(place)
        if found is None:
            chances = [_CHANCES[place + shift] for shift in _SHIFTS]
            mean = sum(b * p for b, p in zip(self._belief, chances, strict=True))
            square = sum(b * p * p for b, p in zip(self._belief, chances, strict=True))
            found = self._means[place] = (mean, max(0.0, square - mean * mean))
        return found

    def later_chance(self, place: int, age: int) -> float:
        """The probability that a call that has rung for `age` seconds is answered yet, over answered_later[age].

        Times RingTimes.row(age) it gives the chance of an answer within each of the coming steps.
        """
        mean, _ = self.chance(place)
        later, never = self._rings.answered_later[age], self._rings.unanswered_later[age]
        return mean / (mean * later + (1.0 - mean) * never)
