"""Geometry of bars and lines, in units of the SVG's view box. Pure: values in, positions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROW: Final = 24
BAR: Final = 15
LABEL: Final = 150
WIDTH: Final = 430
VALUE: Final = 68
HEAD: Final = 6
_SPAN: Final = WIDTH - LABEL - VALUE


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: `series` names how it is filled, `note` says its value in words."""

    series: str
    x: float
    width: float
    note: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its parts from left to right, the sum in words, and where it stands."""

    label: str
    parts: Sequence[Part]
    value: str
    y: float

    @property
    def end(self) -> float:
        """Where the bar ends."""
        return self.parts[-1].x + self.parts[-1].width if self.parts else LABEL


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars on one scale."""

    bars: Sequence[Bar]
    height: int
    width: int = WIDTH
    label: int = LABEL
    thick: int = BAR


@dataclass(frozen=True, slots=True)
class Value:
    """What one part of a bar stands for."""

    series: str
    amount: int
    note: str


def bars(rows: Sequence[tuple[str, Sequence[Value], str]]) -> Bars:
    """Bars of (label, values, sum in words), the longest as long as there is room. Values below 0 count as 0."""
    most = max((sum(max(value.amount, 0) for value in values) for _, values, _ in rows), default=0) or 1
    made = []
    for place, (label, values, words) in enumerate(rows):
        x, parts = float(LABEL), []
        for value in values:
            width = max(value.amount, 0) * _SPAN / most
            if width:
                parts.append(Part(value.series, round(x, 1), round(width, 1), value.note))
                x += width
        made.append(Bar(label, parts, words, HEAD + place * ROW))
    return Bars(made, HEAD * 2 + len(rows) * ROW)


@dataclass(frozen=True, slots=True)
class Dot:
    """One value of a line."""

    x: float
    y: float
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line over time on a scale of its own that begins at 0; `top` is the value of the upper edge."""

    dots: Sequence[Dot]
    top: int
    width: int
    height: int
    left: int
    floor: int

    @property
    def points(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


def line(values: Sequence[tuple[int, str]], *, width: int = 206, height: int = 96) -> Line:
    """A line of (value, note), evenly spaced."""
    left, head, foot = 8, 10, 8
    top = nice(max((value for value, _ in values), default=0))
    floor = height - foot
    step = (width - 2 * left) / max(len(values) - 1, 1)
    dots = [
        Dot(round(left + place * step, 1), round(floor - value * (floor - head) / top, 1), note)
        for place, (value, note) in enumerate(values)
    ]
    return Line(dots, top, width, height, left, floor)


def nice(most: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is not below `most`."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if factor * unit >= most:
                return factor * unit
        unit *= 10
