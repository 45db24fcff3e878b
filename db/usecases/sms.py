"""Sending messages to phones (S3, S4, S6): queued, claimed for sending, and what came of it.

The order that no message goes out twice: the rule of contact is asked and the message is committed (`queue`); the sender asks the
rule again and commits that it is being sent (`claim`), and only then submits. What it hears is written down by `settle`.
Whatever is lost in between is *unknown*, for a person to settle; nothing sends it again. Only what surely did not reach the
carrier is queued again.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Insert,
    Integer,
    Row,
    Select,
    String,
    Update,
    Uuid,
    bindparam,
    case,
    exists,
    insert,
    literal,
    select,
    update,
)

from db.outbox import publish, publish_all, publish_each
from db.rules.eligibility import Decision
from db.rules.sms import ANOTHER_DAY, ANOTHER_HOUR, FINAL, PartOutcome, SmsState, message_state
from db.rules.terms import AnsweredBy, Area, Channel, Right, TaskKind
from db.rules.texts.fields import wanting
from db.rules.texts.lint import LintPolicy, Objection
from db.rules.texts.parts import Allowance, TextError, compose
from db.rules.viewer import Viewer
from db.schema.base import Code, UtcDateTime, new_id
from db.schema.contacts import Contact
from db.schema.people import Phone
from db.schema.sms import SmsMessage
from db.store import access_log, calls, debtors, staff, summaries
from db.store import sms as store
from db.store import sms_batches as batch_store
from db.store.kin import Kin, kin_of_each, try_hold_each
from db.store.many import Given, among
from db.store.office import emergency_stop
from db.usecases import sms_batches, sms_fate, tasks
from db.usecases.eligibility import Target, check_contact, check_each
from db.usecases.office import Office
from db.usecases.sms_fate import Told

TOPIC: Final = sms_fate.TOPIC
WITHHELD: Final = "いまはSMSを送信できません。理由は本人確認のあとに表示されます。"
LOOK_AGAIN: Final = timedelta(minutes=10)
"""So long a message waits that may not go out at this hour, or during an emergency stop."""
TRY_AGAIN: Final = timedelta(seconds=10)
"""So long one waits that no carrier took."""

SAME_AGAIN: Final = timedelta(minutes=10)
"""So soon the same text to the same number is one that was sent twice by mistake."""

LATEST: Final = timedelta(days=31)
"""So far ahead a message may be scheduled: what it says may be wrong later."""

_NOW: Final = bindparam("now", type_=UtcDateTime())


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
    """What the sender needs; nothing of the person but the number and the text. `since`: when it was claimed.

    `turn`: single messages before those of batches, then by the time from which they were due.
    """

    id: uuid.UUID
    number: str
    body: str
    reference: int
    since: datetime
    turn: tuple[bool, datetime]


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
    if _said_just_now(tx, debtor_id, number, text, now):
        raise SmsError("again", "同じ番号に同じ本文のSMSを、すでに登録しています。", field="body")
    decision = check_contact(tx, viewer, Target(debtor_id, area, Channel.SMS, phone_id), now, office)
    later_day = not_before is not None and office.today(not_before) > office.today(now)
    if for_good(decision, later_day=later_day):
        hidden = debtor_id in calls.unproven(tx, viewer)
        said = WITHHELD if hidden else " ".join(reason.text for reason in decision.reasons)
        raise SmsError("contact_refused", said, field="phone_id")
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


def _said_just_now(tx: Connection, debtor_id: int, number: str, text: str, now: datetime) -> bool:
    """Whether it is the same again: a form whose answer was lost is sent twice."""
    same = exists().where(
        SmsMessage.number == number, SmsMessage.queued_at > now - SAME_AGAIN, SmsMessage.debtor_id == debtor_id,
        SmsMessage.body == text, SmsMessage.batch_id.is_(None), SmsMessage.state != SmsState.REFUSED,
    )  # fmt: skip
    return bool(tx.execute(select(same)).scalar_one())


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


def claim(tx: Connection, now: datetime, office: Office, most: int, *, single: bool = False) -> list[ReadyMessage]:
    """Take up to `most` messages whose time has come and that may still go out; they are SUBMITTING once this is committed.

    Single messages first, in the order of their times; then those of batches that run, in their hours and at their pace. Those
    that may not be sent any more are REFUSED with the reason; those that only the hour holds up wait. Of one home, and to one number, only one is taken at a time: the next is
    asked about once that one counts. During an emergency stop everything stays as it is. `single`: nothing of batches.
    """
    if emergency_stop(tx):
        return []
    due_now = due(tx, None, now, most)
    for batch, room in () if single else sms_batches.release(tx, now, office, most - len(due_now)):
        due_now += due(tx, batch.id, now, room)
    of = kin_of_each(tx, {row.debtor_id for row in due_now}) if due_now else {}
    rows = _apart(tx, due_now, of)
    ready: list[Row[Any]] = []
    for user_id in dict.fromkeys(row.user_id for row in rows):
        ready += _decided(tx, user_id, [row for row in rows if row.user_id == user_id], of, now, office)
    if ready:
        tx.execute(_TAKEN, {"ids": [row.id for row in ready], "now": now})
    publish_each(tx, now, TOPIC, [row.debtor_id for row in ready])
    return [
        ReadyMessage(row.id, row.number, row.body, row.reference, now, (row.batch_id is not None, row.not_before))
        for row in ready
    ]


_TAKEN: Final = (
    update(SmsMessage)
    .where(among(SmsMessage.id, "ids"))
    .values(state=SmsState.SUBMITTING, submitting_at=_NOW, reason="")
)


def due(tx: Connection, batch_id: uuid.UUID | None, now: datetime, most: int) -> list[Row[Any]]:
    """Messages whose time has come, locked: of a batch, or single ones. A walk along one index, however many others wait."""
    asked = {"now": now, "most": most} | ({} if batch_id is None else {"of_batch": batch_id})
    return list(tx.execute(due_query(single=batch_id is None), asked).all())


@cache
def due_query(*, single: bool) -> Select[*tuple[Any, ...]]:
    """The question, for single ones or for those of a batch."""
    of_batch = SmsMessage.batch_id.is_(None) if single else SmsMessage.batch_id == bindparam("of_batch")
    # looked up for each that is taken, not joined: PostgreSQL might join everything that waits, and sort it
    number_now = select(Phone.number).where(Phone.id == SmsMessage.phone_id).scalar_subquery()
    return (
        select(
            SmsMessage.id, SmsMessage.debtor_id, SmsMessage.area, SmsMessage.phone_id, SmsMessage.number, SmsMessage.body,
            SmsMessage.reference, SmsMessage.user_id, SmsMessage.batch_id, SmsMessage.not_before,
            number_now.label("number_now"),
        )
        .where(of_batch, SmsMessage.state == SmsState.QUEUED, SmsMessage.not_before <= _NOW)
        # by the batch first, of which there is one: that "none" is one too PostgreSQL does not see, and would sort all that wait
        .order_by(SmsMessage.batch_id, SmsMessage.not_before, SmsMessage.id)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True)
    )  # fmt: skip


def _apart(tx: Connection, rows: Sequence[Row[Any]], of: Mapping[int, Kin]) -> list[Row[Any]]:
    """Those that can be decided on together: no two concern one home or number, nobody else is calling there, and nothing is on its
    way to the number."""
    people: set[int] = set()
    numbers: set[str] = set()
    apart = []
    for row in rows:
        home = of[row.debtor_id].home
        if people.isdisjoint(home) and row.number not in numbers:
            apart.append(row)
        people.update(home)
        numbers.add(row.number)
    held = try_hold_each(tx, [(of[row.debtor_id], row.number) for row in apart])
    under_way = set(tx.execute(_UNDER_WAY, {"numbers": numbers}).scalars())
    return [row for row, is_held in zip(apart, held, strict=True) if is_held and row.number not in under_way]


_UNDER_WAY: Final = select(SmsMessage.number).where(
    among(SmsMessage.number, "numbers"),
    # written out, so that the index of just these messages will do
    SmsMessage.state == bindparam(None, SmsState.SUBMITTING, SmsMessage.state.type, literal_execute=True),
)


def _decided(
    tx: Connection, user_id: int, rows: Sequence[Row[Any]], of: Mapping[int, Kin], now: datetime, office: Office
) -> list[Row[Any]]:
    """Of one user's messages those that may go out now; what becomes of the others is written down."""
    actor = staff.viewer(tx, user_id)
    may = []
    for row in rows:
        if actor is not None and actor.may(Right.SMS, row.area):
            may.append(row)
        else:
            _end(tx, row, now, SmsState.REFUSED, "登録した利用者に送信の権限がなくなりました。")
    if actor is None or not may:
        return []
    targets = [Target(row.debtor_id, row.area, Channel.SMS, row.phone_id) for row in may]
    ready = []
    for row, decision in zip(may, check_each(tx, actor, targets, now, office, of), strict=True):
        if row.number_now == row.number and decision.allowed:
            ready.append(row)
        else:
            _put_off(tx, row, decision, now, office)
    return ready


