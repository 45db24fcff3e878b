"""Calls that nobody took, and callers who wish to be called back: a task each, until somebody has dealt with it (T5).

The task is everybody's who telephones in the area. It is done with the next result of the person or the number, whoever
called whom, or when somebody closes it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, insert, or_, update

from db.outbox import publish
from db.reference.phones import PhoneError, parse_phone
from db.rules.callers import CallerKind
from db.rules.opening import Opening
from db.rules.terms import TaskKind
from db.rules.viewer import Viewer, system_viewer
from db.schema.base import new_id
from db.schema.calls import Incoming
from db.schema.work import Task
from db.store.calls import CallRow
from db.store.incoming import IncomingRow
from db.usecases.giving import people
from db.usecases.office import Office

TASK_TOPIC: Final = "recall"
"""These are anyone's, and shown with the recalls that are anyone's."""

MISSED_TASK: Final = TaskKind.CALL_MISSED
CALL_BACK_TASK: Final = TaskKind.CALL_BACK
CALL_TASKS: Final = (MISSED_TASK, CALL_BACK_TASK)


def leave_task(tx: Connection, row: IncomingRow, now: datetime, office: Office, *, asked: bool = False) -> None:
    """A call nobody could take, or (`asked`) whose caller wishes to be called back.

    A number that was neither shown nor left cannot be called back: then there is no task.
    """
    number = row.left_number or row.number
    if number is None:
        return
    hits = people(tx, system_viewer("incoming"), row)
    tx.execute(
        insert(Task).values(
            id=new_id(),
            kind=CALL_BACK_TASK if asked else MISSED_TASK,
            debtor_id=next((hit.id for hit in hits), None) if row.kind is CallerKind.KNOWN else None,
            area=row.area,
            subject_id=row.id,
            note=_note(row, number, office, asked=asked),
            made_at=now,
        )
    )
    publish(tx, now, TASK_TOPIC, "")


def settle(tx: Connection, viewer: Viewer, call: CallRow, now: datetime, *, reached: bool) -> None:
    """The person, or the number, of a call has been dealt with: that they called in vain is nobody's task any more.

    A wish to be called back is fulfilled only once somebody was `reached`.
    """
    concerned: list[ColumnElement[bool]] = []
    if call.number is not None:
        came_from = or_(Incoming.number == call.number, Incoming.left_number == call.number)
        concerned.append(exists().where(Incoming.id == Task.subject_id, came_from))
    if call.debtor_id is not None:
        concerned.append(Task.debtor_id == call.debtor_id)
    if not concerned:
        return
    missed = update(Task).where(
        Task.kind.in_(CALL_TASKS if reached else (MISSED_TASK,)),
        Task.done_at.is_(None),
        Task.area == call.area,
        or_(*concerned),
    )
    if tx.execute(missed.values(done_at=now, done_by=viewer.user_id)).rowcount:
        publish(tx, now, TASK_TOPIC, "")


def _note(row: IncomingRow, number: str, office: Office, *, asked: bool) -> str:
    at = row.arrived_at.astimezone(office.zone)
    try:
        shown = parse_phone(number).national
    except PhoneError:
        shown = number
    why = "応対できず" if row.opening is Opening.OPEN else row.opening.label
    if asked:
        left = "（発信者が入力した番号）" if row.left_number else ""
        return f"{at:%m/%d %H:%M} の着信で折返しを希望（{why}）。{shown}{left} へ折り返してください。"
    return f"{at:%m/%d %H:%M} {shown} から着信（{why}）。折り返してください。"
