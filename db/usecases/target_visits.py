"""A visit plan from a list of targets (訪問計画, T8): one task 「訪問」 for each case that may be visited on a day.

The rule of contact is asked for that day, at the time at which the office's hours begin (today: for now, if they have). It is
asked when the plan is counted and again in the transaction that makes the tasks. An open visit of a case stays as it is, so a plan that
was cut short is finished by doing it again.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, select

from db.outbox import publish
from db.rules.eligibility import Decision
from db.rules.terms import Area, Channel, Right, TaskKind
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.work import Task
from db.store import access_log, receivers
from db.store.receivers import Receiver
from db.store.targets import ListedCase
from db.usecases.contact_facts import Target
from db.usecases.eligibility import foresee_each
from db.usecases.entries import EntryError
from db.usecases.extraction import searching
from db.usecases.office import Office
from db.usecases.policies import policy_of
from db.usecases.target_checks import Judged, Tally, areas_of, judge
from db.usecases.targets import Listed
from db.usecases.task_desk import WORDS_LENGTH, receiver_of
from db.usecases.tasks import TOPIC

TOGETHER: Final = 100
"""Cases whose tasks are made in one transaction."""
MOST: Final = 5_000
"""Cases of a list of which a plan can be made, so that a slip of the hand stays small."""
FARTHEST: Final = timedelta(days=92)
"""How far ahead a visit is planned: of later days the rule knows nothing."""


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """Who (`key` as of `Receiver.key`) is to visit on which day, with which instruction."""

    key: str
    day: date
    instruction: str


@dataclass(slots=True)
class Made:
    """What became of a plan: tasks made, cases that had an open one, cases left out, and how often for which reason."""

    made: int = 0
    there: int = 0
    left_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Made") -> None:
        """Count what became of a portion."""
        self.made, self.there = self.made + other.made, self.there + other.there
        self.left_out += other.left_out
        self.reasons.update(other.reasons)


def choices(tx: Connection, viewer: Viewer, list_id: uuid.UUID) -> list[Receiver]:
    """Who sees people of all of a list's areas in which the viewer assigns."""
    viewer.require(Right.ASSIGN)
    found: list[Receiver] = []
    for place, area in enumerate(areas_of(tx, _assigning(viewer), list_id)):
        here = receivers.of_area(tx, viewer, area)
        keys = {one.key for one in here}
        found = [one for one in found if one.key in keys] if place else here
    return found


def check(tx: Connection, viewer: Viewer, fixed: Listed, plan: VisitPlan, now: datetime, office: Office) -> None:
    """Whether a plan can be made of a list at all. Raises EntryError, NotAllowedError."""
    check_day(fixed, plan.day, now, office)
    if len(plan.instruction) > WORDS_LENGTH:
        raise EntryError("instructions", "too_long", f"指示は{WORDS_LENGTH}文字以内で入力してください。")
    for area in areas_of(tx, _assigning(viewer), fixed.id):
        receiver_of(tx, viewer, area, plan.key, Right.DEBTOR_VIEW)


def check_day(fixed: Listed, day: date, now: datetime, office: Office) -> None:
    """Whether visits of a list can be planned for a day. Raises EntryError."""
    if fixed.cases > MOST:
        raise EntryError("cases", "too_many", f"訪問計画を作成できる名簿は{MOST:,}件までです。条件を絞ってください。")
    if day < office.today(now):
        raise EntryError("day", "past", "訪問日は本日以降の日を入力してください。")
    if day > office.today(now) + FARTHEST:
        raise EntryError("day", "far", f"訪問日は{FARTHEST.days}日先までの日を入力してください。")


def count_part(
    tx: Connection, viewer: Viewer, list_id: uuid.UUID, after: int, day: date, now: datetime, office: Office
) -> tuple[list[Judged], int | None]:
    """Ask about a portion of a list; also where the next begins. To be logged before it is shown."""
    viewer.require(Right.ASSIGN)
    return _judge(tx, _assigning(viewer), list_id, after, day, now, office)


