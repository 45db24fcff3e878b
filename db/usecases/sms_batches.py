"""Batches at work (S2, S6): whom of its list a batch writes to, and what it may send now.

For the daemons; what people do with batches is in `sms_batch_desk`. `prepare` goes through the list in steps: each step is one
transaction that moves the batch's `place`, so that whatever breaks nobody is forgotten, and the register's constraints give a person and
a number one message of a batch. Messages stand in the queue from then on, but `sms.claim` takes them only while the batch runs.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, update

from db.outbox import publish
from db.rules.eligibility import Decision
from db.rules.opening import Opening
from db.rules.sms import ANOTHER_DAY, ANOTHER_HOUR, SmsState
from db.rules.sms_batches import BatchState, wanted
from db.rules.terms import Channel, PhoneKind, PhoneOwner, PhoneStatus, Right
from db.rules.texts.lint import names_in
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.sms import SmsBatch, SmsBatchTarget, SmsMessage
from db.store import access_log, debtors, staff
from db.store import office as office_store
from db.store import sms as messages
from db.store import sms_batches as store
from db.store.debtors import PhoneRow
from db.store.kin import person_ids
from db.store.sms_batches import BatchRow
from db.usecases.eligibility import check_numbers
from db.usecases.office import Office
from db.usecases.policies import policy_of

TOPIC: Final = "sms"
"""What changes with every message."""
STATES: Final = "sms_batch"
"""What changes with the state of a batch: what the home screen shows of those that wait for approval."""
STEP: Final = 100
"""So many people a step: asking costs some 15 ms each, keeping next to nothing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one person: a number, or the code of a reason why not. `person_id`: the same for all their numbers."""

    debtor_id: int
    person_id: int
    phone: PhoneRow | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of a batch's list that was looked at, from `place` on; to be kept with `keep`. `last`: there is no more of it."""

    batch_id: uuid.UUID
    place: int
    choices: Sequence[Choice]
    last: bool
    most: int


def unfinished(tx: Connection) -> list[uuid.UUID]:
    """The batches that need `prepare`, again and again until it says that it is done."""
    return store.unfinished(tx)


def prepare(tx: Connection, batch_id: uuid.UUID, now: datetime, office: Office, most: int = STEP) -> bool:
    """Go one step through a batch's list, or take back what a stopped batch still had to send. True once nothing is left.

    `scan` and `keep` in one transaction. A daemon on SQLite calls them one after the other instead, the first in a reading
    transaction, so that nobody waits for the one writer while a hundred people are asked about.
    """
    step = scan(tx, batch_id, now, office, most)
    return step is None or keep(tx, step, now)


def scan(tx: Connection, batch_id: uuid.UUID, now: datetime, office: Office, most: int = STEP) -> Step | None:
    """Look at the next people of a batch's list; writes nothing. None if the batch needs no (more) preparing."""
    batch = store.find(tx, batch_id)
    if batch is None or batch.state not in {BatchState.PREPARING, BatchState.STOPPED}:
        return None
    actor = staff.viewer(tx, batch.made_by)
    if batch.state is BatchState.STOPPED or actor is None:
        return Step(batch_id, batch.place, (), last=True, most=most)
    people = store.candidates(tx, batch.list_id, batch.area, batch.place, most)
    choices = [look(tx, actor, batch, one, now, office) for one in people]
    return Step(batch_id, batch.place, choices, last=len(people) < most, most=most)


def keep(tx: Connection, step: Step, now: datetime) -> bool:
    """Write down what `scan` found, if nobody has done so meanwhile. True once nothing is left to do."""
    batch = store.find(tx, step.batch_id, lock=True)
    if batch is None:
        return True
    if batch.state is BatchState.STOPPED:
        return _take_back(tx, batch, now, step.most)
    if batch.state is not BatchState.PREPARING:
        return True
    if batch.place != step.place:
        return False
    actor = staff.viewer(tx, batch.made_by)
    if actor is None or not actor.may(Right.SMS_BATCH, batch.area):
        end(tx, batch.id, BatchState.STOPPED, now, "登録した利用者に一括送信の権限がなくなりました。")
        return True
    chosen = _each_once(tx, batch, step.choices)
    _write(tx, batch, chosen, now)
    queued = [one.debtor_id for one in chosen if one.phone]
    access_log.append_each(tx, actor, now, "sms.queue", queued, f"一括「{batch.settings.name}」")
    if chosen:
        place = update(SmsBatch).where(SmsBatch.id == batch.id)
        tx.execute(place.values(place=chosen[-1].debtor_id))
    if step.last:
        _prepared(tx, batch, now)
    publish(tx, now, TOPIC, batch.id)
    return step.last


def look(tx: Connection, actor: Viewer, batch: BatchRow, debtor_id: int, now: datetime, office: Office) -> Choice:
    """Whether a batch would write to a person, and to which number. Asked again before the message goes out."""
    person_id = min(person_ids(tx, debtor_id))
    phone, reason = _number(tx, actor, batch, debtor_id, now, office)
    return Choice(debtor_id, person_id, phone, reason)


def release(tx: Connection, now: datetime, office: Office, most: int) -> list[tuple[BatchRow, int]]:
    """The batches that may send now, and how many of each, `most` in all. One with nothing left is done."""
    if most <= 0 or office_store.emergency_stop(tx):
        return []
    found: list[tuple[BatchRow, int]] = []
    batches = store.running(tx, now)
    sent = store.paces(tx, now) if batches else {}
    for batch in batches:
        if not store.under_way(tx, batch.id):
            end(tx, batch.id, BatchState.DONE, now)
            continue
        policy = policy_of(tx, batch.area, office)
        if batch.settings.is_open(now) and office.opening(now, policy) is Opening.OPEN and most > 0:
            room = min(most, batch.settings.room(*sent.get(batch.id, (0, 0))))
            most -= room
            found.append((batch, room))
    return found


