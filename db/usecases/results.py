"""Recording what came of a contact: result, negotiation record, promise, recall, next step, in one transaction.

Nothing recorded is ever changed: a correction is a new contact that names the old one.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from db.outbox import publish
from db.rules.promises import Promise, PromiseLine
from db.rules.telephony import LIVE_CALLS, CallState, Direction
from db.rules.terms import AnsweredBy, Area, Channel, PhoneStatus, Retry, Right, TaskKind
from db.rules.viewer import Viewer
from db.schema import contacts as schema
from db.schema.base import new_id
from db.schema.calls import Attempt, Call
from db.schema.contacts import Contact, Disposition
from db.schema.people import Phone
from db.schema.work import Task
from db.store import access_log, arrears, debtors, summaries
from db.store.debtors import ContactRow
from db.usecases import duty, incoming, missed, phrases, recalls, task_rules, tasks
from db.usecases.calls import own_call
from db.usecases.entries import EntryError
from db.usecases.office import Office
from db.usecases.recalls import RecallEntry
from db.usecases.records import NotFoundError, areas_unmasked, call_concerning

TOPIC: Final = "debtor"
NOTE_LENGTH: Final = 4000
BY_HAND: Final = (Channel.COUNTER, Channel.VISIT, Channel.CALL_IN, Channel.LETTER)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the operator enters. `answered_by` overrides who the disposition says was reached."""

    disposition: str
    note: str = ""
    next_step: str = ""
    answered_by: AnsweredBy | None = None
    promise: Sequence[PromiseLine] = ()
    recall: RecallEntry | None = None


@dataclass(frozen=True, slots=True)
class DispositionRow:
    """One result of the result pad."""

    code: str
    name: str
    answered_by: AnsweredBy
    retry: Retry
    key: int | None


def dispositions(tx: Connection, channel: Channel) -> list[DispositionRow]:
    """The results that can be given to a contact of a channel, in the order of the pad."""
    return dispositions_of(tx, [channel])[channel]


def dispositions_of(tx: Connection, channels: Sequence[Channel]) -> Mapping[Channel, list[DispositionRow]]:
    """The same for several channels."""
    rows = tx.execute(_DISPOSITIONS).all()
    return {
        channel: [
            DispositionRow(row.code, row.name, row.answered_by, row.retry, row.key)
            for row in rows
            if channel in row.channels.split()
        ]
        for channel in channels
    }


_DISPOSITIONS: Final = select(Disposition).where(Disposition.active.is_(True)).order_by(Disposition.rank)


def record_result(
    tx: Connection, viewer: Viewer, call_id: uuid.UUID, entry: Entry, now: datetime, office: Office
) -> uuid.UUID:
    """Save the result of the viewer's own call, while it lasts or after; the operator is free again once it has ended.

    Raises EntryError for input that cannot be right and CallError for a call that is not the viewer's.
    """
    call = own_call(tx, viewer, call_id)
    viewer.require(Right.RESULT_RECORD, call.area)
    if call.debtor_id is None:
        raise EntryError("debtor", "no_debtor", "先に対象者を選んでください。")
    row = tx.execute(select(Call.result_at, Call.wrapped_at).where(Call.id == call_id).with_for_update()).one()
    if row.result_at is None and row.wrapped_at is not None:
        raise EntryError("disposition", "not_dialled", "発信されなかった通話のため、結果の登録は不要です。")
    if row.result_at is not None:
        raise EntryError(
            "disposition", "already_saved", "この通話の結果は登録済みです。訂正は交渉記録から行ってください。"
        )
    if entry.promise and call.identity_confirmed_at is None:
        raise EntryError("promise", "identity", "本人確認が済んでいないため、納付約束は登録できません。")
    channel = Channel.CALL_OUT if call.direction is Direction.OUT else Channel.CALL_IN
    contact_id = _write(
        tx, viewer, call.debtor_id, call.area, channel, entry, now, office,
        at=call.started_at, number=call.number, call_id=call_id,
        answers=incoming.answered(tx, viewer, call),
    )  # fmt: skip
    tx.execute(update(Call).where(Call.id == call_id).values(result_at=now))
    settled = update(Task).where(Task.subject_id == call_id, Task.done_at.is_(None))
    tx.execute(settled.values(done_at=now, done_by=viewer.user_id))
    answered_by = tx.execute(select(Contact.answered_by).where(Contact.id == contact_id)).scalar_one()
    missed.settle(tx, viewer, call, now, reached=answered_by is not AnsweredBy.NOBODY)
    if call.state not in LIVE_CALLS:
        tx.execute(update(Call).where(Call.id == call_id).values(wrapped_at=now))
    duty.after_call(tx, viewer.user_id, call_id, now)
    _learn_of_number(tx, call_id, call.state, entry)
    summaries.refresh(tx, [call.debtor_id], office.today(now))
    publish(tx, now, "call", call_id, viewer.user_id)
    return contact_id


