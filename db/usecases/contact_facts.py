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

from sqlalchemy import Connection, Date, Row, Select, bindparam, exists, func, or_, select

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
from db.schema.contacts import Contact, Promise
from db.schema.people import Debtor, Flag, Phone
from db.schema.sms import SmsMessage
from db.store import arrears, calls, debtors, freshness, promises, sms
from db.store.calls import Busy
from db.store.kin import Kin, kin_of_each
from db.store.many import among
from db.store.office import emergency_stop
from db.usecases.office import Office
from db.usecases.policies import policy_of

_STATUSES: Final = tuple(PhoneStatus)
"""From the best to the worst."""
_COUNTED: Final = (Channel.CALL_OUT, Channel.SMS, Channel.VISIT)
_WEEK: Final = timedelta(days=6)
"""The days of a week before today."""

Case: TypeAlias = tuple[int, Area]
"""A person (debtor id) in an area."""
_ON_DAY: Final = bindparam("on_day", type_=Date())
_Phone: TypeAlias = Row[int, int, str, PhoneKind, PhoneStatus]
_Flag: TypeAlias = Row[int, FlagKind, Area | None]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom one wants to reach: a person, in an area, and (for calls and SMS) one number of theirs."""

    debtor_id: int
    area: Area
    channel: Channel
    phone_id: int | None = None


def gather(
    tx: Connection,
    actor: Viewer,
    targets: Sequence[Target],
    at: datetime,
    office: Office,
    *,
    deliberate: bool = False,
    but_not: uuid.UUID | None = None,
    known_at: datetime | None = None,
    kin: Mapping[int, Kin] | None = None,
) -> list[ContactFacts]:
    """The facts of each target as the register knows them, in their order.

    `but_not`: the attempt being placed, which is not in its own way. `known_at`: the present, where `at` is a later moment.
    `kin`: who is one with each, where the caller has asked already.
    """
    ids = {target.debtor_id for target in targets}
    of = kin_of_each(tx, ids) if kin is None else {one: kin[one] for one in ids}
    people = {one for kin in of.values() for one in kin.person}
    closed_on = debtors.closed_days(tx, actor, list(of))
    phones = _phones(tx, people)
    numbers = {phones.by_id[one.phone_id].number for one in targets if one.phone_id in phones.by_id}
    homes = {one for kin in of.values() for one in kin.home}
    debts = _Debts.of(tx, actor, of, {target.area for target in targets}, office.today(at), office)
    reached = _Reached.of(tx, homes, numbers, office.day_begins(at), but_not)
    flags = _flags(tx, people, office.today(at))
    busy = calls.busy(tx, homes, numbers, but_not)
    common = _common(tx, actor, {target.area for target in targets}, at, office, deliberate=deliberate)

    mine = {area: {area} & actor.areas() for area in common}

    def of_person(kin: Kin, target: Target) -> dict[str, Any]:
        in_force = _in_force(flags, kin, mine[target.area])
        is_listed = closed_on[target.debtor_id] is None
        return {
            "flags": in_force,
            "opted_out": (FlagKind.NO_SMS if target.channel is Channel.SMS else FlagKind.NO_CALLS) in in_force,
            "data_age_hours": debts.age_hours(kin, target.area, known_at or at) if is_listed else None,
            "owed": debts.owed.get((target.debtor_id, target.area), 0),
            "promise_in_force": any((one, target.area) in debts.promised for one in kin.person),
            "paid_recently": any((one, target.area) in debts.paid for one in kin.person),
            "contacts_today": reached.today(kin.person),
            "contacts_this_week": reached.this_week(kin.person),
            "household_today": reached.today(kin.home),
            "household_in_call": not busy.people.isdisjoint(kin.others),
        }

    def facts_of(target: Target) -> ContactFacts:
        kin = of[target.debtor_id]
        known = of_person(kin, target) if target.debtor_id in closed_on else {}
        of_number = _of_number(target, kin, phones, reached, busy)
        return ContactFacts(channel=target.channel, **common[target.area], **known, **of_number)

    return [facts_of(target) for target in targets]


def _common(
    tx: Connection, actor: Viewer, areas: Collection[Area], at: datetime, office: Office, *, deliberate: bool
) -> dict[Area, dict[str, Any]]:
    """What is the same for everybody."""
    stopped, closed = emergency_stop(tx), office.is_closed(office.today(at))
    return {
        area: {
            "area": area, "at": at, "policy": policy_of(tx, area, office), "deliberate": deliberate,
            "actor_contracted": actor.contracted, "closed_day": closed, "emergency_stop": stopped,
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
    return _Phones({row.id: row for row in rows}, by_number, sms.gone(tx, by_number))


_PHONES: Final = select(Phone.id, Phone.debtor_id, Phone.number, Phone.kind, Phone.status).where(
    among(Phone.debtor_id, "people")
)


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
        "number_today": reached.number_today(phone.number),
        "in_call": phone.number in busy.numbers or not busy.people.isdisjoint(kin.person),
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
        cls, tx: Connection, actor: Viewer, of: Mapping[int, Kin], areas: Collection[Area], today: date, office: Office
    ) -> "_Debts":
        people = {one for kin in of.values() for one in kin.person}
        paid = {"people": people, "areas": areas, "since": today - timedelta(days=office.payment_lag_days)}
        return cls(
            owed=_owed(tx, of, set(areas) & set(actor.areas()), today),
            promised=frozenset(_promised(tx, actor, people, areas, today, office)),
            paid=frozenset((row.debtor_id, row.area) for row in tx.execute(_PAID, paid)),
            as_of={row.id: row.data_as_of for row in tx.execute(_AS_OF, {"people": people})},
            money_as_of={area: freshness.payments_as_of(tx, area) for area in areas},
        )

    def age_hours(self, kin: Kin, area: Area, now: datetime) -> int | None:
        """How old what is known of the person's money is: the oldest data count, as any of them may hide a payment."""
        oldest = min((self.as_of[one] for one in kin.person if one in self.as_of), default=None)
        as_of = self.money_as_of[area] or oldest
        return None if as_of is None else int((now - as_of) / timedelta(hours=1))


