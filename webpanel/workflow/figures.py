"""The charts of the workflow (T11): states, items, districts, amounts, ages, and the last quarter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from db.reference.calendar import era_date_short
from db.rules.terms import Area, CaseState
from db.rules.viewer import Viewer
from db.store import workflow as store
from db.store.state_counts import Dimension
from db.store.workflow import Sum, Sums
from db.usecases import workflow
from db.usecases.office import Office
from db.usecases.workflow import OWING, SHOWN, Line
from webpanel.charts import shapes
from webpanel.charts.shapes import Bars, Value
from webpanel.workflow.choices import DIMENSIONS

CHARTED: Final = (Dimension.ITEM, Dimension.DISTRICT, Dimension.AMOUNT, Dimension.AGE)
MOST_BARS: Final = 30
_MAN: Final = 10_000
_OKU: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: bars of people and bars of yen, and the lines of its table."""

    dimension: Dimension
    title: str
    people: Bars
    yen: Bars
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Trend:
    """How one state went: a line of people and one of yen."""

    state: CaseState
    people: shapes.Line
    yen: shapes.Line


@dataclass(frozen=True, slots=True)
class Figures:
    """The page. `days` are the days of the trend with their sums."""

    now: Sums
    people: Bars
    yen: Bars
    figures: Sequence[Figure]
    trends: Sequence[Trend]
    days: Mapping[date, Sums]
    ready: bool


def load(tx: Connection, viewer: Viewer, areas: frozenset[Area], now: datetime, office: Office) -> Figures:
    """Read and draw everything."""
    sums = store.overall(tx, viewer, areas)
    kept = workflow.trend(tx, viewer, areas, now, office)
    return Figures(
        now=sums,
        people=_states(sums, money=False),
        yen=_states(sums, money=True),
        figures=[_figure(one, workflow.lines(tx, viewer, areas, one)) for one in CHARTED],
        trends=[_trend(state, kept) for state in OWING],
        days=kept,
        ready=workflow.ready(tx),
    )


def breakdown(lines: Sequence[Line], *, money: bool = True) -> Bars:
    """Bars by key, parted by state: those who owe."""
    largest = sorted(lines, key=lambda line: line.owing.yen, reverse=True)[:MOST_BARS]
    shown = [line for line in lines if line in largest]
    return shapes.bars([(_short(line.name), _values(line.sums, money), _words(line.owing, money)) for line in shown])


def _short(name: str) -> str:
    """A label that fits: items have long names."""
    plain = name.split("（")[0] if len(name) > 13 else name
    return plain if len(plain) <= 13 else plain[:12] + "…"


def _states(sums: Sums, *, money: bool) -> Bars:
    shown = [state for state in SHOWN if not (money and state is CaseState.PAID)]
    rows = []
    for state in shown:
        found = sums.get(state, Sum())
        rows.append((state.label, _values({state: found}, money), _words(found, money)))
    return shapes.bars(rows)


def _figure(dimension: Dimension, lines: Sequence[Line]) -> Figure:
    people, yen = breakdown(lines, money=False), breakdown(lines, money=True)
    return Figure(dimension, f"{DIMENSIONS[dimension]}別", people, yen, lines)


def _trend(state: CaseState, days: Mapping[date, Sums]) -> Trend:
    people = [(sums.get(state, Sum()).people, day) for day, sums in days.items()]
    yen = [(sums.get(state, Sum()).yen, day) for day, sums in days.items()]
    return Trend(
        state,
        shapes.line([(value, f"{era_date_short(day)} {value:,}人") for value, day in people]),
        shapes.line([(value // _MAN, f"{era_date_short(day)} {value:,}円") for value, day in yen]),
    )


def _values(sums: Sums, money: bool) -> list[Value]:
    found = []
    for state in SHOWN:
        if state in sums and (len(sums) == 1 or state is not CaseState.PAID):
            one = sums[state]
            amount, words = (one.yen, f"{one.yen:,}円") if money else (one.people, f"{one.people:,}人")
            found.append(Value(state.value, amount, f"{state.label} {words}"))
    return found


def _words(sums: Sum, money: bool) -> str:
    """The length of a bar in words; yen as an officer says them, exactly in the table beside."""
    if not money:
        return f"{sums.people:,}人"
    if sums.yen >= _OKU:
        return f"{sums.yen / _OKU:,.1f}億円"
    return f"{sums.yen // _MAN:,}万円" if sums.yen >= _MAN else f"{sums.yen:,}円"
