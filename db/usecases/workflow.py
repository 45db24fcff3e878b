"""The workflow screen (T10, T11): how many stand where, who they are, who is stuck. Whoever sees names is in the access log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from db.rules.terms import Area, CaseState, Right
from db.rules.viewer import Viewer
from db.store import access_log, calls, workflow
from db.store.state_counts import Dimension
from db.store.workflow import CaseRow, Choice, Order, Sum, Sums
from db.usecases import case_states
from db.usecases.office import Office

PAGE: Final = 50
STUCK: Final = 5
AT_STAKE: Final = (CaseState.BROKEN, CaseState.NO_PROMISE, CaseState.NOT_CONTACTED)
"""States in which somebody has to do something, the most urgent first."""

SHOWN: Final = (
    CaseState.NOT_CONTACTED,
    CaseState.NO_PROMISE,
    CaseState.PROMISED,
    CaseState.BROKEN,
    CaseState.EXCLUDED,
    CaseState.PAID,
)
"""The states in the order of the work."""

OWING: Final = SHOWN[:-1]
TREND_DAYS: Final = 7 * case_states.WEEKS
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Line:
    """One key of a dimension with its sums."""

    key: str
    name: str
    sums: Sums

    @property
    def owing(self) -> Sum:
        """All but those who paid."""
        return sum((self.sums.get(state, Sum()) for state in OWING), Sum())


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers. `before` are those of `before_day`, a week ago or the next day kept before it; None without one.

    `ready` is false while the states of a register are made for the first time.
    """

    now: Sums
    before: Sums | None
    before_day: date | None
    dimension: Dimension
    lines: Sequence[Line]
    ready: bool

    @property
    def owing(self) -> Sum:
        """All but those who paid."""
        return sum((self.now.get(state, Sum()) for state in OWING), Sum())

    def change(self, state: CaseState) -> Sum | None:
        """How the sums of a state changed in a week."""
        if self.before is None:
            return None
        now, then = self.now.get(state, Sum()), self.before.get(state, Sum())
        return Sum(now.people - then.people, now.yen - then.yen)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of people; `hidden` are the ids of a person on the viewer's line whose amounts may not show yet."""

    rows: Sequence[CaseRow]
    total: Sum
    page: int
    hidden: frozenset[int]

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total.people // PAGE))


def overview(
    tx: Connection, viewer: Viewer, areas: frozenset[Area], dimension: Dimension, now: datetime, office: Office
) -> Overview:
    """The numbers of some areas, along one dimension. They name nobody, so they are not logged."""
    viewer.require(Right.WORKFLOW_VIEW)
    today = office.today(now)
    then_day, then = _a_week_ago(tx, viewer, areas, today)
    return Overview(
        now=workflow.overall(tx, viewer, areas),
        before=then,
        before_day=then_day,
        dimension=dimension,
        lines=lines(tx, viewer, areas, dimension),
        ready=ready(tx),
    )


def ready(tx: Connection) -> bool:
    """Whether the states of the register have been made as a whole."""
    return case_states.swept_once(tx)


def lines(tx: Connection, viewer: Viewer, areas: frozenset[Area], dimension: Dimension) -> list[Line]:
    """The sums along a dimension: those with somebody in them, in the order of their names."""
    sums = workflow.along(tx, viewer, areas, dimension)
    named = workflow.names(tx, viewer, areas, dimension)
    return [Line(key, name, sums[key]) for key, name in named.items() if key in sums]


def trend(tx: Connection, viewer: Viewer, areas: frozenset[Area], now: datetime, office: Office) -> Mapping[date, Sums]:
    """The sums of the days that are kept of the last quarter."""
    return workflow.days(tx, viewer, areas, office.today(now) - timedelta(days=TREND_DAYS))


def stuck(
    tx: Connection, viewer: Viewer, areas: frozenset[Area], now: datetime, office: Office
) -> dict[CaseState, list[CaseRow]]:
    """In every state that waits for the office: who has been without a contact for the longest. Logged."""
    viewer.require(Right.WORKFLOW_VIEW)
    found = {}
    for state in AT_STAKE:
        choice = Choice(state, areas)
        found[state] = workflow.people(tx, viewer, choice, office.today(now), Order.CONTACT, limit=STUCK)
    access_log.append(tx, viewer, now, "workflow.view", detail=f"{sum(map(len, found.values()))}件")
    return found


def open_list(
    tx: Connection, viewer: Viewer, choice: Choice, order: Order, page: int, now: datetime, office: Office
) -> Listed:
    """A page of the people behind a number. To be logged before it is shown: to look for few among all takes longer than
    others should wait for SQLite's writer."""
    viewer.require(Right.WORKFLOW_VIEW)
    total = workflow.total(tx, viewer, choice)
    page = min(max(page, 1), max(1, -(-total.people // PAGE)))
    today, first = office.today(now), (page - 1) * PAGE
    rows: Sequence[CaseRow] = []
    if total.people:  # nobody is looked for where the number says that there is nobody
        rows = workflow.people(tx, viewer, choice, today, order, first=first, limit=PAGE, total=total.people)
    return Listed(rows, total, page, _hidden(tx, viewer))


def log_list(tx: Connection, viewer: Viewer, choice: Choice, listed: Listed, now: datetime) -> None:
    """Note which page of whom is shown."""
    access_log.append(
        tx, viewer, now, "workflow.list", detail=f"{describe(choice)} {listed.page}頁 {len(listed.rows)}件"
    )


def begin_export(tx: Connection, viewer: Viewer, choice: Choice, now: datetime) -> Choice:
    """Log an export, and narrow it to the areas from which the viewer may take data out."""
    viewer.require(Right.EXPORT)
    narrowed = replace(choice, areas=choice.areas & viewer.areas(Right.EXPORT))
    people = workflow.total(tx, viewer, narrowed).people
    access_log.append(tx, viewer, now, "workflow.export", detail=f"{describe(choice)} {people}件")
    return narrowed


def export_part(
    tx: Connection, viewer: Viewer, choice: Choice, after: int, limit: int, now: datetime, office: Office
) -> tuple[list[CaseRow], int | None]:
    """The next rows of an export and the case to go on from, None at the end. Protected people (支援措置) are left out,
    as is whoever is on the viewer's line and has not proved who they are."""
    rows = workflow.people_after(tx, viewer, choice, office.today(now), after, limit)
    hidden = _hidden(tx, viewer)
    shown = [row for row in rows if not row.protected and row.debtor_id not in hidden]
    return shown, rows[-1].case_id if len(rows) == limit else None


def describe(choice: Choice) -> str:
    """A list in few words, for the log."""
    state = choice.state.label if choice.state else "完納以外"
    part = f" {choice.dimension.value}={choice.key}" if choice.dimension is not Dimension.ALL else ""
    return f"{state}{part}"


def _a_week_ago(tx: Connection, viewer: Viewer, areas: frozenset[Area], today: date) -> tuple[date | None, Sums | None]:
    kept = workflow.days(tx, viewer, areas, today - 4 * _WEEK)
    day = max((one for one in kept if one <= today - _WEEK), default=None)
    return day, kept[day] if day else None


def _hidden(tx: Connection, viewer: Viewer) -> frozenset[int]:
    return calls.unproven(tx, viewer)
