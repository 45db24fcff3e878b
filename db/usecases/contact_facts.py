"""The facts on which the rule of contact decides (C4), for many targets in as many queries as for one.

What the register does not know stays None, which means no. Money is asked of for the number (宛名番号) at hand; a promise, a payment
or a contact under any number of the person's counts for all of them (名寄せ).
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Date,
    Row,
    Select,
    bindparam,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from db.rules.eligibility import ContactFacts
from db.rules.promises import PromiseOutcome, judge
from db.rules.retry import counts_against_caps
from db.rules.sms import SmsState
from db.rules.telephony import AttemptState
from db.rules.terms import Area, Channel, FlagKind, PhoneKind, PhoneStatus
from db.rules.viewer import Viewer
from db.schema.base import UtcDateTime
from db.schema.calls import Attempt
from db.schema.claims import Installment, Payment
from db.schema.contacts import ORIGINAL, Contact, Promise
from db.schema.people import Flag, Phone
from db.schema.sms import SmsMessage
from db.store import arrears, calls, debtors, freshness, promises, sms
from db.store.calls import Busy
from db.store.kin import Kin, kin_of_each
from db.store.many import among
from db.usecases.office import Office
from db.usecases.policies import rules_of

_STATUSES: Final = tuple(PhoneStatus)
"""From the best to the worst."""
_COUNTED: Final = (Channel.CALL_OUT, Channel.SMS, Channel.VISIT)
_WEEK: Final = timedelta(days=6)
"""The days of a week before today."""

Case: TypeAlias = tuple[int, Area]
"""A person (debtor id) in an area."""
_ON_DAY: Final = bindparam("on_day", type_=Date())
_Time: TypeAlias = tuple[datetime, uuid.UUID | None]
_Phone: TypeAlias = Row[int, int, str, PhoneKind, PhoneStatus, bool]
_Flag: TypeAlias = Row[int, FlagKind, Area | None]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom one wants to reach: a person, in an area, and (for calls and SMS) one number of theirs.

    `attempt_id`: the dial that is being placed for it, which is not in its own way.
    """

    debtor_id: int
    area: Area
    channel: Channel
    phone_id: int | None = None
    attempt_id: uuid.UUID | None = None


def gather(
    tx: Connection,
    actor: Viewer,
    targets: Sequence[Target],
    at: datetime,
    office: Office,
    *,
    deliberate: bool = False,
    known_at: datetime | None = None,
    kin: Mapping[int, Kin] | None = None,
) -> list[ContactFacts]:
    """The facts of each target as the register knows them, in their order.

    `known_at`: the present, where `at` is a later moment. `kin`: who is one with each, where the caller has asked already.
    """
    ids = {target.debtor_id for target in targets}
    of = kin_of_each(tx, ids) if kin is None else {one: kin[one] for one in ids}
    people = {one for kin in of.values() for one in kin.person}
    known = debtors.standings(tx, actor, people)
    phones = _phones(tx, people)
    numbers = {phones.by_id[one.phone_id].number for one in targets if one.phone_id in phones.by_id}
    homes = {one for kin in of.values() for one in kin.home}
    as_of = {one: row.data_as_of for one, row in known.items() if row.closed_on is None}
    debts = _Debts.of(tx, actor, people, {target.area for target in targets}, as_of, office.today(at), office)
    reached = _Reached.of(tx, homes, numbers, office.day_begins(at))
    flags = _flags(tx, people, office.today(at))
    busy = calls.busy(tx, homes, numbers)
    common = _common(tx, actor, {target.area for target in targets}, at, office, deliberate=deliberate)

    mine = {area: {area} & actor.areas() for area in common}

    def of_person(kin: Kin, target: Target) -> dict[str, Any]:
        in_force = _in_force(flags, kin, mine[target.area])
        is_listed = known[target.debtor_id].closed_on is None
        return {
            "flags": in_force,
            "opted_out": (FlagKind.NO_SMS if target.channel is Channel.SMS else FlagKind.NO_CALLS) in in_force,
            "data_age_hours": debts.age_hours(kin, target.area, known_at or at) if is_listed else None,
            "owed": debts.owed.get((target.debtor_id, target.area), 0),
            "promise_in_force": any((one, target.area) in debts.promised for one in kin.person),
            "paid_recently": any((one, target.area) in debts.paid for one in kin.person),
            "contacts_today": reached.today(kin.person, target.attempt_id),
            "contacts_this_week": reached.this_week(kin.person, target.attempt_id),
            "household_today": reached.today(kin.home, target.attempt_id),
            "household_in_call": busy.with_any(kin.others, target.attempt_id),
        }

    def facts_of(target: Target) -> ContactFacts:
        kin = of[target.debtor_id]
        person = known.get(target.debtor_id)
        of_them = of_person(kin, target) if person is not None and person.seen else {}
        of_number = _of_number(target, kin, phones, reached, busy)
        return ContactFacts(channel=target.channel, **common[target.area], **of_them, **of_number)

    return [facts_of(target) for target in targets]


