"""A promise that broke raises a task, exactly once for each line that broke; it is settled when the breach is over (T12)."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, or_, select, update

from db.reference.calendar import era_date
from db.rules.case_history import Terms, state_on
from db.rules.promises import LineStatus, broken_line, in_force, settle
from db.rules.terms import CaseState
from db.schema.contacts import Promise
from db.schema.work import Task
from db.store.case_histories import CaseEvents
from db.usecases import tasks

OLD_NEWS: Final = timedelta(days=7)
"""A promise that broke longer ago, before the register's states were first derived, is on the workflow screen and in no task:
an office that starts with years of history does not begin its first morning with thousands of tasks."""


def watch(tx: Connection, cases: Iterable[tuple[CaseEvents, bool]], now: datetime, today: date, terms: Terms) -> None:
    """Raise and settle the tasks of some cases; the second value says that a case is seen for the first time."""
    known = list(cases)
    people = {case.debtor_id for case, _ in known}
    open_query = select(Task.debtor_id, Task.area, Task.subject_id).where(
        Task.kind == tasks.BROKEN_PROMISE, Task.done_at.is_(None), Task.debtor_id.in_(people)
    )
    open_tasks = {(row.debtor_id, row.area) for row in tx.execute(open_query)}
    for case, new in known:
        broken = _broken(case, today, terms)
        if broken is None:
            if (case.debtor_id, case.area) in open_tasks:
                tasks.settle(tx, tasks.BROKEN_PROMISE, case.debtor_id, case.area, now)
            continue
        promise_id, number, line = broken
        if (case.debtor_id, case.area) in open_tasks:
            tasks.settle(tx, tasks.BROKEN_PROMISE, case.debtor_id, case.area, now, but_not=promise_id)
        if _is_news(tx, promise_id, number) and not (new and line.deadline < today - OLD_NEWS):
            note = f"第{number}回（納付期限 {era_date(line.deadline)}）"
            tasks.raise_task(tx, tasks.BROKEN_PROMISE, case.debtor_id, case.area, promise_id, now, note)


def _broken(case: CaseEvents, today: date, terms: Terms) -> tuple[uuid.UUID, int, LineStatus] | None:
    """The promise in force and its first broken line, if the case stands as broken."""
    history = case.history
    if not history.promises or state_on(history, today, terms) is not CaseState.BROKEN:
        return None
    known = [made.as_of(today) for made in history.promises]
    current = in_force(known)
    if current is None:
        return None
    lines = settle(current, history.payments, today, terms.grace_days, terms.is_closed)
    number = broken_line(lines)
    at = next(place for place, promise in enumerate(known) if promise is current)
    return (case.promise_ids[at], number, lines[number - 1]) if number else None


def _is_news(tx: Connection, promise_id: uuid.UUID, number: int) -> bool:
    """Whether no task was raised about this line or a later one; says so at once, so that nobody else raises it."""
    unheard = or_(Promise.broken_line.is_(None), Promise.broken_line < number)
    mark = update(Promise).where(Promise.id == promise_id, unheard).values(broken_line=number)
    return tx.execute(mark).rowcount == 1
