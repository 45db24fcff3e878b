"""Rules that raise tasks, each once for what it saw: mail that came back, and numbers that reach nobody or a stranger (T10)."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, exists, select

from db.reference.calendar import era_date
from db.reference.phones import PhoneError, parse_phone
from db.rules.terms import Area, TaskKind
from db.schema.contacts import Dispatch
from db.schema.work import Task
from db.usecases import tasks
from db.usecases.office import Office

OLD_NEWS: Final = timedelta(days=30)
"""Mail that came back longer ago raises nothing: an office that starts with years of history, or imports them, does not begin
with thousands of tasks."""
AT_ONCE: Final = 500
_NUMBERS: Final = uuid.UUID("5e5a8f0e-7a5b-4b9e-9d0b-8f2b6e1c4d33")


def watch_returned_mail(tx: Connection, now: datetime, office: Office) -> int:
    """Raise a task for each paper that came back and has none yet; returns how many. For the daemon of jobs."""
    raised_already = exists().where(Task.subject_id == Dispatch.id, Task.kind == TaskKind.RETURNED_MAIL)
    found = (
        select(
            Dispatch.id, Dispatch.debtor_id, Dispatch.area, Dispatch.kind, Dispatch.sent_on, Dispatch.returned_on,
            Dispatch.return_reason,
        )
        .where(Dispatch.returned_on >= office.today(now) - OLD_NEWS, ~raised_already)
        .order_by(Dispatch.returned_on)
        .limit(AT_ONCE)
    )  # fmt: skip
    return sum(
        tasks.raise_once(
            tx, f"returned_mail:{row.id}", TaskKind.RETURNED_MAIL, row.debtor_id, row.area, row.id, now,
            f"{row.kind}（{era_date(row.sent_on)}発送）が返戻{f'：{row.return_reason}' if row.return_reason else ''}",
        )
        for row in tx.execute(found).all()
    )  # fmt: skip


def number_failed(
    tx: Connection, debtor_id: int, area: Area, contact_id: uuid.UUID, number: str | None, what: str, now: datetime
) -> bool:
    """A call showed that a number is nobody's, or a stranger's: another has to be found. One open task a number is enough."""
    subject = uuid.uuid5(_NUMBERS, f"{debtor_id}/{area}/{number}")
    known = select(exists().where(
        Task.subject_id == subject, Task.kind == TaskKind.NUMBER_RESEARCH, Task.done_at.is_(None)
    ))  # fmt: skip
    if tx.execute(known).scalar_one():
        return False
    note = f"{_national(number)}は{what}でした。新しい番号を調査してください。"
    return tasks.raise_once(
        tx, f"number_research:{contact_id}", TaskKind.NUMBER_RESEARCH, debtor_id, area, subject, now, note
    )  # fmt: skip


def _national(number: str | None) -> str:
    if number is None:
        return "着信の番号"
    try:
        return parse_phone(number).national
    except PhoneError:
        return number
