"""Booked calls (T6): own ones and anyone's, from the booking to the contact that settles them.

A booking that was not kept in time is escalated once, by `saikoku jobs`: a task for the groups of whom it was for, or for
everyone who telephones in the area. Booking asks the rule of contact for the time and number booked, and says what stands in
the way; it does not forbid the booking, because the rule is asked again when the call is made.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from db.outbox import publish
from db.rules.eligibility import Decision
from db.rules.terms import Area, Right, TaskKind
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.contacts import Recall, RecallPutAway
from db.schema.people import Phone
from db.schema.staff import Membership
from db.store import access_log, calls, debtors, recalls, shown
from db.store.recalls import RecallRow
from db.usecases import tasks
from db.usecases.eligibility import foresee
from db.usecases.entries import EntryError
from db.usecases.office import Office
from db.usecases.records import NotFoundError

TOPIC: Final = "recall"
POP_SCREEN: Final = "再コールの通知"
REASON_LENGTH: Final = 200
FURTHEST: Final = timedelta(days=366)
ESCALATED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class RecallEntry:
    """When to call again, on which number (None: any), and whether anyone may (or only whoever enters it)."""

    due_at: datetime
    anyone: bool = False
    note: str = ""
    phone_id: int | None = None


@dataclass(frozen=True, slots=True)
class Popped:
    """Bookings whose time has come, with what stands in their way now, and when to look again (None: nothing is booked)."""

    rows: Sequence[RecallRow]
    hindrances: Mapping[uuid.UUID, Decision]
    look_at: datetime | None


def book(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, entry: RecallEntry, now: datetime
) -> uuid.UUID:  # fmt: skip
    """Book a call for later. Raises EntryError for a time that is past or a number that is not the person's."""
    viewer.require(Right.RESULT_RECORD, area)
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    _check_time(entry.due_at, now)
    if entry.phone_id is not None and not _is_theirs(tx, debtor_id, entry.phone_id):
        raise EntryError("recall_phone", "no_such_phone", "この対象者の電話番号ではありません。")
    recall_id, whom = new_id(), None if entry.anyone else viewer.user_id
    tx.execute(
        insert(Recall).values(
            id=recall_id, debtor_id=debtor_id, area=area, due_at=entry.due_at, user_id=whom, phone_id=entry.phone_id,
            made_by=viewer.user_id, made_at=now, note=entry.note,
        )
    )  # fmt: skip
    _tell(tx, now, debtor_id, whom)
    return recall_id


def book_alone(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, entry: RecallEntry, now: datetime
) -> uuid.UUID:  # fmt: skip
    """Book a call without the result of a contact; this stands in the log by itself."""
    recall_id = book(tx, viewer, debtor_id, area, entry, now)
    access_log.append(tx, viewer, now, "recall.book", debtor_id=debtor_id, detail=str(recall_id))
    return recall_id


def check(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, entry: RecallEntry, now: datetime, office: Office
) -> Decision | None:
    """What the rule of contact says of a booking that is about to be made; None to those who may not call."""
    viewer.require(Right.RESULT_RECORD, area)
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    _check_time(entry.due_at, now)
    if not viewer.may(Right.CALL, area):
        return None
    return foresee(tx, viewer, debtor_id, area, entry.phone_id, entry.due_at, now, office)


def take(tx: Connection, viewer: Viewer, recall_id: uuid.UUID, now: datetime) -> None:
    """Make a booking one's own: anyone's, or with the right another's."""
    row = _open(tx, viewer, recall_id)
    if row.user_id == viewer.user_id:
        return
    tx.execute(update(Recall).where(Recall.id == recall_id).values(user_id=viewer.user_id))
    _changed(tx, viewer, row, now, "recall.take", f"{row.for_name or '全員'}から")


