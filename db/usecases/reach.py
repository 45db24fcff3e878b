"""Best time and best number (T2), out of the register: what the city's dials have taught, and what it means for a person.

The model is `db.rules.reach`; what it has learnt is kept as a row of `reach_model`, made anew once a day by the jobs
daemon from a sample of numbers. A page needs no query of its own for it but the newest row: a number's past stands in the
negotiation record that the page shows anyhow, so that nobody's estimate tells of contacts that the viewer may not see.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, exists, func, insert, select
from sqlalchemy.orm import aliased

from db.rules.eligibility import ContactPolicy
from db.rules.officetime import office_time
from db.rules.reach import BANDS, SUNDAY, City, Dial, Number, Slot, assumed_city, dial_of, slot_of
from db.rules.terms import AnsweredBy, Channel
from db.rules.viewer import Viewer
from db.rules.workflow import ENTITLED
from db.schema.contacts import Contact, ReachModel
from db.schema.people import Debtor
from db.store.debtors import ContactRow, PhoneRow
from db.store.many import among
from db.usecases.office import Office

EVERY: Final = timedelta(days=1)
"""How often the city's model is made anew."""
SINCE: Final = timedelta(days=730)
SAMPLE: Final = 20_000
"""Debtors of whose dials the city's model is made, spread evenly over all."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of reaching somebody at a number. Chances from 0 to 1; `now` None outside the contact hours."""

    now: float | None
    best: Slot
    best_chance: float
    why: str
    tried: int


@dataclass(frozen=True, slots=True)
class Past:
    """A dial of a person's by the negotiation record: the number, when, and who answered."""

    number: str | None
    at: datetime
    answered_by: AnsweredBy


def of_phones(
    tx: Connection,
    phones: Sequence[PhoneRow],
    contacts: Sequence[ContactRow],
    now: datetime,
    office: Office,
    policy: ContactPolicy,
) -> Mapping[int, Reach]:
    """For each number of a person (by its id): the chance now, the best slot of the coming week, and why."""
    if not phones:
        return {}
    dials = [
        Past(row.number, row.at, row.answered_by)
        for row in contacts
        if row.channel is Channel.CALL_OUT and not row.corrected
    ]
    return in_city(newest(tx), phones, dials, now, office, policy)


def in_city(
    city: City, phones: Sequence[PhoneRow], dials: Sequence[Past], now: datetime, office: Office, policy: ContactPolicy
) -> Mapping[int, Reach]:
    """The same for a person whose dials are known (others' numbers among them do not matter)."""
    slots = coming_slots(now, office, policy)
    return {
        phone.id: _reach(Number(city, _past(phone.number, dials, now, office)), slots, now, office, policy)
        for phone in phones
    }


def pasts(tx: Connection, viewer: Viewer, debtor_ids: Collection[int]) -> Mapping[int, Sequence[Past]]:
    """The dials of each of some people by the negotiation record, as last corrected, as far as the viewer may see them."""
    found: defaultdict[int, list[Past]] = defaultdict(list)
    for row in tx.execute(_PASTS, {"people": debtor_ids, "areas": viewer.areas()}):
        found[row.debtor_id].append(Past(row.number, row.at, row.answered_by))
    return found


_BETTER: Final = aliased(Contact)
_PASTS: Final = select(Contact.debtor_id, Contact.number, Contact.at, Contact.answered_by).where(
    among(Contact.debtor_id, "people"),
    among(Contact.area, "areas"),
    Contact.channel == Channel.CALL_OUT,
    ~exists().where(_BETTER.corrects_id == Contact.id),
)


def coming_slots(now: datetime, office: Office, policy: ContactPolicy) -> Sequence[Slot]:
    """The slots of the coming seven days in which the policy lets people be called, in order; what is over today comes last."""
    local = office_time(now)
    found: dict[Slot, None] = {}
    for ahead in range(8):
        day = (local + timedelta(days=ahead)).date()
        closed = office.is_closed(day)
        if closed and not policy.closed_days:
            continue
        weekday = SUNDAY if closed and day.weekday() < 5 else day.weekday()
        for band, (first, end) in enumerate(BANDS):
            over = ahead == 0 and local.hour >= end
            if first >= policy.opens.hour and first < policy.closes.hour and not over:
                found.setdefault(Slot(weekday, band))
    return list(found) or [Slot(0, 1)]


def newest(tx: Connection) -> City:
    """The city as last learnt; assumed while there is nothing to learn from."""
    row = tx.execute(_NEWEST).one_or_none()
    return City(tuple(row.slots), tuple(row.weights), row.dials, row.numbers) if row else assumed_city()


_NEWEST: Final = select(ReachModel).order_by(ReachModel.id.desc()).limit(1)


def is_due(tx: Connection, now: datetime) -> bool:
    """Whether the city's model is to be made anew."""
    made = tx.execute(select(func.max(ReachModel.made_at))).scalar_one()
    return made is None or now - made >= EVERY


def histories(tx: Connection, now: datetime, office: Office) -> Sequence[Sequence[Dial]]:
    """The dials of the sampled debtors' numbers, a list for each number."""
    last = tx.execute(select(func.max(Debtor.id))).scalar_one() or 0
    better = aliased(Contact)
    query = select(Contact.debtor_id, Contact.number, Contact.at, Contact.answered_by).where(
        Contact.debtor_id.in_(select(Debtor.id).where(Debtor.id % max(1, last // SAMPLE) == 0)),
        Contact.channel == Channel.CALL_OUT,
        Contact.number.is_not(None),
        Contact.at >= now - SINCE,
        ~exists().where(better.corrects_id == Contact.id),
    )
    found: defaultdict[tuple[int, str | None], list[Dial]] = defaultdict(list)
    for debtor_id, number, at, answered_by in tx.execute(query):
        dial = dial_of(at, now, office.is_closed, reached=answered_by in ENTITLED)
        if dial is not None:
            found[debtor_id, number].append(dial)
    return list(found.values())


def keep(tx: Connection, city: City, now: datetime) -> None:
    """Keep what was learnt; it is in force from now on."""
    tx.execute(
        insert(ReachModel).values(
            made_at=now, slots=list(city.slots), weights=list(city.weights), dials=city.dials, numbers=city.numbers
        )
    )


def _past(number: str, dials: Iterable[Past], now: datetime, office: Office) -> list[Dial]:
    of_number = (
        dial_of(one.at, now, office.is_closed, reached=one.answered_by in ENTITLED)
        for one in dials
        if one.number == number
    )
    return [dial for dial in of_number if dial is not None]


def _reach(number: Number, slots: Sequence[Slot], now: datetime, office: Office, policy: ContactPolicy) -> Reach:
    here, best = slot_of(now, office.is_closed), number.best(slots)
    is_open = here is not None and here in slots and not _closed_now(now, office, policy)
    return Reach(
        now=number.chance(here) if here is not None and is_open else None,
        best=best,
        best_chance=number.chance(best),
        why=number.why(best),
        tried=number.tried,
    )


def _closed_now(now: datetime, office: Office, policy: ContactPolicy) -> bool:
    local = office_time(now)
    outside = not policy.opens <= local.time() < policy.closes
    return outside or (office.is_closed(local.date()) and not policy.closed_days)