def _common(
    tx: Connection, actor: Viewer, areas: Collection[Area], at: datetime, office: Office, *, deliberate: bool
) -> dict[Area, dict[str, Any]]:
    """What is the same for everybody."""
    in_force, closed = rules_of(tx, areas, office), office.is_closed(office.today(at))
    return {
        area: {
            "area": area, "at": at, "policy": in_force.policies[area], "deliberate": deliberate,
            "actor_contracted": actor.contracted, "closed_day": closed, "emergency_stop": in_force.stopped,
        }
        for area in areas
    }  # fmt: skip


# -- flags and numbers --------------------------------------------------------------------------------------------------------


def _flags(tx: Connection, people: Collection[int], today: date) -> Mapping[int, list[_Flag]]:
    found: defaultdict[int, list[_Flag]] = defaultdict(list)
    for row in tx.execute(_FLAGS, {"people": people, "on_day": today}):
        found[row.debtor_id].append(row)
    return found


_FLAGS: Final = select(Flag.debtor_id, Flag.kind, Flag.area).where(
    among(Flag.debtor_id, "people"),
    or_(Flag.valid_from.is_(None), Flag.valid_from <= _ON_DAY),
    or_(Flag.valid_to.is_(None), Flag.valid_to >= _ON_DAY),
)


def _in_force(flags: Mapping[int, list[_Flag]], kin: Kin, areas: Collection[Area]) -> frozenset[FlagKind]:
    if not flags:
        return frozenset()
    of_person = (row for one in kin.person for row in flags.get(one, ()))
    return frozenset(row.kind for row in of_person if row.area is None or row.area in areas)


@dataclass(frozen=True, slots=True)
class _Phones:
    """`gone`: numbers that a carrier of messages says exist no more; calls learn of their own."""

    by_id: Mapping[int | None, _Phone]
    by_number: Mapping[str, Sequence[_Phone]]
    gone: Collection[str]


def _phones(tx: Connection, people: Collection[int]) -> _Phones:
    rows = tx.execute(_PHONES, {"people": people}).all()
    by_number: defaultdict[str, list[_Phone]] = defaultdict(list)
    for row in rows:
        by_number[row.number].append(row)
    return _Phones({row.id: row for row in rows}, by_number, {row.number for row in rows if row.gone})


_PHONES: Final = select(
    Phone.id, Phone.debtor_id, Phone.number, Phone.kind, Phone.status, sms.is_gone(Phone.number).label("gone")
).where(among(Phone.debtor_id, "people"))


