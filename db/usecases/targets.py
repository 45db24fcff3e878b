"""Fixing what an extraction finds as a list of targets (対象者名簿), which campaigns, messages, papers and visits work off.

A list is as of its day: who comes under the conditions later is not on it, and who pays stays on it. Whether a person may
be contacted is asked anew each time (`check_contact`), so a list never stands for an answer.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, or_, select, update

from db.rules import bits
from db.rules.condition_checks import problems
from db.rules.condition_words import sentence
from db.rules.conditions import Condition, to_json
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.campaigns import CampaignList
from db.schema.extraction import Target, TargetList
from db.schema.sms import SmsBatch
from db.schema.staff import Staff, StaffGroup
from db.store import access_log, extraction, extraction_rows, targets
from db.store.extraction_rows import CaseRow
from db.usecases.extraction import PAGE, SenselessError, compiler, hide_on_call, over, searching, words
from db.usecases.office import Office
from db.usecases.saved_extractions import NAME_LENGTH, SavedError

LARGEST = 100_000
"""How many cases a list holds at most; a year's targets of a large city are below it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as it was fixed. Yen."""

    id: uuid.UUID
    name: str
    owner: str
    group: str | None
    mine: bool
    sentence: str
    cases: int
    people: int
    principal: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ListPage:
    """Cases of a page of a list; `then`: what each (by its id) owed when the list was fixed. `after`: where the next begins."""

    rows: Sequence[CaseRow]
    then: Mapping[int, int]
    after: int | None


def freeze(
    tx: Connection, viewer: Viewer, tree: Condition, name: str, group_id: int | None, now: datetime, office: Office
) -> uuid.UUID:
    """Fix what a tree finds now as a list; returns its id. Raises SavedError, SenselessError."""
    known = words(tx, viewer)
    if found := problems(tree, known, office.today(now)):
        raise SenselessError(found)
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise SavedError("name", "name", f"名簿の名前を{NAME_LENGTH}文字以内で入力してください。")
    if group_id is not None and group_id not in viewer.group_ids:
        raise SavedError("group", "group", "共有できるのは自分の所属するグループだけです。")
    condition, seer = compiler(tx, now, office).condition(tree), searching(viewer)
    there, _ = extraction.totals(tx, seer, condition)
    if not there:
        raise SavedError("empty", "", "該当する案件がないため、名簿を作成できません。")
    if there > LARGEST:
        raise SavedError("too_many", "", f"名簿は{LARGEST:,}件までです（該当{there:,}件）。条件を絞ってください。")
    list_id, said = new_id(), sentence(tree, known)
    tx.execute(
        insert(TargetList).values(
            id=list_id, name=name, user_id=viewer.user_id, group_id=group_id, sentence=said,
            conditions=to_json(tree), area_bits=0, cases=0, people=0, principal=0, made_at=now,
        )
    )  # fmt: skip
    targets.fill(tx, seer, list_id, condition)
    cases, people, principal = targets.totals(tx, list_id)
    summed = {"cases": cases, "people": people, "principal": principal, "area_bits": targets.areas(tx, list_id)}
    tx.execute(update(TargetList).where(TargetList.id == list_id).values(summed))
    access_log.append(tx, viewer, now, "targets.freeze", detail=f"「{name}」{said[:500]} {cases:,}件")
    return list_id


def listed(tx: Connection, viewer: Viewer) -> list[Listed]:
    """The viewer's lists and those of their groups, newest first."""
    viewer.require(Right.EXTRACT)
    return _read(tx, viewer)


def one(tx: Connection, viewer: Viewer, list_id: uuid.UUID) -> Listed:
    """One of them. Raises SavedError."""
    viewer.require(Right.EXTRACT)
    for found in _read(tx, viewer):
        if found.id == list_id:
            return found
    raise SavedError("no_such_list", "", "該当する名簿がありません。削除されたか、共有が解除されています。")


def page(
    tx: Connection, viewer: Viewer, list_id: uuid.UUID, after: int, now: datetime, office: Office, size: int = PAGE
) -> ListPage:
    """`size` cases of a list after a case's id, as they stand now. To be logged before it is shown."""
    keys = targets.page(tx, searching(viewer), list_id, size, after)
    more, keys = len(keys) > size, keys[:size]
    rows = extraction_rows.rows(
        tx, searching(viewer), [key[0] for key in keys], words(tx, viewer), office.today(now), over(now, office)
    )
    return ListPage(hide_on_call(tx, viewer, rows), dict(keys), keys[-1][0] if more else None)


def log_page(tx: Connection, viewer: Viewer, fixed: Listed, shown: ListPage, now: datetime) -> None:
    """Note that the list was looked at, and everybody whom the page shows."""
    access_log.append(tx, viewer, now, "targets.view", detail=f"「{fixed.name}」{fixed.cases:,}件")
    people = list(dict.fromkeys(row.debtor_id for row in shown.rows))
    access_log.append_each(tx, viewer, now, "extract.shown", people, "名簿に表示")


def remove(tx: Connection, viewer: Viewer, list_id: uuid.UUID, now: datetime) -> None:
    """Delete one's own list."""
    found = one(tx, viewer, list_id)
    if not found.mine:
        raise SavedError(
            "not_yours", "", f"この名簿は{found.owner}さんが作成したものです。削除できるのは本人だけです。"
        )
    if tx.execute(select(exists().where(CampaignList.list_id == list_id))).scalar_one():
        raise SavedError("in_use", "", "キャンペーンで使用しているため、名簿を削除できません。")
    if tx.execute(select(exists().where(SmsBatch.list_id == list_id))).scalar_one():
        raise SavedError("in_use", "", "SMSの一括送信で使用しているため、名簿を削除できません。")
    tx.execute(delete(Target).where(Target.list_id == list_id))
    tx.execute(delete(TargetList).where(TargetList.id == list_id))
    access_log.append(tx, viewer, now, "targets.delete", detail=found.name)


def _read(tx: Connection, viewer: Viewer) -> list[Listed]:
    walled_off = bits.mask(bits.AREAS, set(Area) - searching(viewer).areas(Right.ARREARS_VIEW))
    query = (
        select(TargetList, Staff.name.label("owner"), StaffGroup.name.label("group_name"))
        .join(Staff, Staff.id == TargetList.user_id)
        .outerjoin(StaffGroup, StaffGroup.id == TargetList.group_id)
        .where(or_(TargetList.user_id == viewer.user_id, TargetList.group_id.in_(viewer.group_ids)))
        .where(TargetList.area_bits.bitwise_and(walled_off) == 0)
        .order_by(TargetList.made_at.desc())
        .limit(200)
    )
    return [
        Listed(
            id=row.id,
            name=row.name,
            owner=row.owner,
            group=row.group_name,
            mine=row.user_id == viewer.user_id,
            sentence=row.sentence,
            cases=row.cases,
            people=row.people,
            principal=row.principal,
            made_at=row.made_at,
        )
        for row in tx.execute(query)
    ]