def _put_off(tx: Connection, row: Row[Any], decision: Decision, now: datetime, office: Office) -> None:
    """Let a message wait for another hour (of a batch, which goes on for days, for another day too), or end it."""
    if decision.allowed:
        _end(tx, row, now, SmsState.REFUSED, "電話番号が変更されています。")
    elif not for_good(decision):
        _set(tx, row, now, not_before=now + LOOK_AGAIN)
    elif row.batch_id is not None and not for_good(decision, later_day=True):
        _set(tx, row, now, not_before=office.day_begins(now) + timedelta(days=1))
    else:
        _end(tx, row, now, SmsState.REFUSED, " ".join(reason.text for reason in decision.reasons))


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of submitting a message of so many parts; `outcomes` end with the first that was not accepted.

    `since`: when it was claimed, so that what is told late of one claim is not taken for another; None for whichever.
    """

    id: uuid.UUID
    route: str
    parts: int
    outcomes: tuple[PartOutcome, ...]
    since: datetime | None = None


def settle(tx: Connection, submitted: Sequence[Submitted], now: datetime, office: Office) -> None:
    """Write down what came of messages, in as many statements as for one.

    A message that is not being sent (any more) is left as it is. What surely did not go out is queued again.
    """
    found = tx.execute(_BEING_SENT, {"ids": [one.id for one in submitted]})
    rows: dict[uuid.UUID, Any] = {row.id: row for row in found}
    open_ = [one for one in submitted if one.id in rows and one.since in {None, rows[one.id].submitting_at}]
    _queue_again(tx, [(one, rows[one.id].number) for one in open_ if one.outcomes[0].state is SmsState.QUEUED], now)
    gone = [one for one in open_ if one.outcomes[0].state is not SmsState.QUEUED]
    if not gone:
        publish_each(tx, now, TOPIC, [rows[one.id].debtor_id for one in open_])
        return
    each = [_all_parts(one) for one in gone]
    sms_fate.add_parts(tx, [(one.id, parts) for one, parts in zip(gone, each, strict=True)], now)
    reached = [rows[one.id] for one in gone if one.outcomes[0].state is not SmsState.FAILED]
    contacts = {row.id: new_id() for row in reached}
    _add_contacts(tx, contacts, {row.debtor_id for row in reached}, now, office)
    whole = [message_state([part.state for part in parts]) for parts in each]
    states = [
        (
            one.id, state, one.route, contacts.get(one.id),
            " ".join(outcome.reason for outcome in one.outcomes if outcome.reason),
        )
        for one, state in zip(gone, whole, strict=True)
    ]  # fmt: skip
    tx.execute(_submitted(tx.dialect.name), {**_SUBMITTED.bound(tx, states), "now": now})
    changed = [(TOPIC, rows[one.id].debtor_id) for one in open_]
    publish_all(tx, now, changed + [("debtor", one) for one in sorted({row.debtor_id for row in reached})])
    for one, state, parts in zip(gone, whole, each, strict=True):
        if state is SmsState.UNKNOWN or any(part.state is SmsState.UNKNOWN for part in parts):
            sms_fate.ask_a_person(tx, rows[one.id].debtor_id, rows[one.id].area, one.id, now)
        for part in parts:
            if part.state is SmsState.FAILED:
                sms_fate.learn_of_number(tx, rows[one.id], part.reason, now)
    told = [
        Told(one.route, one.id, rows[one.id].number, outcome)
        for one in gone
        for outcome in one.outcomes
        if outcome.keys
    ]
    sms_fate.match_early(tx, told, now)


_BEING_SENT: Final = (
    select(SmsMessage.id, SmsMessage.debtor_id, SmsMessage.area, SmsMessage.number, SmsMessage.submitting_at)
    .where(among(SmsMessage.id, "ids"), SmsMessage.state == SmsState.SUBMITTING)
    .with_for_update()
)
_AGAIN: Final = (
    update(SmsMessage.__table__)  # type: ignore[arg-type]
    .where(SmsMessage.__table__.c.id == bindparam("of"))
    .values(state=SmsState.QUEUED, submitting_at=None, reason=bindparam("reason"), not_before=bindparam("not_before"))
)
_LATER: Final = bindparam("later", type_=UtcDateTime())
_BEHIND: Final = (
    update(SmsMessage)
    .where(among(SmsMessage.number, "numbers"), SmsMessage.state == SmsState.QUEUED, SmsMessage.not_before < _LATER)
    .values(not_before=_LATER)
)
_SUBMITTED: Final = Given(
    "outcome", {"id": Uuid(), "state": Code(SmsState), "route": String(), "contact_id": Uuid(), "reason": String()}
)
_MADE: Final = Given("made", {"message_id": Uuid(), "contact_id": Uuid()})


@cache
def _submitted(dialect: str) -> Update:
    given, there = _SUBMITTED.table(dialect).c, _SUBMITTED.one_of(dialect, SmsMessage.id, "id")
    names = ("state", "route", "contact_id", "reason")
    final_at = case((given.state.in_(FINAL), _NOW), else_=None)
    return (
        update(SmsMessage)
        .where(SmsMessage.id == given.id, there)
        .values({"final_at": final_at, **{name: given[name] for name in names}})
    )


def _queue_again(tx: Connection, unsent: Sequence[tuple[Submitted, str]], now: datetime) -> None:
    """Let messages wait that surely did not go out, and with each those that stand behind it to its number: they do not overtake it."""
    later = now + TRY_AGAIN
    values = [{"of": one.id, "reason": one.outcomes[0].reason, "not_before": later} for one, _ in unsent]
    if values:
        tx.execute(_AGAIN, values)
        tx.execute(_BEHIND, {"numbers": {number for _, number in unsent}, "later": later})


def _all_parts(one: Submitted) -> Sequence[PartOutcome]:
    return [*one.outcomes, *([PartOutcome(SmsState.QUEUED)] * (one.parts - len(one.outcomes)))]


def is_due(tx: Connection, now: datetime) -> bool:
    """Whether there is anything that a claim might take."""
    return is_single_due(tx, now) or batch_store.any_running(tx, now)


def is_single_due(tx: Connection, now: datetime) -> bool:
    """Whether there is a single message that a claim might take."""
    single = exists().where(
        SmsMessage.batch_id.is_(None), SmsMessage.state == SmsState.QUEUED, SmsMessage.not_before <= now
    )
    return bool(tx.execute(select(single)).scalar_one())


def put_back(tx: Connection, held: Collection[uuid.UUID], now: datetime) -> None:
    """Queue again what stands as being sent and is not `held` by the one sender there is: it was never submitted.

    For that sender itself, when it cannot know whether its claim was committed.
    """
    for row in tx.execute(_submitting(SmsMessage.id, SmsMessage.debtor_id)).all():
        if row.id not in held:
            _set(tx, row, now, state=SmsState.QUEUED, submitting_at=None)


def recover(tx: Connection, now: datetime, office: Office) -> int:
    """What a sender that is no more was sending is unknown. Call under the sender's lease, before anything is claimed."""
    lost = (PartOutcome(SmsState.UNKNOWN, reason="送信中に処理が中断しました。"),)
    rows = [Submitted(row.id, "", row.units, lost) for row in tx.execute(_submitting(SmsMessage.id, SmsMessage.units))]
    settle(tx, rows, now, office)
    return len(rows)