def end(tx: Connection, batch_id: uuid.UUID, state: BatchState, now: datetime, reason: str = "") -> None:
    """A batch is over."""
    over = update(SmsBatch).where(SmsBatch.id == batch_id)
    tx.execute(over.values(state=state, ended_at=now, reason=reason))
    publish(tx, now, TOPIC, batch_id)
    publish(tx, now, STATES, batch_id)


def _number(
    tx: Connection, actor: Viewer, batch: BatchRow, debtor_id: int, now: datetime, office: Office
) -> tuple[PhoneRow | None, str]:
    """The number to write to, or the code of why there is none."""
    person = debtors.person(tx, actor, debtor_id)
    if person is None or batch.area not in debtors.areas_of(tx, actor, debtor_id):
        return None, "gone"
    mobiles = [phone for phone in debtors.phones(tx, actor, debtor_id) if phone.kind is PhoneKind.MOBILE]
    if not mobiles:
        return None, "no_mobile"
    mobiles = [phone for phone in mobiles if wanted(batch.settings.number_rule, phone.owner)]
    if not mobiles:
        return None, "not_own"
    if names_in(batch.body, f"{person.name} {person.kana}".split()):
        return None, "name_in_text"
    return _best(tx, actor, batch, debtor_id, mobiles, now, office)


def _best(
    tx: Connection, actor: Viewer, batch: BatchRow, debtor_id: int, mobiles: Sequence[PhoneRow], now: datetime,
    office: Office,
) -> tuple[PhoneRow | None, str]:  # fmt: skip
    """The person's own number before others', one that is known to work before one that is not, then by rank."""
    ids = [phone.id for phone in mobiles]
    decisions = check_numbers(tx, actor, debtor_id, batch.area, ids, now, office, Channel.SMS)
    ordered = sorted(
        mobiles, key=lambda one: (one.owner is not PhoneOwner.SELF, one.status is not PhoneStatus.USABLE, one.rank)
    )
    for phone in ordered:
        if not _lasting(decisions[phone.id]):
            return phone, ""
    return None, _lasting(decisions[ordered[0].id])[0]


def _lasting(decision: Decision) -> list[str]:
    """The codes of what stands against a message that waiting for another hour or day does not mend."""
    return [reason.code for reason in decision.reasons if reason.code not in ANOTHER_HOUR | ANOTHER_DAY]


def _each_once(tx: Connection, batch: BatchRow, choices: Sequence[Choice]) -> list[Choice]:
    """The same with every person, and every number, once in the batch. The register's constraints say so too."""
    people, numbers = store.taken(
        tx, batch.id, [one.person_id for one in choices], [one.phone.number for one in choices if one.phone]
    )
    chosen = []
    for one in choices:
        if one.phone is None:
            chosen.append(one)
        elif one.person_id in people:
            chosen.append(replace(one, phone=None, reason="same_person"))
        elif one.phone.number in numbers:
            chosen.append(replace(one, phone=None, reason="same_number"))
        else:
            people.add(one.person_id)
            numbers.add(one.phone.number)
            chosen.append(one)
    return chosen


def _write(tx: Connection, batch: BatchRow, chosen: Sequence[Choice], now: datetime) -> None:
    references = messages.next_references(tx, [one.phone.number for one in chosen if one.phone])
    ids = {one.debtor_id: new_id() for one in chosen if one.phone}
    queued = [
        {
            "id": ids[one.debtor_id], "debtor_id": one.debtor_id, "area": batch.area, "phone_id": one.phone.id,
            "number": one.phone.number, "body": batch.body, "units": batch.units,
            "reference": references.get(one.phone.number, 0), "user_id": batch.made_by, "state": SmsState.QUEUED,
            "queued_at": now, "not_before": max(now, batch.settings.starts_at or now), "batch_id": batch.id,
        }
        for one in chosen
        if one.phone
    ]  # fmt: skip
    if queued:
        tx.execute(insert(SmsMessage), queued)
    rows = [
        {
            "batch_id": batch.id, "debtor_id": one.debtor_id, "person_id": one.person_id if one.phone else None,
            "message_id": ids.get(one.debtor_id), "reason": one.reason,
        }
        for one in chosen
    ]  # fmt: skip
    if rows:
        tx.execute(insert(SmsBatchTarget), rows)


def _prepared(tx: Connection, batch: BatchRow, now: datetime) -> None:
    """Everybody was looked at: somebody lets it go; if nobody is to be written to, it is over."""
    if not store.under_way(tx, batch.id):
        end(tx, batch.id, BatchState.DONE, now, "送信できる対象者がいません。")
        return
    tx.execute(update(SmsBatch).where(SmsBatch.id == batch.id).values(state=BatchState.WAITING))
    publish(tx, now, STATES, batch.id)


def _take_back(tx: Connection, batch: BatchRow, now: datetime, most: int) -> bool:
    rows = store.waiting(tx, batch.id, most)
    taken = update(SmsMessage).where(SmsMessage.id.in_([row.id for row in rows]))
    tx.execute(taken.values(state=SmsState.REFUSED, reason="一括送信が中止されました。", final_at=now))
    if rows:
        publish(tx, now, TOPIC, batch.id)
    return len(rows) < most
