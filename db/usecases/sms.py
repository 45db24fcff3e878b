"""Sending messages to phones (S3, S4, S6): queued, claimed for sending, and what came of it.

The order that no message goes out twice: the rule of contact is asked and the message is committed (`queue`); the sender asks the
rule again and commits that it is being sent (`claim`), and only then submits. What it hears is written down by `settle`.
Whatever is lost in between is *unknown*, for a person to settle; nothing sends it again. Only what surely did not reach the
carrier is queued again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from db.outbox import publish
from db.rules.eligibility import Decision
from db.rules.sms import ANOTHER_DAY, ANOTHER_HOUR, FINAL, PartOutcome, SmsState, message_state
from db.rules.terms import AnsweredBy, Area, Channel, Right, TaskKind
from db.rules.texts.fields import wanting
from db.rules.texts.lint import LintPolicy, Objection
from db.rules.texts.parts import Allowance, TextError, compose
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.contacts import Contact
from db.schema.people import Phone
from db.schema.sms import SmsMessage, SmsPart
from db.store import access_log, debtors, staff, summaries
from db.store import sms as store
from db.store.kin import kin, try_hold
from db.usecases import sms_batches, sms_fate, tasks
from db.usecases.eligibility import Target, check_contact
from db.usecases.office import Office

TOPIC: Final = sms_fate.TOPIC
LOOK_AGAIN: Final = timedelta(minutes=10)
"""So long a message waits that may not go out at this hour, or during an emergency stop."""
TRY_AGAIN: Final = timedelta(seconds=30)
"""So long one waits that no carrier took."""

LATEST: Final = timedelta(days=31)
"""So far ahead a message may be scheduled: what it says may be wrong later."""


class SmsError(Exception):
    """A message cannot be queued, or not be treated so; the sentence is for whoever wrote it.

    `objections`: what its text must not say. `fields`: what is wrong with an entry.
    """

    def __init__(self, code: str, message: str, objections: Sequence[Objection] = (), field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.objections = tuple(objections)
        self.fields = {field: message} if field else {}


@dataclass(frozen=True, slots=True)
class Wording:
    """What the office lets messages say, and what its routes take."""

    lint: LintPolicy = field(default_factory=LintPolicy)
    allowance: Allowance = field(default_factory=Allowance)


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """What the sender needs; nothing of the person but the number and the text."""

    id: uuid.UUID
    number: str
    body: str
    reference: int


def queue(
    tx: Connection, viewer: Viewer, debtor_id: int, phone_id: int, area: Area, text: str, now: datetime, office: Office,
    wording: Wording, *, not_before: datetime | None = None,
) -> uuid.UUID:  # fmt: skip
    """Queue a message to a number on the person's record.

    `not_before`: when it shall go out at the earliest. Raises NotAllowedError and SmsError.
    """
    viewer.require(Right.SMS, area)
    if not_before is not None and not now - timedelta(minutes=1) <= not_before <= now + LATEST:
        raise SmsError("not_before", f"送信日時は、現在から{LATEST.days}日以内にしてください。", field="not_before")
    number = _on_record(tx, viewer, debtor_id, phone_id, area, now, office)
    units = _worded(tx, viewer, debtor_id, text, wording)
    decision = check_contact(tx, viewer, Target(debtor_id, area, Channel.SMS, phone_id), now, office)
    later_day = not_before is not None and office.today(not_before) > office.today(now)
    if for_good(decision, later_day=later_day):
        raise SmsError("contact_refused", " ".join(reason.text for reason in decision.reasons), field="phone_id")
    message_id = new_id()
    tx.execute(
        insert(SmsMessage).values(
            id=message_id, debtor_id=debtor_id, area=area, phone_id=phone_id, number=number, body=text, units=units,
            reference=store.next_reference(tx, number), user_id=viewer.user_id, state=SmsState.QUEUED, queued_at=now,
            not_before=max(now, not_before or now),
        )
    )  # fmt: skip
    access_log.append(tx, viewer, now, "sms.queue", debtor_id=debtor_id, detail=number)
    publish(tx, now, TOPIC, debtor_id, viewer.user_id)
    return message_id


def _on_record(
    tx: Connection, viewer: Viewer, debtor_id: int, phone_id: int, area: Area, now: datetime, office: Office
) -> str:
    of_person = [debtor_id, *(hit.id for hit in debtors.joined(tx, viewer, debtor_id, office.today(now)))]
    known = select(Phone.number).where(Phone.id == phone_id, Phone.debtor_id.in_(of_person))
    number = tx.execute(known).scalar_one_or_none()
    if number is None or area not in debtors.areas_of(tx, viewer, debtor_id):
        raise SmsError("not_on_record", "この電話番号は対象者の記録にありません。", field="phone_id")
    return number


def _worded(tx: Connection, viewer: Viewer, debtor_id: int, text: str, wording: Wording) -> int:
    """How many units the text takes; SmsError where it may not be sent so."""
    if found := wanting(text, wording.lint, names_of(tx, viewer, debtor_id)):
        raise SmsError("text_objection", " ".join(objection.reason for objection in found), found, "body")
    try:
        return compose(text, wording.allowance).units
    except TextError as error:
        raise SmsError("text", str(error), field="body") from error


def names_of(tx: Connection, viewer: Viewer, debtor_id: int) -> list[str]:
    """What a message to a person must not say: their surname, given name and readings."""
    person = debtors.person(tx, viewer, debtor_id)
    return f"{person.name} {person.kana}".split() if person else []


def for_good(decision: Decision, *, later_day: bool = False) -> bool:
    """Whether something stands against it that waiting for another hour (or for another day) does not mend."""
    passing = ANOTHER_HOUR | ANOTHER_DAY if later_day else ANOTHER_HOUR
    return any(reason.code not in passing for reason in decision.reasons)


# -- sending --------------------------------------------------------------------------------------------------------------------


def claim(tx: Connection, now: datetime, office: Office, most: int) -> list[ReadyMessage]:
    """Take up to `most` messages whose time has come and that may still go out; they are SUBMITTING once this is committed.

    Single messages first, in the order of their times; then those of batches that run, in their hours and at their pace. Those
    that may not be sent any more are REFUSED with the reason; those that only the hour or an emergency stop holds up wait.
    """
    rows = list(tx.execute(due(None, now, most)).all())
    for batch, room in sms_batches.release(tx, now, office, most - len(rows)):
        rows += tx.execute(due(batch.id, now, room)).all()
    return [ready for row in rows if (ready := _claim_one(tx, row, now, office))]


def due(batch_id: uuid.UUID | None, now: datetime, most: int) -> Select[*tuple[Any, ...]]:
    """Messages whose time has come: of a batch, or single ones. A walk along one index, however many others wait."""
    return (
        select(SmsMessage)
        .where(SmsMessage.batch_id == batch_id, SmsMessage.state == SmsState.QUEUED, SmsMessage.not_before <= now)
        .order_by(SmsMessage.not_before, SmsMessage.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


def _claim_one(tx: Connection, row: Row[Any], now: datetime, office: Office) -> ReadyMessage | None:
    if not try_hold(tx, kin(tx, row.debtor_id), row.number):  # somebody calls there now: the next claim looks again
        return None
    actor = staff.viewer(tx, row.user_id)
    if actor is None or not actor.may(Right.SMS, row.area):
        _end(tx, row, now, SmsState.REFUSED, "登録した利用者に送信の権限がなくなりました。")
        return None
    decision = check_contact(tx, actor, Target(row.debtor_id, row.area, Channel.SMS, row.phone_id), now, office)
    tomorrow = row.batch_id is not None and not decision.allowed and not for_good(decision, later_day=True)
    if tomorrow and for_good(decision):  # a batch goes on for days: whoever had enough today is written to on another
        _set(tx, row, now, not_before=office.day_begins(now) + timedelta(days=1))
        return None
    if for_good(decision) or not _unchanged(tx, row):
        reasons = " ".join(reason.text for reason in decision.reasons) or "電話番号が変更されています。"
        _end(tx, row, now, SmsState.REFUSED, reasons)
        return None
    if not decision.allowed:
        _set(tx, row, now, not_before=now + LOOK_AGAIN)
        return None
    _set(tx, row, now, state=SmsState.SUBMITTING, submitting_at=now, reason="")
    return ReadyMessage(row.id, row.number, row.body, row.reference)


def _unchanged(tx: Connection, row: Row[Any]) -> bool:
    return bool(tx.execute(select(Phone.number).where(Phone.id == row.phone_id)).scalar_one_or_none() == row.number)


def settle(
    tx: Connection, message_id: uuid.UUID, route: str, parts: int, outcomes: Sequence[PartOutcome], now: datetime,
    office: Office,
) -> None:  # fmt: skip
    """Write down what came of submitting a message of so many parts; `outcomes` end with the first that was not accepted.

    A message that is not being sent (any more) is left as it is.
    """
    row = tx.execute(select(SmsMessage).where(SmsMessage.id == message_id).with_for_update()).one()
    if row.state is not SmsState.SUBMITTING:
        return
    if outcomes[0].state is SmsState.QUEUED:
        _set(tx, row, now, state=SmsState.QUEUED, reason=outcomes[0].reason, submitting_at=None,
             not_before=now + TRY_AGAIN)  # fmt: skip
        return
    each = [*outcomes, *([PartOutcome(SmsState.QUEUED)] * (parts - len(outcomes)))]
    tx.execute(
        insert(SmsPart),
        [
            {
                "message_id": message_id, "number": number, "state": outcome.state, "carrier_id": outcome.carrier_id,
                "id_key": outcome.keys[0] if outcome.keys else "", "reason": outcome.reason, "submitted_at": now,
                "final_at": now if outcome.state in FINAL else None,
            }
            for number, outcome in enumerate(each, 1)
        ],
    )  # fmt: skip
    state = message_state([outcome.state for outcome in each])
    contact_id = None if outcomes[0].state is SmsState.FAILED else _contact(tx, row, now, office)
    _set(tx, row, now, state=state, route=route, contact_id=contact_id,
         reason=" ".join(outcome.reason for outcome in outcomes if outcome.reason),
         final_at=now if state in FINAL else None)  # fmt: skip
    if state is SmsState.UNKNOWN:
        sms_fate.ask_a_person(tx, row.debtor_id, row.area, message_id, now)
    for outcome in outcomes:
        if outcome.state is SmsState.FAILED:
            sms_fate.learn_of_number(tx, row, outcome.reason, now)
        sms_fate.match_early(tx, route, message_id, row.number, outcome, now)


def recover(tx: Connection, now: datetime, office: Office) -> int:
    """What a sender that is no more was sending is unknown. Call under the sender's lease, before anything is claimed."""
    # written out, so that SQLite knows that the index of just these messages will do
    submitting = bindparam(None, SmsState.SUBMITTING, SmsMessage.state.type, literal_execute=True)
    left = select(SmsMessage.id, SmsMessage.units).where(SmsMessage.state == submitting)
    rows = tx.execute(left).all()
    lost = PartOutcome(SmsState.UNKNOWN, reason="送信中に処理が中断しました。")
    for row in rows:
        settle(tx, row.id, "", row.units, [lost], now, office)
    return len(rows)


