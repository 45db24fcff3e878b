"""Giving cases to officers and groups (担当, T10): by hand, or many at once by district, item, present holder or list of targets.

Nothing is overwritten: an assignment ends and another begins, so the history stays. Many are given in short transactions of
some people each, so that nobody who saves a result waits; what was cut short is finished by doing it again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.conditions import Amount, Assigned, Condition, District, Group, InArea, Joining, Levy
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.summaries import CaseSummary
from db.schema.work import Assignment
from db.store import access_log, assignments, debtors, extraction, shown, summaries, targets
from db.store.assignments import CaseLine
from db.store.receivers import Receiver
from db.usecases.entries import EntryError
from db.usecases.extraction import compiler
from db.usecases.office import Office
from db.usecases.records import NotFoundError
from db.usecases.targets import one as list_of_targets
from db.usecases.task_desk import receiver_of

TOGETHER: Final = 200
"""People in one transaction."""
MOST: Final = 5_000
"""Cases in one go; more are given in several, so that a slip of the hand stays small."""
WORDS_LENGTH: Final = 400
SCREEN: Final = "担当案件の一覧"
NOBODY: Final = "none"
ANYBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases of an area. `holder`: NOBODY, ANYBODY, or the key of a receiver. With a `list_id` only those on the list."""

    area: Area
    districts: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    holder: str = NOBODY
    owing: bool = True
    list_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a selection comes to: cases, their principal in yen, and how many of them somebody has already."""

    cases: int
    principal: int
    assigned: int


@dataclass(frozen=True, slots=True)
class CaseList:
    """A page of assigned cases; `total` on all pages."""

    rows: Sequence[CaseLine]
    total: int


def preview(tx: Connection, viewer: Viewer, chosen: Selection, now: datetime, office: Office) -> Preview:
    """Count before anything is given. Raises NotAllowedError."""
    viewer.require(Right.ASSIGN, chosen.area)
    seer = viewer.within({chosen.area})
    if chosen.list_id is not None:
        ids = selected(tx, viewer, chosen, now, office)
        have = sum(len(assignments.open_of(tx, chosen.area, part)) for part in _parts(ids))
        return Preview(len(ids), _principal(tx, chosen.area, ids), have)
    make = compiler(tx, now, office)
    cases, principal = extraction.totals(tx, seer, make.condition(_tree(chosen)))
    taken = Group(Joining.ALL, (_tree(chosen), Assigned()))
    return Preview(cases, principal, extraction.totals(tx, seer, make.condition(taken))[0])


def selected(tx: Connection, viewer: Viewer, chosen: Selection, now: datetime, office: Office) -> list[int]:
    """The people of a selection, by id. Raises EntryError for more than MOST."""
    viewer.require(Right.ASSIGN, chosen.area)
    condition = compiler(tx, now, office).condition(_tree(chosen))
    query = select(CaseSummary.debtor_id).where(condition, extraction.visible(viewer.within({chosen.area})))
    if chosen.list_id is not None:
        list_of_targets(tx, viewer, chosen.list_id)
        on_it = {person for person, area in targets.members(tx, viewer, chosen.list_id) if area is chosen.area}
        found = [row for row in tx.execute(query).scalars() if row in on_it]
    else:
        found = list(tx.execute(query.limit(MOST + 1)).scalars())
    if len(found) > MOST:
        raise EntryError("cases", "too_many", f"一度に割り当てられるのは{MOST:,}件までです。条件を絞ってください。")
    return sorted(found)


def assign(
    tx: Connection, viewer: Viewer, area: Area, debtor_ids: Sequence[int], key: str, instructions: str,
    due_on: date | None, now: datetime, office: Office,
) -> int:  # fmt: skip
    """Give the cases of some people to a user or a group, or (NOBODY) take them back; returns how many changed hands.

    Whoever has a case already keeps it, with new instructions and a new due date if there are any.
    """
    viewer.require(Right.ASSIGN, area)
    to = None if key == NOBODY else receiver_of(tx, viewer, area, key, Right.DEBTOR_VIEW)
    words = instructions.replace("\0", "").strip()
    if len(words) > WORDS_LENGTH:
        raise EntryError("instructions", "too_long", f"指示は{WORDS_LENGTH}文字以内で入力してください。")
    for debtor_id in debtor_ids if len(debtor_ids) == 1 else ():
        if area not in debtors.areas_of(tx, viewer, debtor_id):
            raise NotFoundError
    changed, kept = _split(assignments.open_of(tx, area, debtor_ids), debtor_ids, to)
    _end(tx, area, changed, now)
    if to is not None:
        _begin(tx, viewer, area, changed, to, words, due_on, now)
        _renew(tx, area, kept, words, due_on)
    name = to.name if to else "担当なし"
    access_log.append_each(tx, viewer, now, "case.assign", changed, f"{area.label} → {name}")
    summaries.refresh(tx, changed, office.today(now))
    for debtor_id in (*changed, *kept) if len(debtor_ids) == 1 else changed:
        publish(tx, now, "debtor", debtor_id)
    publish(tx, now, "recall", "")
    return len(changed)


def read_list(
    tx: Connection, viewer: Viewer, holder: int | None, page: int, now: datetime, *, opened: bool
) -> CaseList:  # fmt: skip
    """The cases of the viewer and their groups, or of one other user for those who assign; logged."""
    found = _read(tx, viewer, holder, page)
    shown.note(tx, viewer, now, SCREEN, [row.debtor_id for row in found.rows], opened=opened)
    return found


def peek_list(tx: Connection, viewer: Viewer, holder: int | None, page: int) -> CaseList | None:
    """The list as it is fetched again, if the log already tells of all who are on it; otherwise None."""
    found = _read(tx, viewer, holder, page)
    return found if shown.is_logged(tx, viewer, SCREEN, [row.debtor_id for row in found.rows]) else None


def _read(tx: Connection, viewer: Viewer, holder: int | None, page: int) -> CaseList:
    others = holder is not None and holder != viewer.user_id
    seer = viewer.within(viewer.areas(Right.ASSIGN)) if others else viewer
    user_id = holder if holder is not None else viewer.user_id
    groups = () if others else viewer.group_ids
    return CaseList(
        assignments.held(tx, seer, user_id, groups, page), assignments.count_held(tx, seer, user_id, groups)
    )  # fmt: skip


def _tree(chosen: Selection) -> Group:
    parts: list[Condition] = [InArea((chosen.area,))]
    if chosen.districts:
        parts.append(District(chosen.districts))
    if chosen.items:
        parts.append(Levy(items=chosen.items))
    if chosen.owing:
        parts.append(Amount(low=1))
    if chosen.holder == NOBODY:
        parts.append(Group(Joining.NONE, (Assigned(),)))
    elif chosen.holder != ANYBODY:
        number = int(chosen.holder[1:])
        parts.append(Assigned(users=(number,)) if chosen.holder[0] == "u" else Assigned(groups=(number,)))
    return Group(Joining.ALL, tuple(parts))


def _principal(tx: Connection, area: Area, ids: Sequence[int]) -> int:
    total = 0
    for part in _parts(ids):
        query = select(CaseSummary.principal).where(CaseSummary.debtor_id.in_(part), CaseSummary.area == area)
        total += sum(tx.execute(query).scalars())
    return total


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER)]


def _split(
    present: dict[int, list[tuple[uuid.UUID, int | None, int | None]]], ids: Sequence[int], to: Receiver | None
) -> tuple[list[int], list[int]]:
    """Those whose case changes hands, and those who stay with whoever has it."""
    kept = [
        one for one in ids
        if to is not None and [row[1:] for row in present.get(one, [])] == [(to.user_id, to.group_id)]
    ]  # fmt: skip
    if to is None:
        return [one for one in ids if one in present], []
    return [one for one in ids if one not in set(kept)], kept


def _end(tx: Connection, area: Area, ids: Sequence[int], now: datetime) -> None:
    open_ones = update(Assignment).where(
        Assignment.debtor_id.in_(ids), Assignment.area == area, Assignment.ended_at.is_(None)
    )
    tx.execute(open_ones.values(ended_at=now))


def _begin(
    tx: Connection, viewer: Viewer, area: Area, ids: Sequence[int], to: Receiver, words: str, due_on: date | None,
    now: datetime,
) -> None:  # fmt: skip
    if ids:
        common = {
            "area": area, "user_id": to.user_id, "group_id": to.group_id, "instructions": words, "due_on": due_on,
            "assigned_by": viewer.user_id, "assigned_at": now,
        }  # fmt: skip
        tx.execute(insert(Assignment), [{"id": new_id(), "debtor_id": one, **common} for one in ids])


def _renew(tx: Connection, area: Area, ids: Sequence[int], words: str, due_on: date | None) -> None:
    new = {name: value for name, value in (("instructions", words), ("due_on", due_on)) if value}
    if ids and new:
        open_ones = update(Assignment).where(
            Assignment.debtor_id.in_(ids), Assignment.area == area, Assignment.ended_at.is_(None)
        )
        tx.execute(open_ones.values(new))
