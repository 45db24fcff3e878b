"""名寄せ: people who may be one are found and offered, and officers with the right decide: one, not one, or not one after all.

A merge moves nothing: every contact, claim and telephone stays under its own number, so that parting restores exactly what
was. What is one is shown together (`usecases.records`) and counts as one before every contact (`usecases.eligibility`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, select

from db.outbox import publish
from db.rules.sameness import Likeness, compare
from db.rules.terms import Area, PairAct, PairState, Right
from db.rules.viewer import Viewer
from db.schema.people import Debtor
from db.store import access_log, arrears, calls, debtors, kin, merges
from db.store.debtors import AddressRow, Hit, PhoneRow
from db.store.merges import DecisionRow, Pair, PairRow, in_order
from db.usecases.office import Office
from db.usecases.records import NotFoundError, without_birth_dates

TOPIC: Final = "debtor"
PAGE: Final = 30
SWEPT: Final = 500
"""So many people are looked at in one transaction of the sweep."""
NOTE_LENGTH: Final = 200
_MOVES: Final[Mapping[PairAct, tuple[PairState, PairState]]] = {
    PairAct.MERGE: (PairState.OFFERED, PairState.MERGED),
    PairAct.REJECT: (PairState.OFFERED, PairState.REJECTED),
    PairAct.PART: (PairState.MERGED, PairState.REJECTED),
    PairAct.REOPEN: (PairState.REJECTED, PairState.OFFERED),
}
"""Each decision: the state it starts from, and the one it leads to."""


class MergeError(Exception):
    """A decision on a pair that cannot be made; the sentence is for the officer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be the person at hand under another number."""

    hit: Hit
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Offer:
    """One pair of the list."""

    row: PairRow
    first: Hit
    second: Hit
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two people of a pair, as the officer compares them. `owed` by area, yen (principal and late charge)."""

    hit: Hit
    addresses: Sequence[AddressRow]
    phones: Sequence[PhoneRow]
    areas: Sequence[Area]
    owed: Mapping[Area, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair side by side, with what was decided on it so far."""

    row: PairRow
    sides: tuple[Side, Side]
    likeness: Likeness
    decisions: Sequence[DecisionRow]


@dataclass(frozen=True, slots=True)
class Found:
    """Scores of pairs that are worth a look, among the people up to `after`; 0 when nobody is left to be looked at."""

    after: int
    scores: Mapping[Pair, int]


def candidates(tx: Connection, viewer: Viewer, debtor_id: int, today: date) -> list[Candidate]:
    """Who may be the person at hand under another number, likeliest first; nobody for those without the right."""
    if not viewer.may_anywhere(Right.PERSON_MERGE):
        return []
    alike = _alike(tx, merges.near(tx, [debtor_id]))
    open_pairs = {pair: how for pair, how in alike.items() if how.offered}
    decided = {p for p, state in merges.states(tx, open_pairs).items() if state is not PairState.OFFERED}
    others = {one: how for pair, how in open_pairs.items() if pair not in decided for one in pair if one != debtor_id}
    shown = merges.may_decide_on(tx, viewer, {debtor_id, *others}, today)
    mine = kin.person_ids(tx, debtor_id)
    if debtor_id not in shown:
        return []
    found = [
        Candidate(hit, others[hit.id])
        for hit in debtors.hits_of(tx, viewer, sorted(shown & others.keys()))
        if hit.id not in mine
    ]
    return sorted(found, key=lambda one: (-one.likeness.score, one.hit.id))


def pairs(
    tx: Connection, viewer: Viewer, state: PairState, now: datetime, office: Office, below: Pair | None = None
) -> tuple[list[Offer], bool]:
    """A page of pairs, likeliest first, and whether there are more."""
    viewer.require(Right.PERSON_MERGE)
    rows = merges.listed(tx, viewer, state, office.today(now), limit=PAGE + 1, below=below)
    people = {one for row in rows for one in (row.first_id, row.second_id)}
    hits = without_birth_dates(tx, viewer, debtors.hits_of(tx, viewer, sorted(people)))
    by_id = {hit.id: hit for hit in hits}
    alike = _alike(tx, [(row.first_id, row.second_id) for row in rows])
    page = [
        Offer(row, by_id[row.first_id], by_id[row.second_id], alike[row.first_id, row.second_id]) for row in rows[:PAGE]
    ]
    access_log.append(tx, viewer, now, "merge.list", detail=f"{state.label} {len(page)}組を表示")
    return page, len(rows) > PAGE


def comparison(tx: Connection, viewer: Viewer, one: int, other: int, now: datetime, office: Office) -> Comparison:
    """Two people side by side. Raises NotFoundError where the viewer may not decide on both, and for strangers."""
    viewer.require(Right.ARREARS_VIEW)
    today = office.today(now)
    of = _allowed(tx, viewer, one, other, today)
    likeness = _alike(tx, [of])[of]
    row = merges.pair(tx, of) or PairRow(0, *of, PairState.OFFERED, likeness.score)
    if not row.id and not likeness.offered:
        raise NotFoundError
    hits = {hit.id: hit for hit in debtors.hits_of(tx, viewer, of)}
    if calls.unproven(tx, viewer) & set(of):
        raise MergeError("masked", "通話中の方の本人確認が済むまで、比較は表示できません。")
    for debtor_id in of:
        access_log.append(tx, viewer, now, "debtor.view", debtor_id=debtor_id, detail="名寄せの比較")
    first, second = (_side(tx, viewer, hits[debtor_id], today) for debtor_id in of)
    return Comparison(row, (first, second), likeness, merges.decisions(tx, viewer, row) if row.id else ())


def decide(
    tx: Connection, viewer: Viewer, one: int, other: int, act: PairAct, note: str, now: datetime, office: Office
) -> None:
    """Decide on a pair. Raises MergeError when somebody decided otherwise meanwhile, or a reason is missing."""
    of = _allowed(tx, viewer, one, other, office.today(now))
    words = " ".join(note.split())[:NOTE_LENGTH]
    if act is PairAct.PART and not words:
        raise MergeError("reason", "解除の理由を入力してください。")
    # the log's head is what writers queue on: from here on nobody else regroups people until this is committed
    for debtor_id, with_id in (of, of[::-1]):
        detail = f"{act.label} {with_id} {words}".strip()
        access_log.append(tx, viewer, now, f"merge.{act.value}", debtor_id=debtor_id, detail=detail)
    found = merges.pair(tx, of)
    if found is None:
        likeness = _alike(tx, [of])[of]
        if not likeness.offered:
            raise NotFoundError
        merges.offer(tx, {of: likeness.score}, now)
        found = merges.pair(tx, of)
    start, end = _MOVES[act]
    if found is None or found.state is not start:
        state = found.state.label if found else ""
        raise MergeError("decided", f"この組はすでに「{state}」になっています。画面を更新して確認してください。")
    merges.decide(tx, viewer, found, act, end, words, now)
    merges.regroup(tx, of)
    for debtor_id in of:
        publish(tx, now, TOPIC, debtor_id)


def look(tx: Connection) -> Found:
    """Compare the next people of the register with those near them."""
    after = merges.swept(tx)
    people = list(tx.execute(select(Debtor.id).where(Debtor.id > after).order_by(Debtor.id).limit(SWEPT)).scalars())
    scores = {of: how.score for of, how in _alike(tx, merges.near(tx, people)).items() if how.offered}
    return Found(people[-1] if people else 0, scores)


def keep(tx: Connection, found: Found, now: datetime) -> int:
    """Offer the pairs that are not known yet, and note how far the sweep is; returns how many are new."""
    known = merges.states(tx, found.scores)
    new = {of: score for of, score in found.scores.items() if of not in known}
    merges.offer(tx, new, now)
    merges.mark(tx, found.after)
    return len(new)


def _allowed(tx: Connection, viewer: Viewer, one: int, other: int, today: date) -> Pair:
    viewer.require(Right.PERSON_MERGE)
    of = in_order(one, other)
    if one == other or merges.may_decide_on(tx, viewer, of, today) != set(of):
        raise NotFoundError
    return of


def _alike(tx: Connection, of: Collection[Pair]) -> dict[Pair, Likeness]:
    known = merges.particulars(tx, {one for pair in of for one in pair})
    return {(one, other): compare(known[one], known[other]) for one, other in of}


def _side(tx: Connection, viewer: Viewer, hit: Hit, today: date) -> Side:
    lines = arrears.lines(tx, viewer.within(viewer.areas(Right.ARREARS_VIEW)), hit.id, today)
    areas = debtors.areas_of(tx, viewer, hit.id)
    owed = {area: sum(line.total for line in lines if line.area is area) for area in areas}
    return Side(hit, debtors.addresses(tx, viewer, hit.id, today), debtors.phones(tx, viewer, hit.id), areas, owed)
