"""`check_contact`: gathers the facts and asks the one rule (C4). Every part of the system that reaches a person asks here,
when a contact is chosen and again at the last moment.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, exists, func, select

from db.rules.eligibility import ContactFacts, Decision, may_contact
from db.rules.promises import PromiseOutcome, judge
from db.rules.retry import counts_against_caps
from db.rules.sms import SmsState
from db.rules.telephony import AttemptState
from db.rules.terms import Area, Channel, FlagKind, PhoneStatus
from db.rules.viewer import Viewer
from db.schema.calls import Attempt
from db.schema.claims import Payment
from db.schema.contacts import Contact
from db.schema.people import Debtor, Phone
from db.schema.sms import SmsMessage
from db.store import arrears, calls, debtors, freshness, promises, sms
from db.store.kin import Kin, kin
from db.store.office import emergency_stop
from db.usecases.office import Office
from db.usecases.policies import policy_of

_STATUSES = tuple(PhoneStatus)
"""From the best to the worst."""
_COUNTED = (Channel.CALL_OUT, Channel.SMS, Channel.VISIT)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom one wants to reach: a person, in an area, and (for calls and SMS) one number of theirs."""

    debtor_id: int
    area: Area
    channel: Channel
    phone_id: int | None = None


def check_contact(
    tx: Connection,
    actor: Viewer,
    target: Target,
    now: datetime,
    office: Office,
    *,
    deliberate: bool = False,
    but_not: uuid.UUID | None = None,
) -> Decision:
    """Ask whether `actor` may reach `target` now. `but_not` is the attempt being placed, which is not in its own way."""
    return may_contact(gather(tx, actor, target, now, office, deliberate=deliberate, but_not=but_not))


def gather(
    tx: Connection,
    actor: Viewer,
    target: Target,
    now: datetime,
    office: Office,
    *,
    deliberate: bool,
    but_not: uuid.UUID | None,
) -> ContactFacts:
    """The facts as the register knows them at this moment; what it does not know stays None, which means no."""
    facts = ContactFacts(
        channel=target.channel,
        area=target.area,
        at=now,
        policy=policy_of(tx, target.area, office),
        deliberate=deliberate,
        actor_contracted=actor.contracted,
        closed_day=office.is_closed(office.today(now)),
        emergency_stop=emergency_stop(tx),
    )
    of = kin(tx, target.debtor_id)
    return _with_number(tx, _with_person(tx, facts, actor, target, office, of, but_not), target, office, of, but_not)


def check_numbers(
    tx: Connection, actor: Viewer, debtor_id: int, area: Area, phone_ids: Iterable[int], now: datetime, office: Office,
    channel: Channel = Channel.CALL_OUT,
) -> dict[int, Decision]:  # fmt: skip
    """Ask for every number of a person at once, as a screen does: what concerns the person is gathered only once."""
    target = Target(debtor_id, area, channel)
    person = gather(tx, actor, target, now, office, deliberate=False, but_not=None)
    each = {phone_id: replace(target, phone_id=phone_id) for phone_id in phone_ids}
    of = kin(tx, debtor_id)
    return {key: may_contact(_with_number(tx, person, one, office, of, None)) for key, one in each.items()}


def foresee(
    tx: Connection, actor: Viewer, debtor_id: int, area: Area, phone_id: int | None, at: datetime, now: datetime,
    office: Office,
) -> Decision:  # fmt: skip
    """Ask, as far as is known `now`, whether a person may be called at a later moment `at`: on one number, or on any.

    What will only be known then is taken as it would let the call pass: that data come in as usual, that the person is not
    on the line, that no emergency stop is in force. The rule itself is asked again when the call is made.
    """
    target = Target(debtor_id, area, Channel.CALL_OUT)
    facts = gather(tx, actor, target, at, office, deliberate=False, but_not=None)
    of = kin(tx, debtor_id)
    person = debtors.person(tx, actor, debtor_id)
    age = None if person is None else _data_age(tx, person, of, area, now)
    facts = replace(
        facts,
        data_age_hours=age,
        emergency_stop=facts.emergency_stop and at <= now,
        household_in_call=facts.household_in_call and at <= now,
    )
    ids = [phone.id for phone in debtors.phones(tx, actor, debtor_id)] if phone_id is None else [phone_id]
    decisions = []
    for each in ids:
        known = _with_number(tx, facts, replace(target, phone_id=each), office, of, None)
        decisions.append(may_contact(known if at <= now else replace(known, in_call=False)))
    return min(decisions or [may_contact(facts)], key=lambda decision: len(decision.reasons))


def _with_person(
    tx: Connection, facts: ContactFacts, actor: Viewer, target: Target, office: Office, of: Kin,
    but_not: uuid.UUID | None,
) -> ContactFacts:  # fmt: skip
    person = debtors.person(tx, actor, target.debtor_id)
    if person is None:
        return facts
    flags = debtors.flag_kinds(tx, actor.within({target.area}), target.debtor_id, office.today(facts.at))
    facts = replace(
        facts,
        flags=flags,
        opted_out=FlagKind.NO_SMS in flags if target.channel is Channel.SMS else FlagKind.NO_CALLS in flags,
        data_age_hours=_data_age(tx, person, of, target.area, facts.at),
    )
    return _with_history(tx, _with_debt(tx, facts, actor, target, office, of), office, of, but_not)