def _submitting(*columns: Any) -> Select[*tuple[Any, ...]]:
    """Those that are being sent: written out, so that SQLite knows that the index of just these messages will do."""
    submitting = bindparam(None, SmsState.SUBMITTING, SmsMessage.state.type, literal_execute=True)
    return select(*columns).where(SmsMessage.state == submitting)


def _add_contacts(
    tx: Connection, made: Mapping[uuid.UUID, uuid.UUID], people: Collection[int], now: datetime, office: Office
) -> None:
    """What may have reached somebody stands in the negotiation record, and counts towards the caps. `made`: keys of contacts by
    message."""
    if not made:
        return
    tx.execute(_contacts(tx.dialect.name), {**_MADE.bound(tx, list(made.items())), "now": now})
    summaries.refresh_contacts(tx, people, office.today(now))


@cache
def _contacts(dialect: str) -> Insert:
    given, of = _MADE.table(dialect).c, SmsMessage
    values = {
        "id": given.contact_id, "debtor_id": of.debtor_id, "area": of.area, "channel": _constant(Contact.channel, Channel.SMS),
        "at": of.submitting_at, "user_id": of.user_id, "number": of.number,
        "answered_by": _constant(Contact.answered_by, AnsweredBy.NOBODY),
        "disposition": _constant(Contact.disposition, "sms_sent"), "note": of.body,
        "next_step": _constant(Contact.next_step, ""), "recorded_at": _NOW,
    }  # fmt: skip
    there = _MADE.one_of(dialect, of.id, "message_id")
    return insert(Contact).from_select(list(values), select(*values.values()).where(of.id == given.message_id, there))


def _constant(column: Any, value: object) -> BindParameter[Any]:
    return literal(value, column.type)


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