def _contact(tx: Connection, row: Row[Any], now: datetime, office: Office) -> uuid.UUID:
    """What may have reached the person stands in the negotiation record, and counts towards the caps."""
    contact_id = new_id()
    tx.execute(
        insert(Contact).values(
            id=contact_id, debtor_id=row.debtor_id, area=row.area, channel=Channel.SMS, at=row.submitting_at,
            user_id=row.user_id, number=row.number, answered_by=AnsweredBy.NOBODY, disposition="sms_sent", note=row.body,
            recorded_at=now,
        )
    )  # fmt: skip
    summaries.refresh(tx, [row.debtor_id], office.today(now))
    publish(tx, now, "debtor", row.debtor_id)
    return contact_id


def decide(
    tx: Connection, viewer: Viewer, message_id: uuid.UUID, *, arrived: bool, now: datetime
) -> None:  # fmt: skip
    """A person settles a message whose outcome is unknown. Raises SmsError if it is not (any more)."""
    row = _seen(tx, viewer, message_id)
    viewer.require(Right.RESULT_RECORD, row.area)
    if row.state is not SmsState.UNKNOWN:
        raise SmsError("state", f"このSMSは「{row.state.label}」です。")
    state = SmsState.DELIVERED if arrived else SmsState.FAILED
    _end(tx, row, now, state, f"{viewer.name}が確認しました。")
    tasks.settle_subject(tx, TaskKind.SMS_UNKNOWN, message_id, now, viewer.user_id)
    access_log.append(tx, viewer, now, "sms.decide", debtor_id=row.debtor_id, detail=state.label)