def _of_number(target: Target, kin: Kin, phones: _Phones, reached: "_Reached", busy: Busy) -> dict[str, Any]:
    """What is known of a number under any of the person's own numbers: one 'wrong person' is enough."""
    phone = phones.by_id.get(target.phone_id)
    if phone is None or phone.debtor_id not in kin.person:
        return {}
    is_gone = target.channel is Channel.SMS and phone.number in phones.gone
    same = (row.status for row in phones.by_number[phone.number] if row.debtor_id in kin.person)
    return {
        "number_kind": phone.kind,
        "number_status": PhoneStatus.UNALLOCATED if is_gone else max(same, key=_STATUSES.index),
        "number_today": reached.number_today(phone.number, target.attempt_id),
        "in_call": busy.at(phone.number, target.attempt_id) or busy.with_any(kin.person, target.attempt_id),
    }


# -- money --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Debts:
    """`owed`: principal past due. `promised`: cases with a promise in force. `paid`: those with a payment so recent that
    another may be on its way. `as_of`: how old a person's data are, those whom the core system lists no more left out;
    `money_as_of`: as of when payments of an area are known, where they were ever imported."""

    owed: Mapping[Case, int]
    promised: frozenset[Case]
    paid: frozenset[Case]
    as_of: Mapping[int, datetime]
    money_as_of: Mapping[Area, datetime | None]

    @classmethod
    def of(
        cls, tx: Connection, actor: Viewer, people: Collection[int], areas: Collection[Area],
        as_of: Mapping[int, datetime], today: date, office: Office,
    ) -> "_Debts":  # fmt: skip
        since = today - timedelta(days=office.payment_lag_days)
        found = tx.execute(_MONEY, {"people": people, "areas": areas, "on_day": today, "since": since}).all()
        mine = actor.areas()
        promising = [(row.debtor_id, row.area) for row in found if row.what == _PROMISED]
        return cls(
            owed={(row.debtor_id, row.area): row.owed for row in found if row.what == _OWED and row.area in mine},
            # few have promised anything; only these are looked at one by one
            promised=frozenset(case for case in promising if _is_promised(tx, actor, *case, today, office)),
            paid=frozenset((row.debtor_id, row.area) for row in found if row.what == _PAID),
            as_of=as_of,
            money_as_of={area: freshness.payments_as_of(tx, area) for area in areas},
        )

    def age_hours(self, kin: Kin, area: Area, now: datetime) -> int | None:
        """How old what is known of the person's money is: the oldest data count, as any of them may hide a payment."""
        oldest = min((self.as_of[one] for one in kin.person if one in self.as_of), default=None)
        as_of = self.money_as_of[area] or oldest
        return None if as_of is None else int((now - as_of) / timedelta(hours=1))


_OWED, _PROMISED, _PAID = range(3)
"""What a row of `_MONEY` says of a case."""


