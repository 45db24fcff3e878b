"""What the coming half minute may bring: the chance that one more answered person finds nobody. For the pacer only.

Pure arithmetic over sixteen steps of two seconds. Numbers of answers and of freed operators are described by mean and
variance and given the member of Panjer's family that has them (binomial below, Poisson at, negative binomial above
variance = mean): exact for equal chances, and close enough for unequal ones that a full convolution decides no better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

_MANY: Final = 4.0
"""From this variance on a normal distribution does, mended for skewness."""
_ROOT: Final = math.sqrt(2.0 * math.pi)
_HALF: Final = math.sqrt(0.5)


class Count(NamedTuple):
    """A number of things that chance decides; `most` bounds it."""

    mean: float
    variance: float
    most: int

    def likely_most(self) -> int:
        """A number that it hardly ever exceeds."""
        return int(self.mean + 6.0 * math.sqrt(max(0.0, self.variance))) + 3

    def third(self) -> float:
        """The third central moment of the Panjer distribution."""
        return self.variance * (2.0 * self.variance / self.mean - 1.0) if self.mean > 1e-9 else 0.0


def distribution(mean: float, variance: float, size: int) -> list[float]:
    """Probabilities of 0, 1, … `size` - 1 of the Panjer distribution with this mean and variance."""
    if mean < 1e-9:
        return [1.0]
    ratio = max(0.02, variance / mean)
    a = 1.0 - 1.0 / ratio
    total = mean / ratio  # a + b
    chance = math.exp(-total if abs(a) < 1e-6 else total / a * math.log1p(-a))
    chances = [chance]
    for count in range(1, size):
        chance *= a + (total - a) / count
        if chance <= 0.0:  # a binomial has an end
            break
        chances.append(chance)
    return chances


def nobody_free(answers: Count, idle: int, freed: Count) -> float:
    """The chance that answers use up the idle operators and all those freed in time.

    `idle` is negative if people wait already.
    """
    if answers.variance + freed.variance > _MANY:
        return _nobody_of_many(answers, idle, freed)
    if idle > answers.likely_most():
        return 0.0
    shares = distribution(freed.mean, freed.variance, min(freed.most, freed.likely_most()) + 1)
    counts = distribution(answers.mean, answers.variance, max(1, idle + len(shares)))
    tail, counted, chance, total = 1.0, 0, 0.0, 0.0
    for more, share in enumerate(shares, idle):
        while counted < more:
            tail -= counts[counted] if counted < len(counts) else 0.0
            counted += 1
        total += share
        if tail > 1e-12:
            chance += share * tail
    return min(1.0, chance / total)


def _nobody_of_many(answers: Count, idle: int, freed: Count) -> float:
    """The same where both are many: a normal tail, mended for skewness (Edgeworth), and for being whole numbers."""
    deviation = math.sqrt(answers.variance + freed.variance)
    place = (idle - 0.5 - answers.mean + freed.mean) / deviation
    if abs(place) > 7.0:
        return 0.0 if place > 0.0 else 1.0
    skew = (answers.third() - freed.third()) / deviation**3
    density = math.exp(-0.5 * place * place) / _ROOT
    chance = 0.5 * math.erfc(place * _HALF) + density * skew / 6.0 * (place * place - 1.0)
    return min(1.0, max(0.0, chance))


def loss_of_one_more(
    answers: Sequence[Count], idle: int, freed: Sequence[Count], answer_in_step: Sequence[float]
) -> float:
    """By how many lost calls one more answered call adds to the expected losses.

    It is lost itself, or takes the operator whom a later answer would have had: so the chance counts that is the worst
    from its own answer on. `answer_in_step` are the weights of when it would be answered.
    """
    worst = total = 0.0
    for step in range(len(answers) - 1, -1, -1):
        worst = max(worst, nobody_free(answers[step], idle, freed[step]))
        total += answer_in_step[step] * worst
    return total / max(1e-9, sum(answer_in_step))


def worst_chance(answers: Sequence[Count], idle: int, freed: Sequence[Count]) -> float:
    """The chance that anybody is lost, where it is greatest. With `idle` raised by n: that more than n are."""
    return max(map(nobody_free, answers, [idle + 1] * len(answers), freed))