def cancel(tx: Connection, viewer: Viewer, message_id: uuid.UUID, now: datetime) -> None:
    """Take a message back that still waits. Raises SmsError once it is on its way."""
    row = _seen(tx, viewer, message_id)
    viewer.require(Right.SMS, row.area)
    if row.state is not SmsState.QUEUED:
        raise SmsError("state", f"このSMSは「{row.state.label}」のため取り消せません。")
    _end(tx, row, now, SmsState.REFUSED, f"{viewer.name}が取り消しました。")
    access_log.append(tx, viewer, now, "sms.cancel", debtor_id=row.debtor_id, detail=row.number)


def _seen(tx: Connection, viewer: Viewer, message_id: uuid.UUID) -> Row[Any]:
    """A message to somebody whom the viewer may see, locked."""
    row = tx.execute(select(SmsMessage).where(SmsMessage.id == message_id).with_for_update()).one_or_none()
    if row is None or row.area not in debtors.areas_of(tx, viewer, row.debtor_id):
        raise SmsError("no_such_message", "該当するSMSがありません。")
    return row


def _end(tx: Connection, row: Row[Any], now: datetime, state: SmsState, reason: str) -> None:
    _set(tx, row, now, state=state, reason=reason, final_at=now)


def _set(tx: Connection, row: Row[Any], now: datetime, **values: Any) -> None:
    tx.execute(update(SmsMessage).where(SmsMessage.id == row.id).values(**values))
    publish(tx, now, TOPIC, row.debtor_id)
