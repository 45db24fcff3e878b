"""What comes back of messages (S4, S5): receipts, answers that came late, and replies.

Everything here may come twice, late, or before its time, and says so to nobody: what is known already changes nothing.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, exists, insert, select, update

from db.outbox import publish
from db.rules.sms import BEFORE, FINAL, NUMBER_GONE, PartOutcome, SmsState, is_opt_out, message_state
from db.rules.terms import Area, TaskKind
from db.rules.viewer import system_viewer
from db.schema.base import new_id
from db.schema.people import Phone
from db.schema.sms import SmsMessage, SmsPart, SmsReceipt, SmsReply
from db.store import access_log, sms
from db.usecases import sms_consent, task_rules, tasks
from db.usecases.office import Office

TOPIC: Final = "sms"
SAME_REPLY: Final = timedelta(minutes=10)
"""A reply that comes again within this time is one that the carrier did not know to be stored."""

_CARRIER: Final = system_viewer("sms")


def receipt(
    tx: Connection, route: str, carrier_id: str, keys: Sequence[str], number: str, state: SmsState, reason: str,
    now: datetime,
) -> bool:  # fmt: skip
    """Take a receipt for `number` (E.164). `keys`: how its id may have been told before, likeliest first.

    Two carriers' ids, or one id in two spellings, may be the same: it is the one that went to that number. Returns whether the
    message is known; if not, the receipt waits for the carrier's answer.
    """
    same = (
        select(SmsReceipt.id, SmsReceipt.message_id)
        .where(SmsReceipt.id_key == keys[0], SmsReceipt.number == number)
        .where(SmsReceipt.route == route, SmsReceipt.state == state)
    )
    known = tx.execute(same.limit(1)).one_or_none()
    if known is not None and known.message_id is not None:
        return True
    part = _part_of(tx, route, keys, number)
    if known is not None:
        if part is not None:
            tx.execute(update(SmsReceipt).where(SmsReceipt.id == known.id).values(message_id=part[0]))
            _move(tx, *part, state, reason, now)
        return part is not None
    tx.execute(
        insert(SmsReceipt).values(
            id=new_id(), route=route, carrier_id=carrier_id, id_key=keys[0], number=number, state=state, reason=reason,
            received_at=now, message_id=part[0] if part else None,
        )
    )  # fmt: skip
    if part is None:
        return False
    _move(tx, *part, state, reason, now)
    return True


def _part_of(tx: Connection, route: str, keys: Sequence[str], number: str) -> tuple[uuid.UUID, int] | None:
    query = (
        select(SmsPart.message_id, SmsPart.number, SmsPart.id_key)
        .join(SmsMessage, SmsMessage.id == SmsPart.message_id)
        .where(SmsPart.id_key.in_(keys), SmsMessage.number == number, SmsMessage.route == route)
        .order_by(SmsPart.submitted_at.desc())
    )
    found = sorted(tx.execute(query).all(), key=lambda row: keys.index(row.id_key))
    return (found[0].message_id, found[0].number) if found else None


@dataclass(frozen=True, slots=True)
class Told:
    """What the carrier of a route said of a part of a message to a number."""

    route: str
    message_id: uuid.UUID
    number: str
    outcome: PartOutcome


@dataclass(frozen=True, slots=True)
class Unheard:
    """A part that a carrier accepted and of which nothing final was heard."""

    message_id: uuid.UUID
    number: str
    carrier_id: str


def unheard_of(tx: Connection, route: str, before: datetime, after: datetime, most: int) -> list[Unheard]:
    """Parts submitted before one moment and after another of which nothing final is known, the oldest first."""
    query = (
        select(SmsMessage.id, SmsMessage.number, SmsPart.carrier_id)
        .join(SmsPart, SmsPart.message_id == SmsMessage.id)
        .where(SmsMessage.submitting_at < before, SmsMessage.submitting_at >= after, SmsMessage.route == route)
        .where(SmsPart.state.in_((SmsState.ACCEPTED, SmsState.UNKNOWN)), SmsPart.carrier_id != "")
        .order_by(SmsMessage.submitting_at, SmsPart.number)
        .limit(most)
    )
    return [Unheard(row.id, row.number, row.carrier_id) for row in tx.execute(query)]


def match_early(tx: Connection, told: Sequence[Told], now: datetime) -> None:
    """A receipt may have come before the answer that names the part."""
    by_key = {(one.route, one.number, key): one for one in told for key in one.outcome.keys}
    if not by_key:
        return
    waiting = (
        select(
            SmsReceipt.id, SmsReceipt.route, SmsReceipt.number, SmsReceipt.id_key, SmsReceipt.state, SmsReceipt.reason
        )
        .where(SmsReceipt.id_key.in_({key for _, _, key in by_key}), SmsReceipt.message_id.is_(None))
        .order_by(SmsReceipt.received_at)
    )
    for row in tx.execute(waiting).all():
        if one := by_key.get((row.route, row.number, row.id_key)):
            part = (
                select(SmsPart.number)
                .where(SmsPart.message_id == one.message_id, SmsPart.id_key == one.outcome.keys[0])
                .order_by(SmsPart.number)
                .limit(1)  # a carrier may give two parts one id
            )
            tx.execute(update(SmsReceipt).where(SmsReceipt.id == row.id).values(message_id=one.message_id))
            _move(tx, one.message_id, tx.execute(part).scalar_one(), row.state, row.reason, now)


def answered_late(tx: Connection, message_id: uuid.UUID, part: int, outcome: PartOutcome, now: datetime) -> None:
    """The carrier's answer to a part of which it was already said that its outcome is unknown."""
    known = select(SmsMessage.number, SmsMessage.route, SmsPart.state).join(
        SmsPart, SmsPart.message_id == SmsMessage.id
    )
    row = tx.execute(known.where(SmsMessage.id == message_id, SmsPart.number == part).with_for_update()).one_or_none()
    if row is None or row.state is not SmsState.UNKNOWN or outcome.state not in BEFORE:
        return
    named = update(SmsPart).where(SmsPart.message_id == message_id, SmsPart.number == part)
    tx.execute(named.values(carrier_id=outcome.carrier_id, id_key=outcome.keys[0] if outcome.keys else ""))
    _move(tx, message_id, part, outcome.state, outcome.reason, now)
    match_early(tx, [Told(row.route, message_id, row.number, outcome)], now)


