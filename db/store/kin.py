"""Who counts as one when the office reaches out: one person under several numbers (名寄せ), and the people of one home.

Counting only: nothing here is shown to anybody, so it takes no viewer and knows no walls between business areas. Two
areas that ring the same home at the same moment disturb it all the same.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from db.rules.terms import FlagKind
from db.schema.merges import MergedPerson
from db.schema.people import Debtor, Flag
from db.store.many import Many, among

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
    return kin_of_each(tx, [debtor_id])[debtor_id]


def kin_of_each(tx: Connection, debtor_ids: Collection[int]) -> dict[int, Kin]:
    """Who is one with each of some people, in as many queries as for one."""
    persons = {one: [one] for one in debtor_ids}
    for row in tx.execute(_MERGED_WITH, {"people": debtor_ids}):
        persons[row.mine].append(row.other)
    known = {one for person in persons.values() for one in person}
    home_of = {row.id: row.household_id or 0 for row in tx.execute(_HOMES, {"people": known})}
    members: defaultdict[int, set[int]] = defaultdict(set)
    if home_of:
        for member in tx.execute(_LIVING, {"households": set(home_of.values())}):
            members[member.household_id or 0].add(member.id)
    return {one: _kin(person, home_of, members) for one, person in persons.items()}


_HOMES: Final = select(Debtor.id, Debtor.household_id).where(
    among(Debtor.id, "people"), Debtor.household_id.is_not(None)
)
_LIVING: Final = select(Debtor.id, Debtor.household_id).where(among(Debtor.household_id, "households"))


def _kin(person: Sequence[int], home_of: Mapping[int, int], members: Mapping[int, set[int]]) -> Kin:
    if not home_of:
        return Kin(tuple(person), (), tuple(sorted(person)))
    households = tuple(sorted({home_of[one] for one in person if one in home_of}))
    home = {*person, *(member for household in households for member in members[household])}
    return Kin(tuple(person), households, tuple(sorted(home)))


_MINE, _THEIRS = aliased(MergedPerson), aliased(MergedPerson)
_MERGED_WITH: Final = (
    select(_MINE.debtor_id.label("mine"), _THEIRS.debtor_id.label("other"))
    .join(_THEIRS, _MINE.person_id == _THEIRS.person_id)
    .where(among(_MINE.debtor_id, "people"), _THEIRS.debtor_id != _MINE.debtor_id)
    .order_by(_THEIRS.debtor_id)
)


def person_ids(tx: Connection, debtor_id: int) -> tuple[int, ...]:
    """The ids that are one person, with the one asked for first."""
    return (debtor_id, *(row.other for row in tx.execute(_MERGED_WITH, {"people": [debtor_id]})))


def persons_once(tx: Connection, ids: Sequence[int]) -> tuple[int, ...]:
    """Each person among `ids` once, under the first of their ids."""
    if len(ids) < 2:
        return tuple(ids)
    query = select(MergedPerson.debtor_id, MergedPerson.person_id).where(MergedPerson.debtor_id.in_(ids))
    merged: dict[int, int] = {row.debtor_id: row.person_id for row in tx.execute(query)}
    first = {merged.get(one, one): one for one in reversed(ids)}
    return tuple(one for one in dict.fromkeys(ids) if first[merged.get(one, one)] == one)


def protected_person(debtor_id: Any, today: date | BindParameter[Any]) -> ColumnElement[bool]:
    """The condition that somebody, under any of their numbers, is under 支援措置 on a day, whatever the area."""
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
    return try_hold_each(tx, [(of, number)])[0]


def try_hold_each(tx: Connection, homes: Sequence[tuple[Kin, str]]) -> list[bool]:
    """The same for several, in one question: which of them nobody else holds."""
    if tx.dialect.name != "postgresql":
        return [True] * len(homes)
    wanted = [_keys(of, number) for of, number in homes]
    keys = sorted({key for one in wanted for key in one})
    held = {row.key for row in tx.execute(_TRY, {"keys": keys}) if row.held}
    return [held.issuperset(one) for one in wanted]


def _try() -> Select[Any, bool]:
    """A lock is tried for each row; the keys are unpacked first, in the order in which they are given."""
    key = func.unnest(bindparam("keys", type_=Many(Integer()))).table_valued("key").render_derived("each_key").c.key
    return select(key.label("key"), func.pg_try_advisory_xact_lock(_LOCK_SPACE, key).label("held"))


_TRY: Final = _try()


def _keys(of: Kin, number: str) -> list[int]:
    names = [f"household {one}" for one in of.households] + [f"person {one}" for one in of.person]
    return sorted({_key(name) for name in (*names, f"number {number}")})


def _key(name: str) -> int:
    """31 bits of a name; two that fall together wait for each other without need, and no more."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1