def _money() -> CompoundSelect[*tuple[Any, ...]]:
    """What is past due, and who promised or paid something, in one question: each has an index of its own."""

    def of(what: int, table: Any, owed: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
        them = among(table.debtor_id, "people"), among(table.area, "areas")
        return select(literal_column(str(what)).label("what"), table.debtor_id, table.area, owed.label("owed")).where(
            *them
        )

    due = of(_OWED, Installment, func.sum(Installment.outstanding)).where(Installment.due_on < _ON_DAY)
    paid = of(_PAID, Payment, literal_column("0")).where(Payment.reported_on > bindparam("since", type_=Date()))
    return union_all(
        due.group_by(Installment.debtor_id, Installment.area),
        of(_PROMISED, Promise, literal_column("0")).distinct(),
        paid.distinct(),
    )


_MONEY: Final = _money()


def _is_promised(tx: Connection, actor: Viewer, debtor_id: int, area: Area, today: date, office: Office) -> bool:
    rows = promises.of_debtor(tx, actor.within({area}), debtor_id, office.zone)
    # an offer of instalments holds contact like a promise while an officer decides on it
    newest = next((row.promise for row in rows if not row.promise.cancelled), None)
    if newest is None:
        return False
    paid = arrears.paid_since(tx, actor, debtor_id, area, newest.made_on)
    outcome = judge(newest, paid, today, office.grace_days, office.is_closed).outcome
    return outcome in {PromiseOutcome.PENDING, PromiseOutcome.PARTLY}


# -- who was reached ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reached:
    """When people, and numbers whoever's they are, were disturbed within a week, and by which dial if by one: contacts
    recorded, dials whose result is still to be recorded, and messages on their way (one that was sent is recorded)."""

    day: datetime
    people: Mapping[int, list[_Time]]
    numbers: Mapping[str, list[_Time]]

    @classmethod
    def of(cls, tx: Connection, people: Collection[int], numbers: Collection[str], day: datetime) -> "_Reached":
        by_person: defaultdict[int, list[_Time]] = defaultdict(list)
        by_number: defaultdict[str, list[_Time]] = defaultdict(list)
        asked = {"people": people, "week": day - _WEEK, "numbers": numbers, "day": day}
        for row in tx.execute(_DISTURBED, asked):
            if row.what == _DIALLED and not _disturbs(row):
                continue
            if row.of_number:
                by_number[row.number].append((row.at, row.id))
            else:
                by_person[row.debtor_id].append((row.at, row.id))
        return cls(day, by_person, by_number)

    def today(self, people: Sequence[int], but_not: uuid.UUID | None) -> int:
        return sum(at >= self.day and _other(by, but_not) for at, by in self._of(people))

    def this_week(self, people: Sequence[int], but_not: uuid.UUID | None) -> int:
        return sum(_other(by, but_not) for _, by in self._of(people))

    def number_today(self, number: str, but_not: uuid.UUID | None) -> int:
        return sum(_other(by, but_not) for _, by in self.numbers.get(number, ()))

    def _of(self, people: Sequence[int]) -> Iterator[_Time]:
        return (time for one in people for time in self.people.get(one, ()))


def _other(by: uuid.UUID | None, but_not: uuid.UUID | None) -> bool:
    return by is None or by != but_not


def _disturbs(dial: Row[Any]) -> bool:
    return dial.result is None or counts_against_caps(dial.result, rang=dial.ringing_at is not None)


_DIALLED, _RECORDED, _SENDING = range(3)
"""What a row of `_DISTURBED` tells of."""


def _disturbing(of_number: int, whom: str, since: str) -> Iterator[Select[*tuple[Any, ...]]]:
    """What disturbs some people, or some numbers (`of_number`), since a moment: the names under which these are bound."""
    begin = bindparam(since, type_=UtcDateTime())

    def told(what: int, table: Any, at: Any, dial: Sequence[Any]) -> Select[*tuple[Any, ...]]:
        """`dial`: its id, result and when it rang, for what is no dial nothing."""
        which: list[ColumnElement[int]] = [
            literal_column(str(what)).label("what"), literal_column(str(of_number)).label("of_number")
        ]  # fmt: skip
        names = ("debtor_id", "number", "at", "id", "result", "ringing_at")
        columns = (table.debtor_id, table.number, at, *dial)
        named = (column.label(name) for name, column in zip(names, columns, strict=True))
        column = table.number if of_number else table.debtor_id
        return select(*which, *named).where(among(column, whom), at >= begin)

    nothing = (null(), null(), null())
    yield told(_DIALLED, Attempt, Attempt.prepared_at, (Attempt.id, Attempt.result, Attempt.ringing_at)).where(
        Attempt.state != AttemptState.REFUSED,
        ~exists().where(Contact.call_id == Attempt.id),
        ~exists().where(Contact.id == Attempt.id),  # what the system itself noted of a campaign's dial
    )
    yield told(_RECORDED, Contact, Contact.at, nothing).where(
        Contact.channel.in_(_COUNTED),
        ORIGINAL,
        Contact.disposition != "trunk_fault",
    )
    yield told(_SENDING, SmsMessage, SmsMessage.submitting_at, nothing).where(SmsMessage.state == SmsState.SUBMITTING)


_DISTURBED: Final = union_all(*_disturbing(0, "people", "week"), *_disturbing(1, "numbers", "day"))
"""One question of six parts, and not two with "or": each has its index. The first names the types of all."""
