"""People who may be one (名寄せ): how pairs are found in a big register, and what was decided on them.

Finding is blocking: only people who share a name or its reading, and besides it a birth date, a home, a telephone (or are
companies), are compared at all; each of these is an index. `near` serves one record that is looked at and the daemon's
sweep alike.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, insert, or_, select, union_all, update
from sqlalchemy.orm import aliased

from db.rules.identity import address_key
from db.rules.sameness import Particulars
from db.rules.terms import AddressKind, Area, PairAct, PairState, PersonKind, Right
from db.rules.viewer import Viewer
from db.schema.merges import MergeDecision, MergedPerson, MergePair, MergeSweep
from db.schema.people import Address, CaseFile, Debtor, Phone
from db.schema.staff import Staff
from db.store.bound import AREAS, DEBTOR_IDS, TODAY
from db.store.kin import protected_person

Pair = tuple[int, int]
"""Two people, the smaller id first."""

MOST_NEAR: Final = 20_000
"""So many pairs are taken from one block at most: behind more of them is a made-up birth date, not a person."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair and how it stands."""

    id: int
    first_id: int
    second_id: int
    state: PairState
    score: int


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision on a pair."""

    act: PairAct
    at: datetime
    by: str
    note: str


def in_order(one: int, other: int) -> Pair:
    """The pair of two people."""
    return (one, other) if one < other else (other, one)


def near(tx: Connection, people: Collection[int]) -> set[Pair]:
    """Pairs of some people with anybody that are worth comparing."""
    return {in_order(*row) for row in tx.execute(_NEAR, {"debtor_ids": people})}


def _blocks() -> Iterator[Select[int, int]]:
    one, other = aliased(Debtor), aliased(Debtor)
    here, there = aliased(Address), aliased(Address)
    mine, theirs = aliased(Phone), aliased(Phone)
    named = or_(one.kana_folded == other.kana_folded, one.name_folded == other.name_folded)
    ids = select(one.id, other.id).where(one.id.in_(DEBTOR_IDS), one.id != other.id).distinct().limit(MOST_NEAR)
    by_birth = ids.join(other, other.birth_date == one.birth_date)
    yield by_birth.where(one.kana_folded == other.kana_folded)
    yield by_birth.where(one.name_folded == other.name_folded)
    at_home = ids.join(here, here.debtor_id == one.id)
    at_home = at_home.join(there, and_(there.town == here.town, there.block == here.block))
    yield at_home.join(other, other.id == there.debtor_id).where(named)
    by_phone = ids.join(mine, mine.debtor_id == one.id).join(theirs, theirs.number == mine.number)
    yield by_phone.join(other, other.id == theirs.debtor_id).where(named)
    yield ids.join(other, other.name_folded == one.name_folded).where(one.kind == PersonKind.COMPANY)


# limited each by itself, which SQLite allows in a subquery only
_NEAR: Final = union_all(*(select(block.subquery()) for block in _blocks()))


def particulars(tx: Connection, people: Collection[int]) -> dict[int, Particulars]:
    """What is compared of each of some people."""
    if not people:
        return {}
    these = {"debtor_ids": people}
    homes: defaultdict[int, set[str]] = defaultdict(set)
    former: defaultdict[int, set[str]] = defaultdict(set)
    for row in tx.execute(_HOMES, these):
        past = row.kind is AddressKind.FORMER or row.valid_to is not None
        (former if past else homes)[row.debtor_id].add(address_key(row.town + row.block))
    phones: defaultdict[int, set[str]] = defaultdict(set)
    for owner, number in tx.execute(_PHONES, these):
        phones[owner].add(number)
    return {
        row.id: Particulars(
            kind=row.kind,
            name=row.name_folded,
            kana=row.kana_folded,
            birth_date=row.birth_date,
            homes=frozenset(homes[row.id]),
            former_homes=frozenset(former[row.id]),
            phones=frozenset(phones[row.id]),
        )
        for row in tx.execute(_WHO, these)
    }


_HOMES: Final = select(Address.debtor_id, Address.kind, Address.town, Address.block, Address.valid_to).where(
    Address.debtor_id.in_(DEBTOR_IDS), Address.kind != AddressKind.WORKPLACE
)
_PHONES: Final = select(Phone.debtor_id, Phone.number).where(Phone.debtor_id.in_(DEBTOR_IDS))
_WHO: Final = select(Debtor.id, Debtor.kind, Debtor.name_folded, Debtor.kana_folded, Debtor.birth_date).where(
    Debtor.id.in_(DEBTOR_IDS)
)


def states(tx: Connection, pairs: Collection[Pair]) -> dict[Pair, PairState]:
    """How those of some pairs stand that the register knows."""
    if not pairs:
        return {}
    firsts, wanted = {first for first, _ in pairs}, set(pairs)
    query = select(MergePair.first_id, MergePair.second_id, MergePair.state).where(MergePair.first_id.in_(firsts))
    return {(row.first_id, row.second_id): row.state for row in tx.execute(query) if (row[0], row[1]) in wanted}


def offer(tx: Connection, scores: Mapping[Pair, int], now: datetime) -> None:
    """Add pairs that the register does not know yet, as candidates."""
    rows = [
        {"first_id": one, "second_id": two, "state": PairState.OFFERED, "score": score, "found_at": now}
        for (one, two), score in sorted(scores.items())
    ]
    if rows:
        tx.execute(insert(MergePair), rows)


def swept(tx: Connection) -> int:
    """The last debtor that the sweep has looked at; 0 before the first."""
    return tx.execute(select(MergeSweep.after)).scalar_one_or_none() or 0


def mark(tx: Connection, after: int) -> None:
    """Note how far the sweep has come."""
    if tx.execute(update(MergeSweep).values(after=after)).rowcount == 0:
        tx.execute(insert(MergeSweep).values(id=1, after=after))


def pair(tx: Connection, of: Pair) -> PairRow | None:
    """A pair by its two people."""
    query = _pairs().where(MergePair.first_id == of[0], MergePair.second_id == of[1])
    row = tx.execute(query.with_for_update()).one_or_none()
    return PairRow(*row) if row else None


def listed(
    tx: Connection, viewer: Viewer, state: PairState, today: date, *, limit: int, below: Pair | None = None
) -> list[PairRow]:
    """Pairs that the viewer may decide on, likeliest first; `below` is (score, id) of the last one seen."""
    areas, protected = _decides_in(viewer), viewer.may_anywhere(Right.PROTECTED_VIEW)
    query = _pairs().where(MergePair.state == state)
    for column in (MergePair.first_id, MergePair.second_id):
        query = query.where(_decidable(column, areas, today, protected=protected))
    if below is not None:
        score, seen = below
        query = query.where(or_(MergePair.score < score, and_(MergePair.score == score, MergePair.id < seen)))
    query = query.order_by(MergePair.score.desc(), MergePair.id.desc()).limit(limit)
    return [PairRow(*row) for row in tx.execute(query)]


def may_decide_on(tx: Connection, viewer: Viewer, people: Collection[int], today: date) -> set[int]:
    """Those of some people whose sameness with others the viewer may be shown and may decide on."""
    asked = {"debtor_ids": people, "areas": _decides_in(viewer), "today": today}
    return set(tx.execute(_DECIDABLE[viewer.may_anywhere(Right.PROTECTED_VIEW)], asked).scalars())


def decide(
    tx: Connection, viewer: Viewer, found: PairRow, act: PairAct, to: PairState, note: str, at: datetime
) -> None:
    """Write a decision down, and move the pair."""
    tx.execute(insert(MergeDecision).values(pair_id=found.id, act=act, note=note, user_id=viewer.user_id, at=at))
    tx.execute(update(MergePair).where(MergePair.id == found.id).values(state=to))


def decisions(tx: Connection, viewer: Viewer, found: PairRow) -> list[DecisionRow]:
    """What was decided on a pair, newest first."""
    viewer.require(Right.PERSON_MERGE)
    query = (
        select(MergeDecision.act, MergeDecision.at, Staff.name, MergeDecision.note)
        .join(Staff, Staff.id == MergeDecision.user_id)
        .where(MergeDecision.pair_id == found.id)
        .order_by(MergeDecision.id.desc())
    )
    return [DecisionRow(*row) for row in tx.execute(query)]


def regroup(tx: Connection, around: Iterable[int]) -> None:
    """Make `merged_person` of the merged pairs again, for all who are or were one with some people."""
    reached = set(around)
    reached |= set(
        tx.execute(select(MergedPerson.debtor_id).where(MergedPerson.person_id.in_(
            select(MergedPerson.person_id).where(MergedPerson.debtor_id.in_(reached))
        ))).scalars()
    )  # fmt: skip
    links = _links(tx, reached)
    reached |= {one for link in links for one in link}
    tx.execute(delete(MergedPerson).where(MergedPerson.debtor_id.in_(reached)))
    rows = [
        {"debtor_id": one, "person_id": min(group)}
        for group in _groups(reached, links)
        if len(group) > 1
        for one in group
    ]
    if rows:
        tx.execute(insert(MergedPerson), rows)


def _decides_in(viewer: Viewer) -> frozenset[Area]:
    return viewer.areas(Right.PERSON_MERGE) & viewer.areas()


def _decidable(debtor_id: Any, areas: Any, today: Any, *, protected: bool) -> ColumnElement[bool]:
    seen = exists().where(CaseFile.debtor_id == debtor_id, CaseFile.area.in_(areas))
    return seen if protected else and_(seen, ~protected_person(debtor_id, today))


_DECIDABLE: Final = {
    protected: select(Debtor.id).where(
        Debtor.id.in_(DEBTOR_IDS), _decidable(Debtor.id, AREAS, TODAY, protected=protected)
    )
    for protected in (False, True)
}
"""Those on whom a viewer may decide who may see people under 支援措置, or may not."""


def _pairs() -> Select[int, int, int, PairState, int]:
    return select(MergePair.id, MergePair.first_id, MergePair.second_id, MergePair.state, MergePair.score)


def _links(tx: Connection, people: Collection[int]) -> list[Pair]:
    """The merged pairs around some people, as far as they reach."""
    known: set[int] = set()
    found: set[Pair] = set()
    ahead = set(people)
    while ahead:
        query = select(MergePair.first_id, MergePair.second_id).where(
            MergePair.state == PairState.MERGED, or_(MergePair.first_id.in_(ahead), MergePair.second_id.in_(ahead))
        )
        found |= {(row.first_id, row.second_id) for row in tx.execute(query)}
        known |= ahead
        ahead = {one for link in found for one in link} - known
    return sorted(found)


def _groups(people: Iterable[int], links: Sequence[Pair]) -> list[set[int]]:
    groups = {one: {one} for one in people}
    for one, other in links:
        joint = groups[one] | groups[other]
        groups.update(dict.fromkeys(joint, joint))
    return list({id(group): group for group in groups.values()}.values())