def move(tx: Connection, viewer: Viewer, recall_id: uuid.UUID, due_at: datetime, now: datetime, office: Office) -> None:
    """Book another time instead. It will pop up anew, and whatever told that it was late is settled."""
    row = _open(tx, viewer, recall_id)
    _check_time(due_at, now)
    tx.execute(update(Recall).where(Recall.id == recall_id).values(due_at=due_at, escalated_at=None))
    tx.execute(delete(RecallPutAway).where(RecallPutAway.recall_id == recall_id))
    _settle_task(tx, row, now, viewer)
    was, will = (at.astimezone(office.zone) for at in (row.due_at, due_at))
    _changed(tx, viewer, row, now, "recall.move", f"{was:%m/%d %H:%M}→{will:%m/%d %H:%M}")


def cancel(tx: Connection, viewer: Viewer, recall_id: uuid.UUID, reason: str, now: datetime) -> None:
    """Take a booking back, for a reason that stays with it."""
    row = _open(tx, viewer, recall_id)
    why = " ".join(reason.split())
    if not why or len(why) > REASON_LENGTH:
        raise EntryError("reason", "reason", f"取消の理由を{REASON_LENGTH}文字以内で入力してください。")
    values = {"closed_at": now, "cancelled_by": viewer.user_id, "cancel_reason": why}
    tx.execute(update(Recall).where(Recall.id == recall_id).values(values))
    _settle_task(tx, row, now, viewer)
    _changed(tx, viewer, row, now, "recall.cancel", str(recall_id))


def put_away(tx: Connection, viewer: Viewer, recall_id: uuid.UUID, minutes: int, now: datetime) -> None:
    """Close the pop of a booking for the viewer alone, for some minutes, or (0) until it is moved."""
    if recalls.find(tx, viewer, recall_id) is None:
        return
    mine = (RecallPutAway.recall_id == recall_id, RecallPutAway.user_id == viewer.user_id)
    tx.execute(delete(RecallPutAway).where(*mine))
    until = now + timedelta(minutes=minutes) if minutes else None
    tx.execute(insert(RecallPutAway).values(recall_id=recall_id, user_id=viewer.user_id, until=until))
    publish(tx, now, TOPIC, recall_id, viewer.user_id)


