"""Best time, best number (T2): the chance that a dial of this number, on this weekday at this hour, reaches the person.

The model is a logistic regression with a random intercept a number, fitted by expectation and maximisation:

    logit P(reached) = slot + level

`slot` is the city's: one for each weekday and band of hours, drawn towards weekday plus band where few dials were made,
so that an hour hardly ever tried is not believed after one lucky call. `level` is the number's: its distribution over the
city is not assumed but learnt, as weights on a grid (the nonparametric maximum likelihood estimate of a mixing
distribution; Laird 1978), whose lowest level stands for numbers that never answer. Because both are fitted together, an
hour does not look bad merely for being tried on people who are hard to reach.

A number's own dials give its level by Bayes' rule; what they then show beyond it (somebody who is only ever in on
Saturdays) moves the slots near them, by so much as they are many. Old dials count less. A number never dialled has the
city's chances, and says so. Standard library only; times are the office's.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from db.rules.duedates import IsClosed
from db.rules.officetime import office_time

BANDS: Final = ((8, 10), (10, 12), (12, 14), (14, 16), (16, 18), (18, 20), (20, 21))
"""Hours of the office's clock, from the first until before the second: all in which anybody may be called."""
WEEKDAYS: Final = "月火水木金土日"
SUNDAY: Final = 6

LEVELS: Final = (-6.0, -3.0, -2.25, -1.5, -0.75, 0.0, 0.75, 1.5, 2.25, 3.0)
"""The grid of levels, in logits against the usual number; the first is a number that never answers."""

_HALF_LIFE: Final = 180.0
"""Days after which a dial counts half."""
_TOWARDS_SUM: Final = 40.0
"""Dials that the sum of weekday and band is worth, against a slot's own."""
_TOWARDS_ALL: Final = 40.0
"""Dials that the whole is worth, against a weekday's or a band's own."""
_OWN_PATTERN: Final = 6.0
"""Dials that the model is worth, against a number's own pattern over the week."""
_ROUNDS: Final = 12

# Before a city has dials of its own: answers after two weekday misses as one city published them (weekday 23.0, Saturday
# 34.0, Sunday 41.2 %), evenly over the hours. Assumed until there is something better, and shown as that.
_ASSUMED: Final = (0.230,) * 5 + (0.340, 0.412)
_ASSUMED_WEIGHTS: Final = (0.15, 0.05, 0.08, 0.12, 0.15, 0.15, 0.12, 0.09, 0.06, 0.03)


class Slot(NamedTuple):
    """A weekday (0 is Monday; a day on which the office is closed for a holiday counts as Sunday) and one of `BANDS`."""

    weekday: int
    band: int

    @property
    def label(self) -> str:
        """As it stands on the screen: `土 10～12時`."""
        first, end = BANDS[self.band]
        return f"{WEEKDAYS[self.weekday]} {first}～{end}時"


SLOTS: Final = tuple(Slot(weekday, band) for weekday in range(7) for band in range(len(BANDS)))


class Dial(NamedTuple):
    """A dial of the past: when in the week, whether the person was reached, and how much it counts (1 for today)."""

    slot: Slot
    reached: bool
    weight: float = 1.0


def slot_of(at: datetime, is_closed: IsClosed) -> Slot | None:
    """The slot of an aware moment; None outside the hours in which anybody may be called."""
    local = office_time(at)
    band = next((i for i, (first, end) in enumerate(BANDS) if first <= local.hour < end), None)
    if band is None:
        return None
    holiday = local.weekday() < 5 and is_closed(local.date())
    return Slot(SUNDAY if holiday else local.weekday(), band)


def dial_of(at: datetime, now: datetime, is_closed: IsClosed, *, reached: bool) -> Dial | None:
    """A dial at a moment, with the weight that its age leaves it; None outside the hours."""
    slot = slot_of(at, is_closed)
    age = max(0.0, (now - at).total_seconds() / 86400.0)
    return None if slot is None else Dial(slot, reached, 0.5 ** (age / _HALF_LIFE))


@dataclass(frozen=True)
class City:
    """What the city's numbers have in common: a logit for each of `SLOTS`, a weight for each of `LEVELS`.

    `dials` and `numbers` are how many it was learnt from: none, and it is assumed.
    """

    slots: tuple[float, ...]
    weights: tuple[float, ...]
    dials: int = 0
    numbers: int = 0

    @cached_property
    def chances(self) -> Mapping[Slot, Sequence[float]]:
        """For each slot, the chance of reaching a number of each level."""
        levels = (*LEVELS,)
        return {
            slot: [0.0 if level == LEVELS[0] else _logistic(at + level) for level in levels]
            for slot, at in zip(SLOTS, self.slots, strict=True)
        }

    def chance(self, slot: Slot) -> float:
        """The chance of reaching a number of which nothing is known."""
        return _mean(self.weights, self.chances[slot])


def assumed_city() -> City:
    """The city before it has dials of its own."""
    return City(tuple(_logit(_ASSUMED[slot.weekday]) + 0.4 for slot in SLOTS), _ASSUMED_WEIGHTS)


def learn(histories: Iterable[Sequence[Dial]]) -> City:
    """Fit the model to the dials of many numbers, a history each. Without any, what is assumed."""
    known = [history for history in histories if history]
    if not known:
        return assumed_city()
    city = assumed_city()
    for _ in range(_ROUNDS):
        city = _better(city, known)
    return City(city.slots, city.weights, sum(map(len, known)), len(known))


