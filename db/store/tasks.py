"""Tasks as lists show them: which of them a viewer sees, which of these they want, and who is stuck.

What is overdue comes first, then what is due today, then what has no day, and last what is due later: a plan of visits for next week
must not stand before a caller who waits to be called back.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.terms import AddressKind, Area, Right, TaskKind, Term
from db.rules.viewer import Viewer
from db.schema.people import Address, Debtor
from db.schema.staff import Staff, StaffGroup
from db.schema.work import Task
from db.store.bound import DEBTOR_ID, areas, areas_held
from db.store.kin import protected_person

PAGE: Final = 50
CLOSED_SHOWN: Final = timedelta(days=30)
"""What was closed longer ago is on no list: it is kept, and stands in the access log."""
NEEDS: Final = {
    TaskKind.PROMISE_BROKEN: Right.ARREARS_VIEW,
    TaskKind.PROMISE_OFFERED: Right.PROMISE_DECIDE,
    TaskKind.RETURNED_MAIL: Right.ARREARS_VIEW,
}
"""Tasks that tell of what is owed, or that only some can do, with the right that it takes to see them."""
_TABS: Final = {
    TaskKind.PROMISE_BROKEN: "promises",
    TaskKind.PROMISE_OFFERED: "promises",
    TaskKind.RETURNED_MAIL: "dispatches",
}
_CALLERS: Final = (TaskKind.CALL_MISSED, TaskKind.CALL_BACK)


class Whose(Term):
    """For whom the tasks of a list are."""

    MINE = "mine", "自分・グループ・全員"
    OWN = "own", "自分"
    ANYONES = "anyones", "担当なし"
    ALL = "all", "すべて"


class Order(Term):
    """How a list is sorted."""

    DUE = "due", "期限"
    PLACE = "place", "期限・地区・住所"
    AGE = "age", "古い順"
    KIND = "kind", "内容"
    HOLDER = "holder", "担当"


class When(Term):
    """When the tasks of a list are due. NOW is what concerns somebody today: all but what is due later."""

    NOW = "now", "本日まで・期限なし"
    OVERDUE = "overdue", "期限切れ"
    TODAY = "today", "本日が期限"
    UNDATED = "undated", "期限なし"
    LATER = "later", "明日以降"
    ALL = "all", "すべて"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks there are by when they are due."""

    overdue: int
    today: int
    undated: int
    later: int

    def of(self, when: When) -> int:
        """How many of them a list of `when` shows."""
        now = self.overdue + self.today + self.undated
        return {
            When.NOW: now,
            When.OVERDUE: self.overdue,
            When.TODAY: self.today,
            When.UNDATED: self.undated,
            When.LATER: self.later,
            When.ALL: now + self.later,
        }[when]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks a list shows. `holder`: one user (others' need the right to assign). `page` counts from 0.

    `when` is not asked of closed ones.
    """

    whose: Whose = Whose.MINE
    kind: TaskKind | None = None
    area: Area | None = None
    holder: int | None = None
    closed: bool = False
    when: When = When.NOW
    order: Order = Order.DUE
    page: int = 0


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. `instruction` comes from whoever handed it over, `word` from whoever closed it.

    `place` and `district`: where a visit leads, as far as the viewer may know (`task_desk`).
    """

    id: uuid.UUID
    kind: TaskKind
    area: Area
    debtor_id: int | None
    debtor_name: str | None
    user_id: int | None
    for_user: str | None
    group_id: int | None
    for_group: str | None
    due_on: date | None
    note: str
    instruction: str
    made_at: datetime
    done_at: datetime | None
    done_by: str | None
    word: str
    place: str = ""
    district: str = ""

    @property
    def name(self) -> str:
        """What has to be done."""
        return self.kind.label

    @property
    def tab(self) -> str:
        """The part of the record that it is about, "" for the whole."""
        return _TABS.get(self.kind, "")

    @property
    def of_call(self) -> bool:
        """Whether a caller left it: it has a page of its own."""
        return self.kind in _CALLERS

    @property
    def holder(self) -> str | None:
        """Who has it, None for anyone."""
        return self.for_user or self.for_group


@dataclass(frozen=True, slots=True)
class Pile:
    """The open tasks of one user or group (neither: of anyone): how many, how many overdue, and the oldest."""

    user_id: int | None
    group_id: int | None
    name: str | None
    count: int
    overdue: int
    oldest: datetime


def listed(
    tx: Connection, viewer: Viewer, wanted: Wanted, today: date, *, hidden: Collection[int] = (), limit: int = PAGE
) -> list[TaskRow]:
    """A page of tasks. `hidden`: people whose homes may not even order a list (on the line, and not proved who they are)."""
    soonest = (_stage(today), Task.due_on)
    order: Sequence[Any] = {
        Order.DUE: (*soonest, Task.made_at),
        Order.PLACE: (*soonest, *_by_place(viewer, today, hidden)),
        Order.AGE: (Task.made_at,),
        Order.KIND: (Task.kind, Task.made_at),
        Order.HOLDER: (Staff.name.is_(None), Staff.name, StaffGroup.name, Task.made_at),
    }[wanted.order]
    if wanted.closed:
        order = (Task.done_at.desc(),)
    # chosen before anything is joined to them: of tens of thousands that are open, only a page is looked up
    chosen = _holders(select(Task.id)) if wanted.order is Order.HOLDER else select(Task.id)
    chosen = chosen.where(*_conditions(viewer, wanted, today)).order_by(*order, Task.id)
    page = chosen.limit(limit).offset(wanted.page * limit)
    return _rows(tx, _TASKS.where(Task.id.in_(page)).order_by(*order, Task.id))


def count(tx: Connection, viewer: Viewer, wanted: Wanted, today: date) -> int:
    """How many there are on all pages."""
    query = select(func.count()).select_from(Task).where(*_conditions(viewer, wanted, today))
    return tx.execute(query).scalar_one()


def counts(tx: Connection, viewer: Viewer, wanted: Wanted, today: date) -> Counts:
    """How many open ones there are by when they are due, whichever of these are wanted; in one pass."""
    every = _conditions(viewer, replace(wanted, when=When.ALL, closed=False), today)
    each = [func.count().filter(*_due(when, today)) for when in (When.OVERDUE, When.TODAY, When.UNDATED, When.LATER)]
    numbers: list[int] = list(tx.execute(select(*each).select_from(Task).where(*every)).one())
    return Counts(*numbers)


def find(tx: Connection, viewer: Viewer, task_id: uuid.UUID) -> TaskRow | None:
    """A task that the viewer may see."""
    return next(iter(_rows(tx, _TASKS.where(visible(viewer), Task.id == task_id))), None)


def lock(tx: Connection, task_id: uuid.UUID) -> None:
    """Hold a task for the rest of the transaction."""
    tx.execute(select(Task.id).where(Task.id == task_id).with_for_update())


def of_debtor(tx: Connection, viewer: Viewer, debtor_id: int) -> list[TaskRow]:
    """Open tasks about a person, whoever has them, oldest first."""
    return _rows(tx, _OF_DEBTOR, debtor_id=debtor_id, **areas_held(viewer, *NEEDS.values()))


def piles(tx: Connection, viewer: Viewer, today: date) -> list[Pile]:
    """Who has how many open tasks in areas where the viewer assigns them; who has the most overdue ones first."""
    late = func.count().filter(Task.due_on < today)
    query = (
        select(Task.user_id, Task.group_id, Staff.name, StaffGroup.name, func.count(), late, func.min(Task.made_at))
        .select_from(Task)
        .outerjoin(Staff, Staff.id == Task.user_id)
        .outerjoin(StaffGroup, StaffGroup.id == Task.group_id)
        .where(Task.done_at.is_(None), Task.area.in_(viewer.areas(Right.ASSIGN)), _readable(viewer.areas))
        .group_by(Task.user_id, Task.group_id, Staff.name, StaffGroup.name)
        .order_by(late.desc(), func.min(Task.made_at))
    )
    return [
        Pile(user_id, group_id, user or group, number, overdue, oldest)
        for user_id, group_id, user, group, number, overdue, oldest in tx.execute(query)
    ]


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """The viewer's own tasks, those of their groups, anyone's where they telephone, and all where they assign tasks."""
    return and_(
        _readable(viewer.areas),
        or_(_mine(viewer), Task.area.in_(viewer.areas(Right.ASSIGN))),
    )  # fmt: skip


def _mine(viewer: Viewer) -> ColumnElement[bool]:
    return or_(Task.user_id == viewer.user_id, Task.group_id.in_(viewer.group_ids), _anyones(viewer.areas(Right.CALL)))


def _anyones(where: frozenset[Area]) -> ColumnElement[bool]:
    return and_(Task.user_id.is_(None), Task.group_id.is_(None), Task.area.in_(where))


def _readable(where: Callable[..., Any]) -> ColumnElement[bool]:
    """`where`: the viewer's areas by right, as values or as parameters."""
    restricted = [and_(Task.kind == kind, Task.area.in_(where(right))) for kind, right in NEEDS.items()]
    return and_(Task.area.in_(where()), or_(Task.kind.not_in(list(NEEDS)), *restricted))


def _conditions(viewer: Viewer, wanted: Wanted, today: date) -> list[ColumnElement[bool]]:
    whose = {
        Whose.MINE: _mine(viewer),
        Whose.OWN: Task.user_id == viewer.user_id,
        Whose.ANYONES: _anyones(viewer.areas()),
        Whose.ALL: visible(viewer),
    }[wanted.whose]
    found = [visible(viewer), whose, Task.done_at.is_not(None) if wanted.closed else Task.done_at.is_(None)]
    if wanted.closed:
        found.append(Task.done_at >= datetime.combine(today - CLOSED_SHOWN, time(), UTC))
    if wanted.kind is not None:
        found.append(Task.kind == wanted.kind)
    if wanted.area is not None:
        found.append(Task.area == wanted.area)
    if wanted.holder is not None:
        found.append(Task.user_id == wanted.holder)
    if not wanted.closed:
        found.extend(_due(wanted.when, today))
    return found


def _due(when: When, today: date) -> tuple[ColumnElement[bool], ...]:
    """What `when` means; nothing for all."""
    meant = {
        When.NOW: or_(Task.due_on <= today, Task.due_on.is_(None)),
        When.OVERDUE: Task.due_on < today,
        When.TODAY: Task.due_on == today,
        When.UNDATED: Task.due_on.is_(None),
        When.LATER: Task.due_on > today,
    }
    return (meant[when],) if when in meant else ()


def _stage(today: date) -> ColumnElement[int]:
    return case((Task.due_on <= today, 0), (Task.due_on.is_(None), 1), else_=2)


def _by_place(viewer: Viewer, today: date, hidden: Collection[int]) -> Sequence[ColumnElement[Any]]:
    """Visits by where they lead, as far as the viewer may know it: an order tells of a place too."""
    known = and_(Task.kind == TaskKind.VISIT, Task.area.in_(viewer.areas(Right.ARREARS_VIEW)))
    if hidden:
        known = and_(known, Task.debtor_id.not_in(hidden))
    if not viewer.may_anywhere(Right.PROTECTED_VIEW):
        known = and_(known, ~protected_person(Task.debtor_id, today))
    where = (
        select(func.max(Address.district + " " + Address.town + " " + Address.block))
        .where(Address.debtor_id == Task.debtor_id, Address.kind == AddressKind.REGISTERED)
        .where(or_(Address.valid_from.is_(None), Address.valid_from <= today))
        .where(or_(Address.valid_to.is_(None), Address.valid_to >= today))
        .correlate(Task)
        .scalar_subquery()
    )
    place = case((known, where), else_=None)
    return place.is_(None), place


def _holders(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    held = query.outerjoin(Staff, Staff.id == Task.user_id)
    return held.outerjoin(StaffGroup, StaffGroup.id == Task.group_id)


_CLOSER = aliased(Staff)
_TASKS: Final = (
    select(
        Task.id, Task.kind, Task.area, Task.debtor_id, Debtor.name, Task.user_id, Staff.name, Task.group_id,
        StaffGroup.name, Task.due_on, Task.note, Task.instruction, Task.made_at, Task.done_at, _CLOSER.name, Task.word,
    )
    .outerjoin(Debtor, Debtor.id == Task.debtor_id)
    .outerjoin(Staff, Staff.id == Task.user_id)
    .outerjoin(StaffGroup, StaffGroup.id == Task.group_id)
    .outerjoin(_CLOSER, _CLOSER.id == Task.done_by)
)  # fmt: skip
_OF_DEBTOR: Final = (
    _TASKS.where(Task.debtor_id == DEBTOR_ID, Task.done_at.is_(None), _readable(areas)).order_by(Task.made_at).limit(20)
)


def _rows(tx: Connection, query: Select[*tuple[Any, ...]], **asked: Any) -> list[TaskRow]:
    return [_row(tuple(row)) for row in tx.execute(query, asked)]


def _row(values: tuple[Any, ...]) -> TaskRow:
    task_id, kind, *rest = values
    return TaskRow(task_id, TaskKind(kind), *rest)
