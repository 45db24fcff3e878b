"""What the register knows of people whom a campaign would call, beside what the rule of contact asks: bookings, when they were spoken to,
dialled, or answered and found nobody. For many in as many queries as for one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, func, select, union_all

from db.rules.telephony import AttemptState
from db.rules.terms import Area, Channel
from db.rules.workflow import ENTITLED
from db.schema.calls import Attempt
from db.schema.contacts import Contact, Recall
from db.store.many import among

WINDOW: Final = timedelta(days=30)
"""Dials older than this say nothing of when to try again."""
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AREA: Final[BindParameter[Any]] = bindparam("area")
_SINCE: Final[BindParameter[Any]] = bindparam("since")
_BEFORE: Final[BindParameter[Any]] = bindparam("before")


@dataclass(frozen=True, slots=True)
class Booking:
    """An open recall: when, whether it is anyone's, and on which number, if that matters."""

    due_at: datetime
    anyones: bool
    phone_id: int | None


def booked(tx: Connection, people: Collection[int], area: Area) -> dict[int, Booking]:
    """The first open booking of each of some people who have one."""
    found: dict[int, Booking] = {}
    for row in tx.execute(_BOOKED, {"people": people, "area": area}):
        found.setdefault(row.debtor_id, Booking(row.due_at, row.user_id is None, row.phone_id))
    return found


_BOOKED: Final = (
    select(Recall.debtor_id, Recall.due_at, Recall.user_id, Recall.phone_id)
    .where(among(Recall.debtor_id, "people"), Recall.area == _AREA, Recall.closed_at.is_(None))
    .order_by(Recall.due_at)
)


def last_spoken(
    tx: Connection, people: Collection[int], area: Area, *, since: datetime = ALWAYS, called: bool = False
) -> dict[int, datetime]:
    """When each of some people, if entitled, was last spoken to after a moment, over any channel, or (`called`) on a call of ours."""
    query = _SPOKEN.where(Contact.channel == Channel.CALL_OUT) if called else _SPOKEN
    rows = tx.execute(query, {"people": people, "area": area, "since": since})
    return {row.debtor_id: row.last for row in rows}


_SPOKEN: Final = (
    select(Contact.debtor_id, func.max(Contact.at).label("last"))
    .where(
        among(Contact.debtor_id, "people"),
        Contact.area == _AREA,
        Contact.at > _SINCE,
        Contact.answered_by.in_(ENTITLED),
    )
    .group_by(Contact.debtor_id)
)


def dials(tx: Connection, people: Collection[int], since: datetime) -> list[Any]:
    """(id, debtor_id, ended_at, ringing_at, result) of the dials of some people that have ended since a moment, oldest first."""
    asked = {"people": people, "since": since, "before": since - timedelta(hours=1)}
    return list(tx.execute(_DIALS, asked))


_DIALS: Final = (
    select(Attempt.id, Attempt.debtor_id, Attempt.ended_at, Attempt.ringing_at, Attempt.result)
    .where(
        among(Attempt.debtor_id, "people"),
        Attempt.prepared_at >= _BEFORE,
        Attempt.state == AttemptState.ENDED,
        Attempt.ended_at > _SINCE,
    )
    .order_by(Attempt.ended_at)
)


@dataclass(frozen=True, slots=True)
class Abandoned:
    """When people, and numbers whoever's they are, last answered a dial and found nobody."""

    people: Mapping[int, datetime]
    numbers: Mapping[str, datetime]

    def last(self, people: Iterable[int], number: str) -> datetime | None:
        """When any of some people, or a number, did."""
        found = [*(self.people.get(one) for one in people), self.numbers.get(number)]
        return max((at for at in found if at is not None), default=None)


def abandoned_since(tx: Connection, people: Collection[int], numbers: Collection[str], since: datetime) -> Abandoned:
    """Which of some people and numbers answered a dial after a moment and found nobody."""
    asked = {"people": people, "numbers": numbers, "since": since, "before": since - timedelta(hours=1)}
    found = Abandoned({}, {})
    for row in tx.execute(_ABANDONED, asked):  # the last comes last
        found.people[row.debtor_id] = found.numbers[row.number] = row.abandoned_at  # type: ignore[index]
    return found


def _abandoned(of: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    query = select(Attempt.debtor_id, Attempt.number, Attempt.abandoned_at)
    return query.where(of, Attempt.prepared_at > _BEFORE, Attempt.abandoned_at > _SINCE)


_ABANDONED: Final = union_all(
    _abandoned(among(Attempt.debtor_id, "people")), _abandoned(among(Attempt.number, "numbers"))
).order_by("abandoned_at")  # two parts, and not one with "or": each has its index