def note_contact(
    tx: Connection,
    viewer: Viewer,
    debtor_id: int,
    area: Area,
    channel: Channel,
    entry: Entry,
    now: datetime,
    office: Office,
) -> uuid.UUID:
    """Record a contact that went through no call of ours (at the counter, a visit, a call to another telephone). A visit settles
    the tasks that asked for it."""
    viewer.require(Right.RESULT_RECORD, area)
    if channel not in BY_HAND:
        raise EntryError("channel", "channel", "この種類の記録は手入力できません。")
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    _promise_needs_insight(tx, viewer, debtor_id, area, entry)
    made = _write(tx, viewer, debtor_id, area, channel, entry, now, office, at=now, number=None, call_id=None)
    if channel is Channel.VISIT:
        tasks.settle(tx, TaskKind.VISIT, debtor_id, area, now, viewer.user_id)
    summaries.refresh(tx, [debtor_id], office.today(now))
    return made


def correct(
    tx: Connection, viewer: Viewer, contact_id: uuid.UUID, entry: Entry, now: datetime, office: Office
) -> uuid.UUID:
    """Correct a contact by a new row that names it. The old one stays, marked as corrected."""
    old = tx.execute(select(Contact).where(Contact.id == contact_id).with_for_update()).one_or_none()
    if old is None or old.area not in debtors.areas_of(tx, viewer, old.debtor_id):
        raise NotFoundError
    viewer.require(Right.RESULT_RECORD, old.area)
    if old.user_id != viewer.user_id and not viewer.may(Right.RECALL_ANYONE, old.area):
        raise EntryError("note", "not_yours", "他の担当者の記録を訂正する権限がありません。")
    if tx.execute(select(Contact.id).where(Contact.corrects_id == contact_id)).one_or_none():
        raise EntryError("note", "corrected_already", "この記録は訂正済みです。最新の訂正を訂正してください。")
    _promise_needs_insight(tx, viewer, old.debtor_id, old.area, entry)
    made = _write(
        tx, viewer, old.debtor_id, old.area, old.channel, entry, now, office,
        at=old.at, number=old.number, call_id=old.call_id, corrects=contact_id, answers=old.answers_id,
    )  # fmt: skip
    summaries.refresh(tx, [old.debtor_id], office.today(now))
    return made


def contact_to_correct(tx: Connection, viewer: Viewer, contact_id: uuid.UUID) -> tuple[int, ContactRow]:
    """Whose contact it is, and the contact as the viewer may see it now: the ground of a correction."""
    found = tx.execute(select(Contact.debtor_id, Contact.area).where(Contact.id == contact_id)).one_or_none()
    if found is None or found.area not in debtors.areas_of(tx, viewer, found.debtor_id):
        raise NotFoundError
    viewer.require(Right.RESULT_RECORD, found.area)
    row = next(row for row in debtors.contacts(tx, viewer, found.debtor_id, contact_id=contact_id))
    if not may_see_amounts(tx, viewer, found.debtor_id, found.area):
        row = replace(row, note="", next_step="")
    return found.debtor_id, row


def _promise_needs_insight(tx: Connection, viewer: Viewer, debtor_id: int, area: Area, entry: Entry) -> None:
    """Whoever may not see what is owed cannot agree on it: a refusal of too much would tell the amount by trying."""
    if entry.promise and not may_see_amounts(tx, viewer, debtor_id, area):
        raise EntryError("promise", "identity", "滞納額を閲覧できないため、納付約束は登録できません。")