def log_count(tx: Connection, viewer: Viewer, fixed: Listed, tally: Tally, now: datetime) -> None:
    """Note that somebody learnt how many of a list may be visited."""
    access_log.append(
        tx, viewer, now, "visits.count", detail=f"「{fixed.name}」可{tally.free:,}件・除外{tally.left_out:,}件"
    )


def make_part(
    tx: Connection, viewer: Viewer, fixed: Listed, after: int, plan: VisitPlan, now: datetime, office: Office
) -> tuple[Made, int | None]:
    """Make the tasks of a portion of a list; also where the next begins."""
    check(tx, viewer, fixed, plan, now, office)
    judged, following = _judge(tx, _assigning(viewer), fixed.id, after, plan.day, now, office)
    # the log's head is held from here on: whoever plans visits in the same moment waits, and then sees what is made here
    access_log.append(tx, viewer, now, "visits.plan", detail=f"「{fixed.name}」{plan.day} {len(judged)}件を確認")
    free = [one.case for one in judged if not one.reasons]
    have = _open_visits(tx, [case.debtor_id for case in free])
    new = [case for case in free if (case.debtor_id, case.area) not in have]
    _make(tx, viewer, new, plan, now)
    left_out = [one for one in judged if one.reasons]
    reasons = Counter(reason for one in left_out for reason in one.reasons)
    return Made(len(new), len(free) - len(new), len(left_out), reasons), following


def _make(tx: Connection, viewer: Viewer, cases: Sequence[ListedCase], plan: VisitPlan, now: datetime) -> None:
    if not cases:
        return
    to = {area: receiver_of(tx, viewer, area, plan.key, Right.DEBTOR_VIEW) for area in {case.area for case in cases}}
    common = {
        "kind": TaskKind.VISIT, "due_on": plan.day, "instruction": plan.instruction, "note": f"{viewer.name}の訪問計画",
        "made_at": now, "made_by": viewer.user_id,
    }  # fmt: skip
    rows = [
        {
            "id": new_id(),
            "debtor_id": case.debtor_id,
            "area": case.area,
            "user_id": to[case.area].user_id,
            "group_id": to[case.area].group_id,
            **common,
        }
        for case in cases
    ]
    tx.execute(insert(Task), rows)
    people = list(dict.fromkeys(case.debtor_id for case in cases))
    name = next(iter(to.values())).name
    access_log.append_each(tx, viewer, now, "visits.planned", people, f"{plan.day} {name}")
    publish(tx, now, TOPIC, "")
    for debtor_id in people:
        publish(tx, now, "debtor", debtor_id)


def _open_visits(tx: Connection, debtor_ids: Sequence[int]) -> set[tuple[int, Area]]:
    query = select(Task.debtor_id, Task.area).where(
        Task.kind == TaskKind.VISIT, Task.debtor_id.in_(debtor_ids), Task.done_at.is_(None)
    )
    return {(row.debtor_id or 0, row.area) for row in tx.execute(query)}


def _judge(
    tx: Connection, seer: Viewer, list_id: uuid.UUID, after: int, day: date, now: datetime, office: Office
) -> tuple[list[Judged], int | None]:
    def ask(asked: Sequence[Target]) -> list[Decision]:
        decided: dict[Target, Decision] = {}
        for area in {target.area for target in asked}:
            of_area = [target for target in asked if target.area is area]
            at = max(now, datetime.combine(day, policy_of(tx, area, office).opens, office.zone))
            found = foresee_each(tx, seer, of_area, at, now, office)
            decided.update(zip(of_area, found, strict=True))
        return [decided[target] for target in asked]

    return judge(tx, seer, list_id, after, Channel.VISIT, ask, TOGETHER)


def _assigning(viewer: Viewer) -> Viewer:
    return searching(viewer.within(viewer.areas(Right.ASSIGN)))
