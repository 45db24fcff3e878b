"""What comes back of messages (S4, S5): receipts, answers that came late, and replies.

Everything here may come twice, late, or before its time, and says so to nobody: what is known already changes nothing.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Row,
    String,
    Update,
    Uuid,
    bindparam,
    case,
    exists,
    insert,
    select,
    update,
)

from db.outbox import publish, publish_each
from db.rules.sms import BEFORE, FINAL, PartOutcome, SmsState, is_gone, is_opt_out, message_state
from db.rules.terms import Area, TaskKind
from db.rules.viewer import system_viewer
from db.schema.base import Code, UtcDateTime, new_id
from db.schema.people import Phone
from db.schema.sms import SmsMessage, SmsPart, SmsReceipt, SmsReply
from db.store import access_log, sms
from db.store.many import Given, among
from db.usecases import sms_consent, task_rules, tasks
from db.usecases.office import Office

TOPIC: Final = "sms"
SAME_REPLY: Final = timedelta(minutes=10)
"""A reply that comes again within this time is one that the carrier did not know to be stored."""

_CARRIER: Final = system_viewer("sms")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a carrier says of a part that went to `number` (E.164). `keys`: how its id may have been told before, likeliest first.

    Two carriers' ids, or one id in two spellings, may be the same: it is the one that went to that number.
    """

    carrier_id: str
    keys: Sequence[str]
    number: str
    state: SmsState
    reason: str


def receipts(tx: Connection, route: str, said: Sequence[Receipt], now: datetime) -> list[bool]:
    """Take receipts of a route, in as many statements as for one, and each as if the ones before it had been taken.

    Returns of each whether its message is known; one whose message is not waits for the carrier's answer.
    """
    known = _known(tx, route, said)
    part_of = _parts_of(tx, route, said)
    new: list[tuple[Any, ...]] = []
    found: dict[uuid.UUID, uuid.UUID] = {}
    moves: list[Move] = []
    matched = []
    for one in said:
        key = (one.keys[0], one.number, one.state)
        receipt_id, message_id = known.get(key, (None, None))
        if message_id is None and (part := part_of(one)) is not None:
            message_id = part[0]
            moves.append(Move(*part, one.state, one.reason))
            if receipt_id is not None:
                found[receipt_id] = message_id
        if receipt_id is None:
            receipt_id = new_id()
            new.append((receipt_id, one.carrier_id, *key, one.reason, message_id))
        known[key] = receipt_id, message_id
        matched.append(message_id is not None)
    if new:
        tx.execute(_insert_receipts(tx.dialect.name), {**_RECEIPTS.bound(tx, new), "route": route, "now": now})
    _name_messages(tx, found)
    _move(tx, moves, now)
    return matched


_Known: TypeAlias = dict[tuple[str, str, SmsState], tuple[uuid.UUID | None, uuid.UUID | None]]


def _known(tx: Connection, route: str, said: Sequence[Receipt]) -> _Known:
    """Receipts that are stored already, by what they say: their keys, and whose they are."""
    rows = tx.execute(_STORED, {"keys": {one.keys[0] for one in said}, "route": route})
    return {(row.id_key, row.number, row.state): (row.id, row.message_id) for row in rows}


def _parts_of(
    tx: Connection, route: str, said: Sequence[Receipt]
) -> Callable[[Receipt], tuple[uuid.UUID, int] | None]:  # fmt: skip
    """Whose part a receipt tells of: of those with its id and number the likeliest spelling's, and of these the newest."""
    newest: dict[tuple[str, str], tuple[uuid.UUID, int]] = {}
    for row in tx.execute(_CANDIDATES, {"keys": {key for one in said for key in one.keys}, "route": route}):
        newest.setdefault((row.id_key, row.to), (row.message_id, row.number))
    return lambda one: next((newest[key, one.number] for key in one.keys if (key, one.number) in newest), None)


_ROUTE: Final = bindparam("route", type_=String())
_NOW: Final = bindparam("now", type_=UtcDateTime())
_STORED: Final = (
    select(SmsReceipt.id, SmsReceipt.message_id, SmsReceipt.id_key, SmsReceipt.number, SmsReceipt.state)
    .where(among(SmsReceipt.id_key, "keys"), SmsReceipt.route == _ROUTE)
    .order_by(SmsReceipt.message_id.is_not(None))  # one whose message is known comes last, and stays
)
_CANDIDATES: Final = (
    select(SmsPart.message_id, SmsPart.number, SmsPart.id_key, SmsMessage.number.label("to"))
    .join(SmsMessage, SmsMessage.id == SmsPart.message_id)
    .where(among(SmsPart.id_key, "keys"), SmsMessage.route == _ROUTE)
    .order_by(SmsPart.submitted_at.desc(), SmsPart.number)
)
_RECEIPTS: Final = Given(
    "receipt",
    {
        "id": Uuid(), "carrier_id": String(), "id_key": String(), "number": String(), "state": Code(SmsState),
        "reason": String(), "message_id": Uuid(),
    },
)  # fmt: skip


