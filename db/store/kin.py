"""Who counts as one when the office reaches out: one person under several numbers (名寄せ), and the people of one home.

Counting only: nothing here is shown to anybody, so it takes no viewer and knows no walls between business areas. Two
areas that ring the same home at the same moment disturb it all the same.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from db.rules.terms import FlagKind
from db.schema.merges import MergedPerson
from db.schema.people import Debtor, Flag

_LOCK_SPACE: Final = 0x5A19
"""Sets these locks of PostgreSQL apart from any others."""


@dataclass(frozen=True, slots=True)
class Kin:
    """`person`: the ids under which the register knows the person. `home`: these, and all who live with them.

    `households`: the numbers behind `home`.
    """

    person: tuple[int, ...]
    households: tuple[int, ...]
    home: tuple[int, ...]

    @property
    def others(self) -> tuple[int, ...]:
        """The rest of the home."""
        return tuple(one for one in self.home if one not in self.person)


def kin(tx: Connection, debtor_id: int) -> Kin:
    """Who is one with a person."""
    person = person_ids(tx, debtor_id)
    households = _ids(tx, select(Debtor.household_id).where(Debtor.id.in_(person), Debtor.household_id.is_not(None)))
    members = _ids(tx, select(Debtor.id).where(Debtor.household_id.in_(households))) if households else ()
    return Kin(person, households, tuple(sorted({*person, *members})))


def person_ids(tx: Connection, debtor_id: int) -> tuple[int, ...]:
    """The ids that are one person, with the one asked for first."""
    mine, theirs = aliased(MergedPerson), aliased(MergedPerson)
    query = (
        select(theirs.debtor_id)
        .join(mine, mine.person_id == theirs.person_id)
        .where(mine.debtor_id == debtor_id, theirs.debtor_id != debtor_id)
        .order_by(theirs.debtor_id)
    )
    return (debtor_id, *tx.execute(query).scalars())


def persons_once(tx: Connection, ids: Sequence[int]) -> tuple[int, ...]:
    """Each person among `ids` once, under the first of their ids."""
    if len(ids) < 2:
        return tuple(ids)
    query = select(MergedPerson.debtor_id, MergedPerson.person_id).where(MergedPerson.debtor_id.in_(ids))
    merged: dict[int, int] = {row.debtor_id: row.person_id for row in tx.execute(query)}
    first = {merged.get(one, one): one for one in reversed(ids)}
    return tuple(one for one in dict.fromkeys(ids) if first[merged.get(one, one)] == one)


def protected_person(debtor_id: Any, today: date) -> ColumnElement[bool]:
    """Whether somebody, under any of their numbers, is under 支援措置 on a day, whatever the area."""
    mine, theirs = aliased(MergedPerson), aliased(MergedPerson)
    in_force = and_(
        Flag.kind == FlagKind.PROTECTED,
        or_(Flag.valid_from.is_(None), Flag.valid_from <= today),
        or_(Flag.valid_to.is_(None), Flag.valid_to >= today),
    )
    merged = (
        exists()
        .where(mine.debtor_id == debtor_id, theirs.person_id == mine.person_id)
        .where(Flag.debtor_id == theirs.debtor_id, in_force)
    )
    return or_(exists().where(Flag.debtor_id == debtor_id, in_force), merged)


def hold(tx: Connection, of: Kin, number: str) -> None:
    """Let nobody else begin a call to the home or the number until this transaction is over.

    Two operators who click in the same moment are served one after the other, and the second is told that there is a
    call. SQLite has one writer anyway; on PostgreSQL these are advisory locks, because a long import may hold the rows.
    """
    if tx.dialect.name != "postgresql":
        return
    for key in _keys(of, number):
        tx.execute(select(func.pg_advisory_xact_lock(_LOCK_SPACE, key)))


def try_hold(tx: Connection, of: Kin, number: str) -> bool:
    """The same for whoever looks at many people in one transaction: False, without waiting, if somebody else holds one.

    What was taken until then stays held until the transaction is over.
    """
    if tx.dialect.name != "postgresql":
        return True
    tries = (select(func.pg_try_advisory_xact_lock(_LOCK_SPACE, key)) for key in _keys(of, number))
    return all(tx.execute(one).scalar_one() for one in tries)


def _ids(tx: Connection, query: Select[int] | Select[int | None]) -> tuple[int, ...]:
    return tuple(sorted({one for one in tx.execute(query).scalars() if one is not None}))


def _keys(of: Kin, number: str) -> list[int]:
    names = [f"household {one}" for one in of.households] + [f"person {one}" for one in of.person]
    return sorted({_key(name) for name in (*names, f"number {number}")})


def _key(name: str) -> int:
    """31 bits of a name; two that fall together wait for each other without need, and no more."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1