def _move(tx: Connection, message_id: uuid.UUID, part: int, state: SmsState, reason: str, now: datetime) -> None:
    """Move a part forward, and its message with it."""
    message = tx.execute(select(SmsMessage).where(SmsMessage.id == message_id).with_for_update()).one()
    moved = update(SmsPart).where(
        SmsPart.message_id == message_id, SmsPart.number == part, SmsPart.state.in_(BEFORE.get(state, frozenset()))
    )
    values = {"state": state, "reason": reason, "final_at": now if state in FINAL else None}
    if tx.execute(moved.values(**values)).rowcount != 1:
        return
    states = tx.execute(select(SmsPart.state).where(SmsPart.message_id == message_id)).scalars().all()
    whole = message_state(states)
    if whole is message.state or message.state in FINAL:
        return
    changed = update(SmsMessage).where(SmsMessage.id == message_id)
    tx.execute(changed.values(state=whole, reason=reason, final_at=now if whole in FINAL else None))
    if whole is SmsState.UNKNOWN:
        ask_a_person(tx, message.debtor_id, message.area, message_id, now)
    else:
        tasks.settle_subject(tx, TaskKind.SMS_UNKNOWN, message_id, now, None)
    if whole is SmsState.FAILED and SmsState.DELIVERED not in states:
        learn_of_number(tx, message, reason, now)
    publish(tx, now, TOPIC, message.debtor_id)


def learn_of_number(tx: Connection, message: Row[Any], reason: str, now: datetime) -> None:
    """A carrier that says a number exists no more is believed: nothing more is sent there, and another has to be found."""
    if reason not in NUMBER_GONE:
        return
    sms.mark_gone(tx, message.number, reason, message.id, now)
    what = "SMSの宛先として存在しない番号"
    task_rules.number_failed(tx, message.debtor_id, message.area, message.id, message.number, what, now)


def ask_a_person(tx: Connection, debtor_id: int, area: Area, message_id: uuid.UUID, now: datetime) -> None:
    """What became of a message cannot be known: somebody decides, nothing is sent again."""
    note = "SMSが届いたか確認できません。自動では再送しません。"
    tasks.raise_task(tx, TaskKind.SMS_UNKNOWN, debtor_id, area, message_id, now, note)


def reply(tx: Connection, route: str, number: str, text: str, now: datetime, office: Office) -> bool:
    """Take a message that came from `number` (E.164): it belongs to whoever was written to there last.

    A word that refuses further messages is obeyed at once; anything else is shown to whom the case is assigned. False if
    it is one that was taken already.
    """
    again = exists().where(SmsReply.number == number, SmsReply.body == text, SmsReply.received_at > now - SAME_REPLY)
    if tx.execute(select(again)).scalar_one():
        return False
    last = (
        select(SmsMessage.id, SmsMessage.debtor_id, SmsMessage.area)
        .where(SmsMessage.number == number, SmsMessage.submitting_at.is_not(None))
        .order_by(SmsMessage.submitting_at.desc())
        .limit(1)
    )
    to = tx.execute(last).one_or_none()
    opted_out = is_opt_out(text)
    reply_id = new_id()
    tx.execute(
        insert(SmsReply).values(
            id=reply_id, route=route, number=number, body=text, received_at=now, opted_out=opted_out,
            debtor_id=to.debtor_id if to else None, area=to.area if to else None, message_id=to.id if to else None,
        )
    )  # fmt: skip
    if to is not None and opted_out:
        _opt_out(tx, to.debtor_id, number, now, office)
    elif to is not None:
        tasks.raise_task(tx, TaskKind.SMS_REPLY, to.debtor_id, to.area, reply_id, now, "SMSに返信がありました。")
    publish(tx, now, TOPIC, to.debtor_id if to is not None else "")
    return True


def _opt_out(tx: Connection, debtor_id: int, number: str, now: datetime, office: Office) -> None:
    """For the person written to, and for everybody else who has that number: it is whoever holds the phone who wants no more."""
    also = select(Phone.debtor_id).where(Phone.number == number, Phone.debtor_id != debtor_id)
    for one in (debtor_id, *sorted(set(tx.execute(also).scalars()))):
        sms_consent.write(tx, one, "SMSの返信による停止の申出", now, office)
        access_log.append(tx, _CARRIER, now, "sms.opt_out", debtor_id=one)