@cache
def _insert_receipts(dialect: str) -> Insert:
    given = _RECEIPTS.table(dialect).c
    rows = select(*(given[name] for name in _RECEIPTS.columns), _ROUTE, _NOW)
    return insert(SmsReceipt).from_select([*_RECEIPTS.columns, "route", "received_at"], rows)


_NAMED: Final = Given("named", {"id": Uuid(), "message_id": Uuid()})


def _name_messages(tx: Connection, found: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Note of receipts whose they are."""
    if found:
        tx.execute(_receipt_messages(tx.dialect.name), _NAMED.bound(tx, list(found.items())))


@cache
def _receipt_messages(dialect: str) -> Update:
    given = _NAMED.table(dialect).c
    return update(SmsReceipt).where(SmsReceipt.id == given.id).values(message_id=given.message_id)


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
    asked = {"route": route, "before": before, "after": after, "most": most}
    return [Unheard(row.id, row.number, row.carrier_id) for row in tx.execute(UNHEARD, asked)]


_OPEN: Final = bindparam(
    None, (SmsState.ACCEPTED, SmsState.UNKNOWN), SmsPart.state.type, expanding=True, literal_execute=True
)
"""Written out, so that SQLite knows that the index of just these parts will do."""
UNHEARD: Final = (
    select(SmsMessage.id, SmsMessage.number, SmsPart.carrier_id)
    .join(SmsPart, SmsPart.message_id == SmsMessage.id)
    .where(SmsPart.submitted_at < bindparam("before"), SmsPart.submitted_at >= bindparam("after"))
    .where(SmsPart.state.in_(_OPEN), SmsPart.carrier_id != "", SmsMessage.route == _ROUTE)
    .order_by(SmsPart.submitted_at, SmsPart.number)
    .limit(bindparam("most", type_=Integer()))
)


def add_parts(
    tx: Connection, submitted: Sequence[tuple[uuid.UUID, Sequence[PartOutcome]]], now: datetime
) -> None:  # fmt: skip
    """Write down what became of the parts of messages that were submitted."""
    rows = [
        (message_id, number, part.state, part.carrier_id, part.keys[0] if part.keys else "", part.reason)
        for message_id, parts in submitted
        for number, part in enumerate(parts, 1)
    ]
    tx.execute(_insert_parts(tx.dialect.name), {**_PARTS.bound(tx, rows), "now": now})


_PARTS: Final = Given(
    "part",
    {
        "message_id": Uuid(), "number": Integer(), "state": Code(SmsState), "carrier_id": String(), "id_key": String(),
        "reason": String(),
    },
)  # fmt: skip


@cache
def _insert_parts(dialect: str) -> Insert:
    given = _PARTS.table(dialect).c
    rows = select(*(given[name] for name in _PARTS.columns), _NOW, _final_at(given.state))
    return insert(SmsPart).from_select([*_PARTS.columns, "submitted_at", "final_at"], rows)


def match_early(tx: Connection, told: Sequence[Told], now: datetime) -> None:
    """A receipt may have come before the answer that names the part."""
    by_key = {(one.route, one.number, key): one for one in told for key in one.outcome.keys}
    if not by_key:
        return
    waiting = [
        (row, by_key[row.route, row.number, row.id_key])
        for row in tx.execute(_WAITING, {"keys": {key for _, _, key in by_key}})
        if (row.route, row.number, row.id_key) in by_key
    ]
    if not waiting:
        return
    numbers: dict[tuple[uuid.UUID, str], int] = {}
    for part in tx.execute(_PARTS_OF, {"ids": {one.message_id for _, one in waiting}}):
        numbers.setdefault((part.message_id, part.id_key), part.number)  # a carrier may give two parts one id
    _name_messages(tx, {row.id: one.message_id for row, one in waiting})
    moves = [
        Move(one.message_id, numbers[one.message_id, one.outcome.keys[0]], row.state, row.reason)
        for row, one in waiting
    ]
    _move(tx, moves, now)


_WAITING: Final = (
    select(SmsReceipt.id, SmsReceipt.route, SmsReceipt.number, SmsReceipt.id_key, SmsReceipt.state, SmsReceipt.reason)
    .where(among(SmsReceipt.id_key, "keys"), SmsReceipt.message_id.is_(None))
    .order_by(SmsReceipt.received_at)
)


_PARTS_OF: Final = (
    select(SmsPart.message_id, SmsPart.number, SmsPart.id_key, SmsPart.state)
    .where(among(SmsPart.message_id, "ids"))
    .order_by(SmsPart.message_id, SmsPart.number)
)


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
    _move(tx, [Move(message_id, part, outcome.state, outcome.reason)], now)
    match_early(tx, [Told(row.route, message_id, row.number, outcome)], now)


@dataclass(frozen=True, slots=True)
class Move:
    """A part that came into a state."""

    message_id: uuid.UUID
    part: int
    state: SmsState
    reason: str


def _move(tx: Connection, moves: Sequence[Move], now: datetime) -> None:
    """Move parts forward, one after the other, and their messages with them."""
    if not moves:
        return
    ids = {"ids": {move.message_id for move in moves}}
    messages: dict[uuid.UUID, Any] = {row.id: row for row in tx.execute(_LOCKED, ids)}
    states: defaultdict[uuid.UUID, dict[int, SmsState]] = defaultdict(dict)
    for row in tx.execute(_PARTS_OF, ids):
        states[row.message_id][row.number] = row.state
    parts: dict[tuple[uuid.UUID, int], Move] = {}
    moved: dict[uuid.UUID, tuple[SmsState, str]] = {}
    for move in moves:
        of_message = states[move.message_id]
        if of_message.get(move.part) not in BEFORE.get(move.state, frozenset()):
            continue
        of_message[move.part] = move.state
        parts[move.message_id, move.part] = move
        before, _ = moved.get(move.message_id, (messages[move.message_id].state, ""))
        whole = message_state(list(of_message.values()))
        if whole is not before and before not in FINAL:
            moved[move.message_id] = whole, move.reason
    if parts:
        rows = [(move.message_id, move.part, move.state, move.reason) for move in parts.values()]
        tx.execute(_move_parts(tx.dialect.name), {**_MOVED_PARTS.bound(tx, rows), "now": now})
    changed = {one: to for one, to in moved.items() if to[0] is not messages[one].state}
    if changed:
        whole_rows = [(one, state, reason) for one, (state, reason) in changed.items()]
        tx.execute(_move_messages(tx.dialect.name), {**_MOVED.bound(tx, whole_rows), "now": now})
        _follow(tx, [(messages[one], *to) for one, to in changed.items()], states, now)


def _follow(
    tx: Connection, changed: Sequence[tuple[Any, SmsState, str]], parts: Mapping[uuid.UUID, Mapping[int, SmsState]],
    now: datetime,
) -> None:  # fmt: skip
    """What follows from the new states of messages."""
    settled = [message.id for message, state, _ in changed if state is not SmsState.UNKNOWN]
    tasks.settle_subjects(tx, TaskKind.SMS_UNKNOWN, settled, now, None)
    for message, state, reason in changed:
        if state is SmsState.UNKNOWN:
            ask_a_person(tx, message.debtor_id, message.area, message.id, now)
        elif state is SmsState.FAILED and SmsState.DELIVERED not in parts[message.id].values():
            learn_of_number(tx, message, reason, now)
    publish_each(tx, now, TOPIC, [message.debtor_id for message, _, _ in changed])


_LOCKED: Final = (
    select(SmsMessage.id, SmsMessage.debtor_id, SmsMessage.area, SmsMessage.number, SmsMessage.state)
    .where(among(SmsMessage.id, "ids"))
    .with_for_update()
)
_MOVED: Final = Given("moved", {"id": Uuid(), "state": Code(SmsState), "reason": String()})
_MOVED_PARTS: Final = Given(
    "moved", {"message_id": Uuid(), "number": Integer(), "state": Code(SmsState), "reason": String()}
)


@cache
def _move_parts(dialect: str) -> Update:
    given = _MOVED_PARTS.table(dialect).c
    there = _MOVED_PARTS.one_of(dialect, SmsPart.message_id, "message_id")
    same = (SmsPart.message_id == given.message_id, SmsPart.number == given.number, there)
    return update(SmsPart).where(*same).values(state=given.state, reason=given.reason, final_at=_final_at(given.state))


@cache
def _move_messages(dialect: str) -> Update:
    given = _MOVED.table(dialect).c
    moved = update(SmsMessage).where(SmsMessage.id == given.id, _MOVED.one_of(dialect, SmsMessage.id, "id"))
    return moved.values(state=given.state, reason=given.reason, final_at=_final_at(given.state))


def _final_at(state: ColumnElement[SmsState]) -> ColumnElement[Any]:
    return case((state.in_(FINAL), _NOW), else_=None)


def learn_of_number(tx: Connection, message: Row[Any], reason: str, now: datetime) -> None:
    """A carrier that says a number exists no more is believed: nothing more is sent there, and another has to be found."""
    if not is_gone(reason):
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