def _write(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, channel: Channel, entry: Entry, now: datetime,
    office: Office, *, at: datetime, number: str | None, call_id: uuid.UUID | None, corrects: uuid.UUID | None = None,
    answers: uuid.UUID | None = None,
) -> uuid.UUID:  # fmt: skip
    disposition = _disposition(tx, entry, channel)
    if len(entry.note) > NOTE_LENGTH:
        raise EntryError("note", "too_long", f"メモは{NOTE_LENGTH}文字までです（現在{len(entry.note)}文字）。")
    contact_id = new_id()
    tx.execute(
        insert(Contact).values(
            id=contact_id, debtor_id=debtor_id, area=area, channel=channel, at=at, user_id=viewer.user_id,
            number=number, answered_by=entry.answered_by or disposition.answered_by, disposition=entry.disposition,
            note=entry.note.strip(), next_step=entry.next_step.strip(), call_id=call_id, corrects_id=corrects,
            answers_id=answers, recorded_at=now,
        )
    )  # fmt: skip
    if entry.promise:
        _promise(tx, viewer, debtor_id, area, contact_id, entry.promise, now, office)
    if disposition.retry is Retry.NUMBER_RESEARCH:
        task_rules.number_failed(tx, debtor_id, area, contact_id, number, disposition.name, now)
    if corrects is None:
        recalls.close_for(tx, debtor_id, area, contact_id, now, viewer.user_id)
    if entry.recall:
        recalls.book(tx, viewer, debtor_id, area, entry.recall, now)
    action = "contact.correct" if corrects else "contact.record"
    access_log.append(tx, viewer, now, action, debtor_id=debtor_id, detail=f"{disposition.name} {contact_id}")
    if corrects is None:
        phrases.count(tx, area, entry.note)
    publish(tx, now, TOPIC, debtor_id)
    return contact_id


def _disposition(tx: Connection, entry: Entry, channel: Channel) -> Row[*tuple[Any, ...]]:
    row = tx.execute(select(Disposition).where(Disposition.code == entry.disposition)).one_or_none()
    if row is None or channel not in row.channels.split():
        raise EntryError("disposition", "no_such_result", "結果を選んでください。")
    return row


def _promise(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, contact_id: uuid.UUID, lines: Sequence[PromiseLine],
    now: datetime, office: Office,
) -> None:  # fmt: skip
    """Contracted staff and operators take an offer of instalments; who may decide on them approves with the entry."""
    viewer.require(Right.PROMISE_OFFER, area)
    today = office.today(now)
    agreed = Promise(made_on=today, lines=tuple(lines))
    if agreed.lines[0].due < today:
        raise EntryError("promise", "past", "納付予定日が過去の日付です。本日以降の日付を入力してください。")
    total = sum(line.total for line in arrears.lines(tx, viewer, debtor_id, today) if line.area == area)
    if agreed.total > total:
        raise EntryError("promise", "above_balance", "約束金額が滞納額を超えています。金額を確認してください。")
    decides = viewer.may(Right.PROMISE_DECIDE, area) and not viewer.contracted
    promise_id = new_id()
    if decides or not agreed.needs_decision:
        tasks.settle(tx, tasks.OFFERED_PROMISE, debtor_id, area, now, viewer.user_id)
    else:
        parts = f"{len(agreed.lines)}回・計{agreed.total:,}円の申出"
        tasks.raise_task(tx, tasks.OFFERED_PROMISE, debtor_id, area, promise_id, now, parts)
    tx.execute(
        insert(schema.Promise).values(
            id=promise_id, debtor_id=debtor_id, area=area, made_at=now, made_by=viewer.user_id,
            approved_by=viewer.user_id if decides else None, approved_at=now if decides else None,
            contact_id=contact_id,
        )
    )  # fmt: skip
    tx.execute(
        insert(schema.PromiseLine),
        [
            {"promise_id": promise_id, "number": number, "due_on": line.due, "amount": line.yen}
            for number, line in enumerate(agreed.lines, start=1)
        ],
    )


def _learn_of_number(tx: Connection, call_id: uuid.UUID, state: CallState, entry: Entry) -> None:
    """What the result says of the number itself: nobody dials an unallocated number or a stranger twice."""
    learnt = {"unallocated": PhoneStatus.UNALLOCATED, "wrong_person": PhoneStatus.WRONG_PERSON}.get(entry.disposition)
    if learnt is None and entry.disposition in {"talked_self"}:
        learnt = PhoneStatus.USABLE
    dialled = tx.execute(select(Attempt.phone_id).where(Attempt.id == call_id)).scalar_one_or_none()
    if learnt is not None and dialled is not None and state is not CallState.UNKNOWN:
        tx.execute(update(Phone).where(Phone.id == dialled).values(status=learnt))


def may_see_amounts(tx: Connection, viewer: Viewer, debtor_id: int, area: Area) -> bool:
    """Whether amounts of a person may be shown to the viewer at this moment (for hints and warnings)."""
    return area in areas_unmasked(viewer, call_concerning(tx, viewer, debtor_id))


def first_open_day(office: Office, day: date) -> date:
    """The first day from `day` on that the office is open, for the warning beside a promise on a closed day."""
    return office.calendar.next_business_day(day)