_PAID: Final = (
    select(Payment.debtor_id, Payment.area)
    .where(among(Payment.debtor_id, "people"), among(Payment.area, "areas"))
    .where(Payment.reported_on > bindparam("since", type_=Date()))
    .distinct()
)
_AS_OF: Final = select(Debtor.id, Debtor.data_as_of).where(among(Debtor.id, "people"), Debtor.closed_on.is_(None))


def _owed(tx: Connection, debtor_ids: Collection[int], areas: Collection[Area], today: date) -> dict[Case, int]:
    rows = tx.execute(_OWED, {"people": debtor_ids, "areas": areas, "on_day": today})
    return {(row.debtor_id, row.area): row.owed for row in rows}


_OWED: Final = (
    select(Installment.debtor_id, Installment.area, func.sum(Installment.outstanding).label("owed"))
    .where(among(Installment.debtor_id, "people"), among(Installment.area, "areas"), Installment.due_on < _ON_DAY)
    .group_by(Installment.debtor_id, Installment.area)
)


def _promised(
    tx: Connection, actor: Viewer, people: Collection[int], areas: Collection[Area], today: date, office: Office
) -> Iterator[Case]:
    """Few have promised anything; only these are looked at one by one."""
    for case in tx.execute(_SOME_PROMISE, {"people": people, "areas": areas}).all():
        if _is_promised(tx, actor, case.debtor_id, case.area, today, office):
            yield case.debtor_id, case.area