class Number:
    """One number: what its own dials say, on top of the city's."""

    def __init__(self, city: City, dials: Sequence[Dial]) -> None:
        self._city = city
        self._dials = dials
        self._weights = _posterior(city, dials)

    @property
    def tried(self) -> int:
        """Dials known."""
        return len(self._dials)

    @property
    def reached(self) -> int:
        """Dials that reached the person."""
        return sum(dial.reached for dial in self._dials)

    def chance(self, slot: Slot) -> float:
        """The chance that a dial in this slot reaches the person, from 0 to 1."""
        expected = self._expected(slot)
        weight = surplus = 0.0
        for dial in self._dials:
            near = dial.weight * _nearness(slot, dial.slot)
            weight += near
            surplus += near * (dial.reached - self._expected(dial.slot))
        return min(0.99, max(0.0, expected + surplus / (_OWN_PATTERN + weight)))

    def best(self, slots: Iterable[Slot]) -> Slot:
        """The best of some slots (at least one); of equals the first."""
        return max(slots, key=self.chance)

    def why(self, slot: Slot) -> str:
        """The reason in words, with the number of dials behind it."""
        common = f"市全体では{slot.label}に{_percent(self._city.chance(slot))}"
        if not self._city.dials:
            common += "（実績がまだないため、他市の公表値による想定）"
        if not self._dials:
            return f"この番号の架電実績はまだありません。{common}。"
        own = f"この番号は{self.tried}回中{self.reached}回つながりました"
        here = [dial for dial in self._dials if dial.slot == slot]
        if here:
            own += f"（{slot.label}は{len(here)}回中{sum(dial.reached for dial in here)}回）"
        return f"{own}。{common}。"

    def _expected(self, slot: Slot) -> float:
        return _mean(self._weights, self._city.chances[slot])


def _nearness(one: Slot, other: Slot) -> float:
    """How much a dial in one slot tells of another: the same hours, and the same kind of day."""
    same_hours = one.band == other.band
    same_days = (one.weekday < 5) == (other.weekday < 5) and (one.weekday < 5 or one.weekday == other.weekday)
    if same_hours:
        if one == other:
            return 1.0
        return 0.8 if same_days else 0.4
    return 0.4 if same_days and abs(one.band - other.band) == 1 else 0.0


def _posterior(city: City, dials: Iterable[Dial]) -> list[float]:
    logs = [math.log(max(weight, 1e-12)) for weight in city.weights]
    for slot, reached, weight in dials:
        for place, chance in enumerate(city.chances[slot]):
            logs[place] += weight * math.log(max(chance if reached else 1.0 - chance, 1e-9))
    top = max(logs)
    shares = [math.exp(log - top) for log in logs]
    total = sum(shares)
    return [share / total for share in shares]


def _better(city: City, histories: Sequence[Sequence[Dial]]) -> City:
    """One round: the levels of all numbers by the city as it stands, then a city that they fit better."""
    weights = [1.0] * len(LEVELS)
    hits = dict.fromkeys(SLOTS, 0.0)
    expected = dict.fromkeys(SLOTS, 0.0)
    spread = dict.fromkeys(SLOTS, 0.0)
    for history in histories:
        shares = _posterior(city, history)
        for place, share in enumerate(shares):
            weights[place] += share
        for slot, reached, weight in history:
            hits[slot] += weight * reached
            for share, chance in zip(shares, city.chances[slot], strict=True):
                expected[slot] += weight * share * chance
                spread[slot] += weight * share * chance * (1.0 - chance)
    total = sum(weights)
    return City(_moved(city, hits, expected, spread), tuple(weight / total for weight in weights))


def _moved(
    city: City, hits: Mapping[Slot, float], expected: Mapping[Slot, float], spread: Mapping[Slot, float]
) -> tuple[float, ...]:
    """A Newton step of each slot, drawn towards weekday plus band, and these towards the whole."""
    usual = 0.2  # the variance of one dial, to count information in dials
    at = {
        slot: logit + max(-1.0, min(1.0, (hits[slot] - expected[slot]) / (spread[slot] + usual)))
        for slot, logit in zip(SLOTS, city.slots, strict=True)
    }
    known = {slot: spread[slot] / usual for slot in SLOTS}
    whole = sum(at[s] * known[s] for s in SLOTS) / max(1e-9, sum(known.values()))
    days = [_drawn(at, known, whole, [s for s in SLOTS if s.weekday == day]) for day in range(7)]
    bands = [_drawn(at, known, whole, [s for s in SLOTS if s.band == band]) for band in range(len(BANDS))]
    return tuple(
        (known[s] * at[s] + _TOWARDS_SUM * (days[s.weekday] + bands[s.band] - whole)) / (known[s] + _TOWARDS_SUM)
        for s in SLOTS
    )


def _drawn(at: Mapping[Slot, float], known: Mapping[Slot, float], whole: float, slots: Sequence[Slot]) -> float:
    return (sum(at[s] * known[s] for s in slots) + _TOWARDS_ALL * whole) / (sum(known[s] for s in slots) + _TOWARDS_ALL)


def _mean(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _logit(chance: float) -> float:
    return math.log(chance / (1.0 - chance))


def _percent(chance: float) -> str:
    return f"{chance * 100:.0f}%"
