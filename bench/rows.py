"""A row of the bench, and how rows are shown."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `bar` is what it must reach, None where it is only shown; `below` says from which side."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    below: bool = True

    @property
    def reached(self) -> bool:
        """Whether the bar is reached."""
        return self.bar is None or (self.value <= self.bar if self.below else self.value >= self.bar)

    def __str__(self) -> str:
        sign = "<=" if self.below else ">="
        bar = "" if self.bar is None else f"  {sign} {self.bar:g}  {'ok' if self.reached else 'NOT REACHED'}"
        return f"{self.name:72} {self.value:12,.2f} {self.unit:8}{bar}"


Bench = Callable[[], Sequence[Row]]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered)) - 1))]


def machine() -> str:
    """The machine in a line."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    return f"{model}, {os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}"
