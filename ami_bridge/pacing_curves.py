"""How long people ring, talk and are wrapped up after: curves learned while running, for the pacer only.

Each curve starts from a mild guess that a few observations outweigh, and forgets slowly, so that it follows a change of
script or of list within the hour. What changes faster is followed by a tempo (durations) or by the answer rate
(pacing_answers.py). All durations are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

STEP: Final = 2.0
"""Width of a step of the look-ahead, seconds."""
STEPS: Final = 16
"""Steps of the look-ahead: 32 s, by when nearly every call that rings now is decided."""
TIMES: Final = tuple(STEP * k + STEP / 2 for k in range(STEPS))
"""The middle of each step, seconds from now: 1, 3, … 31."""

_RATIO: Final = 1.15
_LOG_RATIO: Final = math.log(_RATIO)
_BINS: Final = 62  # the last edge is 1.15 ** 61, about 84 minutes


def _bin(seconds: float) -> float:
    """Where a duration lies on the logarithmic grid, as a fractional bin; everything under a second is bin 0."""
    return min(_BINS - 1.001, math.log(seconds) / _LOG_RATIO) if seconds > 1.0 else 0.0


class Durations:
    """The distribution of talk or wrap-up times, on a logarithmic grid, with the tempo of late.

    The tempo is the ratio of endings seen to endings expected of late: 0.5 means that things take about twice as long
    as the curve says. Of late is the longer of `_ENDINGS` endings and `_SECONDS`.
    """

    _KERNEL: Final = ((-2, 1.0 / 9), (-1, 2.0 / 9), (0, 3.0 / 9), (1, 2.0 / 9), (2, 1.0 / 9))
    _KEEP: Final = 1.0 - 1.0 / 150
    _ENDINGS: Final = 12.0
    _SECONDS: Final = 180.0
    _TRUST: Final = 6.0

    def __init__(self, guess: float, weight: float) -> None:
        edges = [0.0, *(_RATIO**k for k in range(1, _BINS))]
        survives = [
            math.exp(-2.0 * edge / guess) * (1.0 + 2.0 * edge / guess) for edge in edges
        ]  # Erlang of two stages
        self._mass = [weight * (a - b) for a, b in zip(survives, [*survives[1:], 0.0], strict=True)]
        self._survival: list[float] = []
        self._ended = self._expected = 0.0
        self._ended_lately = self._endured = self._under_way = 0.0
        self.tempo = 1.0
        self._refresh()

    def add(self, seconds: float) -> None:
        """One has ended after this long."""
        self._ended_lately += 1.0
        self._endured += self.hazard_until(seconds)
        middle = int(_bin(seconds))
        self._mass = [mass * self._KEEP for mass in self._mass]
        for offset, share in self._KERNEL:
            self._mass[min(_BINS - 1, max(0, middle + offset))] += share
        self._refresh()

    def _refresh(self) -> None:
        left = total = sum(self._mass)
        self._survival = []
        for mass in self._mass:
            self._survival.append(max(left / total, 1e-9))
            left -= mass
        self._survival.append(1e-9)

    def survival(self, seconds: float) -> float:
        """The share that lasts longer than this."""
        place = _bin(seconds)
        low = int(place)
        first, then = self._survival[low], self._survival[low + 1]
        if low == 0:  # the first bin is linear in time: from 0 to 1.15 s
            return 1.0 + (then - 1.0) * min(1.0, max(0.0, seconds) / _RATIO)
        return first + (then - first) * (place - low)

    def hazard_until(self, seconds: float) -> float:
        """The endings that one of this age was to be expected to have had."""
        return -math.log(self.survival(seconds))

    def follow(self, ages: Sequence[float], passed: float) -> None:
        """Set the tempo, `passed` seconds after it was last set, from what ended since and the ages of those that go on.

        Only what was to be expected within these seconds counts: those still under way are the long ones, and what
        they have behind them says nothing about now.
        """
        under_way = sum(map(self.hazard_until, ages))
        expected = max(0.0, self._endured + under_way - self._under_way)
        kept = math.exp(-min(expected / self._ENDINGS, passed / self._SECONDS))
        self._expected = self._expected * kept + expected
        self._ended = self._ended * kept + self._ended_lately
        self._ended_lately, self._endured, self._under_way = 0.0, 0.0, under_way
        self.tempo = min(2.0, max(0.4, (self._ended + self._TRUST) / (self._expected + self._TRUST)))

    def ending(self, age: float, times: Sequence[float]) -> list[float]:
        """For each time from now, the chance that one of this age has ended by then."""
        now = self.survival(age)
        shares = [self.survival(age + time) / now for time in times]
        if abs(self.tempo - 1.0) < 0.05:
            return [1.0 - share for share in shares]
        return [1.0 - share**self.tempo for share in shares]


class RingTimes:
    """After how long answered calls are answered, and the others end; by the second, up to `LONGEST`."""

    LONGEST: Final = 90
    _KERNEL: Final = ((-2, 1.0 / 9), (-1, 2.0 / 9), (0, 3.0 / 9), (1, 2.0 / 9), (2, 1.0 / 9))
    _KEEP: Final = 1.0 - 1.0 / 300

    def __init__(self) -> None:
        size = self.LONGEST + 1
        self._answered = [6.0 * (t / 49.0) * math.exp(-t / 7.0) for t in range(size)]
        self._unanswered = [0.05 + (0.3 if 20 <= t <= 45 else 0.0) for t in range(size)]
        self._fresh = 0
        self.heard = 0
        self.answered_later: list[float] = []
        self.unanswered_later: list[float] = []
        self._rows: list[list[float]] = []
        self.version = 0
        self.refresh()

    def add(self, seconds: float, *, answered: bool) -> None:
        """A call was answered, or ended otherwise, after this long."""
        masses = self._answered if answered else self._unanswered
        for index, mass in enumerate(masses):
            masses[index] = mass * self._KEEP
        middle = min(self.LONGEST, int(seconds))
        for offset, share in self._KERNEL if answered else ((0, 1.0),):
            masses[min(self.LONGEST, max(0, middle + offset))] += share
        self._fresh += 1
        self.heard += answered
        if self._fresh >= min(60, 4 + self.version):  # often at first
            self.refresh()

    def refresh(self) -> None:
        """Make the tables anew."""
        self._fresh = 0
        self.version += 1
        self.answered_later = _later(self._answered)
        self.unanswered_later = _later(self._unanswered)
        self._rows = [[] for _ in range(self.LONGEST + 1)]

    def row(self, age: int) -> list[float]:
        """Of all answered calls, the share answered between this age and each of `TIMES` after it."""
        row = self._rows[age]
        if not row:
            later, last = self.answered_later, self.LONGEST
            row = [later[age] - later[min(last, age + int(time))] for time in TIMES]
            self._rows[age] = row
        return row


def _later(masses: Sequence[float]) -> list[float]:
    """The share that comes at this second or later, for each second; the last is never quite nothing."""
    left = total = sum(masses)
    out = []
    for mass in masses:
        out.append(max(left / total, 1e-6))
        left -= mass
    return out


def freed_after_wrap_up(wrap_up: Durations, age: float, patience: float) -> list[float]:
    """The chance that an operator this long in wrap-up is free within each of `TIMES` plus the patience of a caller."""
    return wrap_up.ending(age, [time + patience for time in TIMES])


def freed_after_talk(talk: Durations, wrap_up: Durations, age: float, patience: float) -> list[float]:
    """The same for an operator this long in conversation: it has to end, and then the wrap-up."""
    ended = [0.0, *talk.ending(age, [STEP * (k + 1) for k in range(STEPS)])]
    ending = [b - a for a, b in pairwise(ended)]
    wrapped = wrap_up.ending(0.0, [STEP * k + patience for k in range(STEPS)])
    # a talk that ends in step j, on average at its middle, leaves (k - j) steps until the middle of step k
    return [sum(map(float.__mul__, ending[: k + 1], reversed(wrapped[: k + 1]))) for k in range(STEPS)]
