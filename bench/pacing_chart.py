"""The chart of docs/pacing.md: utilisation over abandonment, a panel for each team size, as SVG without a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 260, 46, 40, 30
MOST_LOST, LEAST_USED, MOST_USED = 6.0, 50.0, 100.0
OPTIMUM: Mapping[int, Sequence[tuple[float, float]]] = {3: ((1.0, 71.2), (2.6, 74.6)), 5: ((1.0, 74.4), (2.6, 77.9))}
"""Percent abandoned and used, with everything known, by dynamic programming, in a slightly easier setting."""
COLOURS: Mapping[str, str] = {
    "ours": "#0017c1",
    "one": "#1d8b56",
    "VICIdial": "#c74700",
    "Issabel": "#8250c4",
    "fixed": "#767676",
    "Erlang": "#b78f00",
}


@dataclass(frozen=True)
class Point:
    """What one pacer came to, percent."""

    operators: int
    name: str
    used: float
    lost: float


def parse(table: str) -> list[Point]:
    """The points of what `python -m bench.pacing table` printed."""
    points = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if cells[0].isdigit():
            used, lost = cells[2].rstrip(" %"), cells[4].split("±")[0]
            points.append(Point(int(cells[0]), cells[1], float(used), float(lost)))
    return points


def draw(table: str, file: Path) -> None:
    """Write the chart of a printed table."""
    points = parse(table)
    teams = sorted({point.operators for point in points})
    width = len(teams) * (WIDTH + GAP) + LEFT
    panels = [_panel(n, [p for p in points if p.operators == team], team) for n, team in enumerate(teams)]
    legend = _legend()
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + TOP + 90}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="Utilisation over abandonment by pacer and team size">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{"".join(panels)}{legend}</svg>\n',
        encoding="utf-8",
    )


def _place(number: int, lost: float, used: float) -> tuple[float, float]:
    x = LEFT + number * (WIDTH + GAP) + WIDTH * min(lost, MOST_LOST) / MOST_LOST
    y = TOP + HEIGHT * (MOST_USED - max(LEAST_USED, used)) / (MOST_USED - LEAST_USED)
    return round(x, 1), round(y, 1)


def _panel(number: int, points: Sequence[Point], team: int) -> str:
    left, top = _place(number, 0.0, MOST_USED)
    right, bottom = _place(number, MOST_LOST, LEAST_USED)
    parts = [
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="none" stroke="#999"/>',
        f'<text x="{left}" y="{top - 10}" font-weight="bold">{team} operators</text>',
        f'<text x="{(left + right) / 2}" y="{bottom + 32}" text-anchor="middle">abandoned, %</text>',
    ]
    cap = _place(number, 3.0, LEAST_USED)[0]
    parts.append(f'<path d="M{cap} {top}V{bottom}" stroke="#c00" stroke-dasharray="4 3"/>')
    for lost in range(0, int(MOST_LOST) + 1, 2):
        x = _place(number, lost, LEAST_USED)[0]
        more = "+" if lost == MOST_LOST else ""
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{lost}{more}</text>')
    for used in range(int(LEAST_USED), int(MOST_USED) + 1, 10):
        y = _place(number, 0.0, used)[1]
        parts.append(f'<path d="M{left} {y}H{right}" stroke="#eee"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{used}</text>')
    for lost_share, used_share in OPTIMUM.get(team, ()):
        x, y = _place(number, lost_share, used_share)
        parts.append(f'<path d="M{x - 6} {y}H{x + 6}M{x} {y - 6}V{y + 6}" stroke="#000"><title>optimum</title></path>')
    for point in points:
        x, y = _place(number, point.lost, point.used)
        title = escape(f"{point.name}: {point.used:g} % used, {point.lost:g} % lost")
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{_colour(point.name)}"><title>{title}</title></circle>')
    return "\n".join(parts) + "\n"


def _colour(name: str) -> str:
    return next(colour for start, colour in COLOURS.items() if name.startswith(start))


def _legend() -> str:
    names = {
        "ours": "ours (1 % and 2.6 %)",
        "one": "one line per operator",
        "VICIdial": "VICIdial adaptive",
        "Issabel": "Issabel",
        "fixed": "fixed ratio 1.5",
        "Erlang": "Erlang B",
    }
    y = TOP + HEIGHT + 62
    parts = []
    for number, (key, name) in enumerate(names.items()):
        x = LEFT + number * 190
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="5" fill="{COLOURS[key]}"/><text x="{x + 10}" y="{y + 4}">{name}</text>'
        )
    parts.append(
        f'<text x="{LEFT}" y="{y + 22}">+ optimum with everything known; dashed: the cap; up and to the left is better</text>'
    )
    return "\n".join(parts) + "\n"