_SOME_PROMISE: Final = (
    select(Promise.debtor_id, Promise.area)
    .where(among(Promise.debtor_id, "people"), among(Promise.area, "areas"))
    .distinct()
)


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
    """When people, and numbers whoever's they are, were disturbed within a week: contacts recorded, dials whose result is
    still to be recorded, and messages on their way (one that was sent is recorded)."""

    day: datetime
    people: Mapping[int, list[datetime]]
    numbers: Mapping[str, list[datetime]]

    @classmethod
    def of(
        cls, tx: Connection, people: Collection[int], numbers: Collection[str], day: datetime,
        but_not: uuid.UUID | None,
    ) -> "_Reached":  # fmt: skip
        by_person: defaultdict[int, list[datetime]] = defaultdict(list)
        by_number: defaultdict[str, list[datetime]] = defaultdict(list)
        # two questions rather than one with "or": each has its index
        for debtor_id, _, at in _disturbed(tx, _OF_PEOPLE, people, day - _WEEK, but_not):
            by_person[debtor_id].append(at)
        for _, number, at in _disturbed(tx, _OF_NUMBERS, numbers, day, but_not):
            by_number[number].append(at)
        return cls(day, by_person, by_number)

    def today(self, people: Sequence[int]) -> int:
        return sum(at >= self.day for one in people for at in self.people.get(one, ()))

    def this_week(self, people: Sequence[int]) -> int:
        return sum(len(self.people.get(one, ())) for one in people)

    def number_today(self, number: str) -> int:
        return len(self.numbers.get(number, ()))


def _disturbed(
    tx: Connection, asked: "_Disturbances", whom: Collection[Any], since: datetime, but_not: uuid.UUID | None
) -> Iterator[tuple[int, str, datetime]]:
    values = {"whom": whom, "since": since}
    for row in tx.execute(asked.recorded, values):
        yield row.debtor_id, row.number, row.at
    for dial in tx.execute(asked.dialled, values):
        counts = dial.result is None or counts_against_caps(dial.result, rang=dial.ringing_at is not None)
        if counts and dial.id != but_not:
            yield dial.debtor_id, dial.number, dial.prepared_at
    for message in tx.execute(asked.sending, values):
        yield message.debtor_id, message.number, message.submitting_at


@dataclass(frozen=True, slots=True)
class _Disturbances:
    """What disturbs somebody, as queries for some people or some numbers (`whom`)."""

    recorded: Select[*tuple[Any, ...]]
    dialled: Select[*tuple[Any, ...]]
    sending: Select[*tuple[Any, ...]]

    @classmethod
    def by(cls, contact: Any, attempt: Any, message: Any) -> "_Disturbances":
        """`contact`, `attempt`, `message`: the columns that hold whom."""
        since = bindparam("since", type_=UtcDateTime())
        return cls(
            recorded=select(Contact.debtor_id, Contact.number, Contact.at).where(
                among(contact, "whom"),
                Contact.channel.in_(_COUNTED),
                Contact.at >= since,
                Contact.corrects_id.is_(None),
                Contact.disposition != "trunk_fault",
            ),
            dialled=select(
                Attempt.id, Attempt.debtor_id, Attempt.number, Attempt.prepared_at, Attempt.result, Attempt.ringing_at
            ).where(
                among(attempt, "whom"),
                Attempt.prepared_at >= since,
                Attempt.state != AttemptState.REFUSED,
                ~exists().where(Contact.call_id == Attempt.id),
                ~exists().where(Contact.id == Attempt.id),  # what the system itself noted of a campaign's dial
            ),
            sending=select(SmsMessage.debtor_id, SmsMessage.number, SmsMessage.submitting_at).where(
                among(message, "whom"), SmsMessage.state == SmsState.SUBMITTING, SmsMessage.submitting_at >= since
            ),
        )


_OF_PEOPLE: Final = _Disturbances.by(Contact.debtor_id, Attempt.debtor_id, SmsMessage.debtor_id)
_OF_NUMBERS: Final = _Disturbances.by(Contact.number, Attempt.number, SmsMessage.number)