def peek_pop(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Popped | None:
    """What pops up for the viewer, if the log already tells of it; None if it has to be opened with `open_pop`."""
    found = _popped(tx, viewer, now, office)
    people = [row.debtor_id for row in found.rows]
    return found if shown.is_logged(tx, viewer, POP_SCREEN, people) or not people else None


def open_pop(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Popped:
    """What pops up for the viewer, with the people who come to be shown in the access log."""
    found = _popped(tx, viewer, now, office)
    shown.note(tx, viewer, now, POP_SCREEN, [row.debtor_id for row in found.rows], opened=False)
    return found


def close_for(
    tx: Connection, debtor_id: int, area: Area, contact_id: uuid.UUID, now: datetime, by: int | None
) -> None:  # fmt: skip
    """A new contact settles the bookings of the same person that were due, and tells those who see them."""
    due = update(Recall).where(
        Recall.debtor_id == debtor_id, Recall.area == area, Recall.closed_at.is_(None), Recall.due_at <= now
    )
    if tx.execute(due.values(closed_at=now, closed_by=contact_id)).rowcount:
        tasks.settle(tx, TaskKind.RECALL_EXPIRED, debtor_id, area, now, by)
        publish(tx, now, TOPIC, "")


def escalate(tx: Connection, now: datetime, office: Office) -> int:
    """Raise a task for each booking that nobody kept in time, once; returns how many. For the daemon of jobs."""
    late = (
        select(Recall.id, Recall.debtor_id, Recall.area, Recall.due_at, Recall.user_id)
        .where(
            Recall.closed_at.is_(None), Recall.due_at <= now - office.recall_expires, Recall.escalated_at.is_(None)
        )
        .order_by(Recall.due_at)
        .limit(ESCALATED_AT_ONCE)
    )  # fmt: skip
    raised = 0
    for row in tx.execute(late).all():
        mark = update(Recall).where(Recall.id == row.id, Recall.escalated_at.is_(None)).values(escalated_at=now)
        if tx.execute(mark).rowcount != 1:
            continue
        at = row.due_at.astimezone(office.zone)
        group = select(Membership.group_id).where(Membership.user_id == row.user_id).order_by(Membership.group_id)
        group_id = tx.execute(group.limit(1)).scalar_one_or_none()
        tasks.raise_for(
            tx, TaskKind.RECALL_EXPIRED, row.debtor_id, row.area, row.id, now,
            f"{at:%m/%d %H:%M}の予約に架電していません。", group_id=group_id,
        )  # fmt: skip
        raised += 1
    return raised


def hindrances(
    tx: Connection, viewer: Viewer, rows: Sequence[RecallRow], now: datetime, office: Office
) -> dict[uuid.UUID, Decision]:
    """What stands in the way of each booking at its time (or now, if that is past); those that are free are left out."""
    asked = {
        row.id: foresee(tx, viewer, row.debtor_id, row.area, row.phone_id, max(row.due_at, now), now, office)
        for row in rows
        if viewer.may(Right.CALL, row.area)
    }
    return {key: decision for key, decision in asked.items() if not decision.allowed}


def _popped(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Popped:
    on_duty = calls.duty(tx, viewer.user_id) is not None
    rows = recalls.popping(tx, viewer, now, anyones=on_duty)
    return Popped(
        masked(viewer, rows), hindrances(tx, viewer, rows, now, office), recalls.next_pop(tx, viewer, now)
    )  # fmt: skip


def masked(viewer: Viewer, rows: Sequence[RecallRow]) -> list[RecallRow]:
    """The rows as the viewer may read them: notes may tell of money, so they need the right to see it."""
    insight = viewer.areas(Right.ARREARS_VIEW)
    return [row if row.area in insight else replace(row, note="") for row in rows]


def _open(tx: Connection, viewer: Viewer, recall_id: uuid.UUID) -> RecallRow:
    """An open booking that the viewer may act on; raises NotFoundError, NotAllowedError, EntryError."""
    still_open = recalls.lock(tx, recall_id)
    row = recalls.find(tx, viewer, recall_id) if still_open else None
    if row is None:
        raise EntryError("recall", "recall_gone", "この再コール予約は、すでに架電済みか取消済みです。")
    viewer.require(Right.RESULT_RECORD, row.area)
    if row.user_id not in (None, viewer.user_id):
        viewer.require(Right.RECALL_ANYONE, row.area)
    return row


def _check_time(due_at: datetime, now: datetime) -> None:
    if due_at <= now:
        raise EntryError("recall", "past", "再コールの日時が過去です。これからの日時を入力してください。")
    if due_at > now + FURTHEST:
        raise EntryError("recall", "far", "再コールは1年以内の日時を入力してください。")


def _is_theirs(tx: Connection, debtor_id: int, phone_id: int) -> bool:
    query = select(Phone.id).where(Phone.id == phone_id, Phone.debtor_id == debtor_id)
    return tx.execute(query).one_or_none() is not None


def _settle_task(tx: Connection, row: RecallRow, now: datetime, viewer: Viewer) -> None:
    tasks.settle_subject(tx, TaskKind.RECALL_EXPIRED, row.id, now, viewer.user_id)


def _changed(tx: Connection, viewer: Viewer, row: RecallRow, now: datetime, action: str, detail: str) -> None:
    access_log.append(tx, viewer, now, action, debtor_id=row.debtor_id, detail=detail)
    _tell(tx, now, row.debtor_id, None)


def _tell(tx: Connection, now: datetime, debtor_id: int, whom: int | None) -> None:
    """Lists of bookings and the person's record are looked at again."""
    publish(tx, now, TOPIC, debtor_id, whom)
    publish(tx, now, "debtor", debtor_id)