def _data_age(tx: Connection, person: debtors.Person, of: Kin, area: Area, now: datetime) -> int | None:
    """How old what is known of the person's money is, in hours; not known of one whom the core system lists no more.

    Of a person under several numbers (名寄せ) the oldest data count, as any of them may hide a payment.
    """
    if person.closed_on is not None:
        return None
    known = select(func.min(Debtor.data_as_of)).where(Debtor.id.in_(of.person), Debtor.closed_on.is_(None))
    oldest = tx.execute(known).scalar_one()
    return int((now - freshness.money_as_of(tx, area, oldest)) / timedelta(hours=1))


def _with_debt(
    tx: Connection, facts: ContactFacts, actor: Viewer, target: Target, office: Office, of: Kin
) -> ContactFacts:
    """Money is asked of for the number at hand; a promise or a payment under any number of the person's holds contact."""
    today = office.today(facts.at)
    reported = select(exists().where(
        Payment.debtor_id.in_(of.person),
        Payment.area == target.area,
        Payment.reported_on > today - timedelta(days=office.payment_lag_days),
    ))  # fmt: skip
    return replace(
        facts,
        owed=arrears.owed(tx, actor, target.debtor_id, target.area, today),
        promise_in_force=any(_promised(tx, actor, one, target.area, today, office) for one in of.person),
        paid_recently=bool(tx.execute(reported).scalar_one()),
    )


def _promised(tx: Connection, actor: Viewer, debtor_id: int, area: Area, today: date, office: Office) -> bool:
    rows = promises.of_debtor(tx, actor.within({area}), debtor_id, office.zone)
    # an offer of instalments holds contact like a promise while an officer decides on it
    newest = next((row.promise for row in rows if not row.promise.cancelled), None)
    if newest is None:
        return False
    paid = arrears.paid_since(tx, actor, debtor_id, area, newest.made_on)
    outcome = judge(newest, paid, today, office.grace_days, office.is_closed).outcome
    return outcome in {PromiseOutcome.PENDING, PromiseOutcome.PARTLY}


def _with_history(
    tx: Connection, facts: ContactFacts, office: Office, of: Kin, but_not: uuid.UUID | None
) -> ContactFacts:
    day = office.day_begins(facts.at)
    week = day - timedelta(days=6)
    return replace(
        facts,
        contacts_today=_count(tx, of.person, day, but_not),
        contacts_this_week=_count(tx, of.person, week, but_not),
        household_today=_count(tx, of.home, day, but_not),
        household_in_call=bool(of.others) and calls.being_called(tx, of.others, None, but_not),
    )


def _with_number(
    tx: Connection, facts: ContactFacts, target: Target, office: Office, of: Kin, but_not: uuid.UUID | None
) -> ContactFacts:
    known = select(Phone.number, Phone.kind).where(Phone.id == target.phone_id, Phone.debtor_id.in_(of.person))
    phone = tx.execute(known).one_or_none()
    if phone is None:
        return facts
    return replace(
        facts,
        number_kind=phone.kind,
        number_status=_worst_status(tx, of, phone.number, target.channel),
        number_today=_count(tx, None, office.day_begins(facts.at), but_not, phone.number),
        in_call=calls.being_called(tx, of.person, phone.number, but_not),
    )


def _worst_status(tx: Connection, of: Kin, number: str, channel: Channel) -> PhoneStatus:
    """What is known of a number under any of the person's own: one 'wrong person' is enough.

    What a carrier said of it while taking a message counts for messages only: calls learn of their own.
    """
    if channel is Channel.SMS and sms.is_gone(tx, number):
        return PhoneStatus.UNALLOCATED
    query = select(Phone.status).where(Phone.number == number, Phone.debtor_id.in_(of.person))
    return max(tx.execute(query).scalars(), key=_STATUSES.index)


def _count(
    tx: Connection, people: Sequence[int] | None, since: datetime, but_not: uuid.UUID | None, number: str | None = None
) -> int:
    """Contacts made since a moment: those recorded, dials whose result is still to be recorded, and messages on their way."""
    recorded = select(func.count()).where(
        Contact.channel.in_(_COUNTED),
        Contact.at >= since,
        Contact.corrects_id.is_(None),
        Contact.disposition != "trunk_fault",
    )
    dialled = select(Attempt.result, Attempt.ringing_at).where(
        Attempt.prepared_at >= since,
        Attempt.state != AttemptState.REFUSED,
        ~exists().where(Contact.call_id == Attempt.id),
        ~exists().where(Contact.id == Attempt.id),  # what the system itself noted of a campaign's dial
    )
    sending = select(func.count()).where(
        SmsMessage.state == SmsState.SUBMITTING, SmsMessage.submitting_at >= since
    )  # one that was sent is recorded
    if but_not is not None:
        dialled = dialled.where(Attempt.id != but_not)
    if people is not None:
        recorded = recorded.where(Contact.debtor_id.in_(people))
        dialled = dialled.where(Attempt.debtor_id.in_(people))
        sending = sending.where(SmsMessage.debtor_id.in_(people))
    if number is not None:
        recorded = recorded.where(Contact.number == number)
        dialled = dialled.where(Attempt.number == number)
        sending = sending.where(SmsMessage.number == number)
    disturbed = sum(
        row.result is None or counts_against_caps(row.result, rang=row.ringing_at is not None)
        for row in tx.execute(dialled)
    )
    return tx.execute(recorded).scalar_one() + tx.execute(sending).scalar_one() + disturbed
