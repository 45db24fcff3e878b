"""Best time (T2): contacts per 100 dials of a list, ordered by ours, at random, and always in the evening.

The citizens are made here, with true chances that the model never sees: some numbers never answer; people differ in how
easily they answer at all; and they keep a rhythm (at home by day, in after work, only at weekends, at no time in
particular) that the city's averages do not show. Everybody has a past of dials at times an office would choose, from
which ours learns. Then everybody is dialled once, on the best of their numbers at the best hour of one week by each
order. The intervals are of the difference from ours, by bootstrap over people. All from one seed.
"""

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.rows import Row
from db.rules.reach import SLOTS, City, Dial, Number, Slot, learn

PEOPLE: Final = 6_000
OPEN: Final = tuple(slot for slot in SLOTS if 1 <= slot.band <= 5 and slot.weekday < 6)
EVENINGS: Final = tuple(slot for slot in OPEN if slot.band == 5)
_DESK: Final = tuple(slot for slot in OPEN if slot.weekday < 5)
_RHYTHMS: Final = ("none", "home", "evening", "weekend")


class Line(NamedTuple):
    """A number: its true chance at each slot, and its past."""

    truth: dict[Slot, float]
    past: list[Dial]


def run() -> Sequence[Row]:
    """Learn, dial once by each order, compare."""
    people = _people(random.Random(20261124))
    city = learn(line.past for lines in people for line in lines)
    rng = random.Random(7)
    ours = [_ours(city, lines) for lines in people]
    chance = [_truth(rng.choice(lines), rng.choice(OPEN)) for lines in people]
    evening = [_truth(lines[0], rng.choice(EVENINGS)) for lines in people]
    best = [max(line.truth[slot] for line in lines for slot in OPEN) for lines in people]
    return [
        Row("best_time: ours", _hundred(ours), "contacts per 100 dials"),
        Row("best_time: random number and hour", _hundred(chance), "contacts per 100 dials"),
        Row("best_time: always evenings, first number", _hundred(evening), "contacts per 100 dials"),
        Row("best_time: all truths known (bound)", _hundred(best), "contacts per 100 dials"),
        Row(
            "best_time: ours over random, low end of 95 %",
            _low(ours, chance),
            "contacts per 100 dials",
            bar=0.0,
            below=False,
        ),
        Row(
            "best_time: ours over evenings, low end of 95 %",
            _low(ours, evening),
            "contacts per 100 dials",
            bar=0.0,
            below=False,
        ),
    ]


def _people(rng: random.Random) -> list[list[Line]]:
    return [[_line(rng) for _ in range(1 + (rng.random() < 0.3))] for _ in range(PEOPLE)]


def _line(rng: random.Random) -> Line:
    dead, ease, rhythm = rng.random() < 0.2, rng.gauss(0.0, 0.6), rng.choice(_RHYTHMS)
    truth = {slot: 0.0 if dead else min(0.95, _usual(slot) * _rhythm(rhythm, slot) * 2.0**ease) for slot in SLOTS}
    past = []
    for number in range(min(12, int(rng.expovariate(1 / 2.8)))):
        slot = rng.choice(_DESK if rng.random() < 0.8 else OPEN)
        past.append(Dial(slot, rng.random() < truth[slot], 0.9**number))
    return Line(truth, past)


def _usual(slot: Slot) -> float:
    """The city's average, nobody's own: by kind of day as published, somewhat better towards the evening."""
    return (0.23, 0.34, 0.41)[max(0, slot.weekday - 4)] * (0.8, 0.85, 0.9, 0.9, 1.0, 1.25, 1.1)[slot.band]


def _rhythm(kind: str, slot: Slot) -> float:
    weekend, evening = slot.weekday >= 5, slot.band >= 5
    if kind == "home":
        return 0.7 if weekend or evening else 1.5
    if kind == "evening":
        return 2.2 if evening else 0.5
    if kind == "weekend":
        return 1.6 if weekend else 0.5
    return 1.0


def _ours(city: City, lines: Sequence[Line]) -> float:
    numbers = [(Number(city, line.past), line) for line in lines]
    number, line = max(numbers, key=lambda pair: pair[0].chance(pair[0].best(OPEN)))
    return line.truth[number.best(OPEN)]


def _truth(line: Line, slot: Slot) -> float:
    return line.truth[slot]


def _hundred(chances: Sequence[float]) -> float:
    return 100.0 * sum(chances) / len(chances)


def _low(ours: Sequence[float], other: Sequence[float]) -> float:
    """The low end of the 95 % interval of the difference, in contacts per 100 dials."""
    gains = [a - b for a, b in zip(ours, other, strict=True)]
    rng = random.Random(1)
    return sorted(_hundred(rng.choices(gains, k=len(gains))) for _ in range(400))[10]
