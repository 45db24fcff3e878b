"""A chunk being built: its random numbers, its rows, its ids; and the tables that all chunks look things up in."""

from datetime import UTC, date, datetime
from math import exp
from random import Random
from statistics import NormalDist
from typing import Any, Final

from saikoku.city.days import ITEMS, Days
from saikoku.city.plan import CHUNK, CityPlan, Rows

_STEPS: Final = 512
_PER_DEBTOR: Final = 100
"""Ids kept for each debtor in tables that hold several rows of one; a chunk's ids never meet another's."""

_HISTORY_PER_CHUNK: Final = 1_000_000


class World:
    """What every chunk of a plan looks up: days, amounts, ages, staff."""

    def __init__(self, plan: CityPlan) -> None:
        """Compute the tables; takes some tenths of a second."""
        self.plan: Final = plan
        self.days: Final = Days(plan.today)
        self.staff: Final = plan.staff_ids
        self.amounts: Final = [_amounts(item.median, item.sigma) for item in ITEMS]
        self.ages: Final = _ages()
        # UUIDs of version 7 (RFC 9562) made at 00:00 of the reference day; a counter stands for the random bits, so
        # that they rise with every row.
        midnight = datetime(plan.today.year, plan.today.month, plan.today.day, tzinfo=UTC)
        self.id_prefix: Final = f"{int(midnight.timestamp() * 1000):012x}70008"


class Draft:
    """One chunk being built."""

    def __init__(self, world: World, chunk: int) -> None:
        """Chunks depend on nothing but the plan and their number."""
        self.world: Final = world
        self.days: Final = world.days
        self.random: Final = Random(f"{world.plan.seed}/{chunk}").random
        self.rows: Final = Rows()
        self.tables: Final = self.rows.tables
        self.first_id: Final = chunk * CHUNK + 1
        self.count: Final = min(CHUNK, world.plan.debtors - chunk * CHUNK)
        first = chunk * CHUNK * _PER_DEBTOR
        self._ids = dict.fromkeys(self.tables, first)
        self._history = chunk * _HISTORY_PER_CHUNK

    def id_for(self, table: str) -> int:
        """The next integer key of a table."""
        self._ids[table] = made = self._ids[table] + 1
        return made

    def history_id(self) -> str:
        """The next UUID."""
        self._history += 1
        return f"{self.world.id_prefix}{self._history:015x}"

    def below(self, limit: int) -> int:
        """A random whole number from 0 to `limit` - 1."""
        return int(limit * self.random())

    def pick(self, choices: Any) -> Any:
        """One of a sequence."""
        return choices[int(len(choices) * self.random())]


def _amounts(median: int, sigma: float) -> list[int]:
    """Amounts of an item, equally likely: lognormal, in units of 100 yen, at least 1,000."""
    normal = NormalDist()
    return [
        max(round(median * exp(sigma * normal.inv_cdf((step + 0.5) / _STEPS)) / 100) * 100, 1_000)
        for step in range(_STEPS)
    ]


def _ages() -> list[int]:
    """Ages of heads of household in arrears, equally likely: most between 30 and 60, a tail to 95."""
    normal = NormalDist(48, 15)
    return [min(max(round(normal.inv_cdf((step + 0.5) / _STEPS)), 19), 96) for step in range(_STEPS)]


def born(today: date, age: int, random: float) -> date:
    """A birthday of somebody of that age on `today`, give or take half a year."""
    year = today.year - age
    day = int(random * 336)
    return date(year, day // 28 + 1, day % 28 + 1)
