"""Conditions kept under a name (T8): one's own, and those that colleagues share with a group of theirs.

What is shared is the conditions, never what they find: each who uses them sees the cases of their own areas.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from db.rules.conditions import Condition, from_json, to_json
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.extraction import Extraction
from db.schema.staff import Staff, StaffGroup
from db.store import access_log

NAME_LENGTH = 60
DRAFTS_FOR = timedelta(days=7)
"""How long a search that was not saved can be gone back to."""


class SavedError(Exception):
    """What cannot be done with saved conditions. `field` names the input it belongs beside."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Saved:
    """Conditions with their owner. `name` is None for a search that was not saved; `mine`: the viewer may change it."""

    id: uuid.UUID
    name: str | None
    tree: Condition
    owner: str
    group_id: int | None
    group: str | None
    mine: bool
    changed_at: datetime


def put_draft(tx: Connection, viewer: Viewer, tree: Condition, now: datetime) -> uuid.UUID:
    """Keep a search for as long as it is looked at; one's old ones go."""
    viewer.require(Right.EXTRACT)
    old = delete(Extraction).where(
        Extraction.user_id == viewer.user_id, Extraction.name.is_(None), Extraction.changed_at < now - DRAFTS_FOR
    )
    tx.execute(old)
    made = new_id()
    tx.execute(
        insert(Extraction).values(
            id=made, name=None, user_id=viewer.user_id, group_id=None, conditions=to_json(tree), made_at=now,
            changed_at=now,
        )
    )  # fmt: skip
    return made


def listed(tx: Connection, viewer: Viewer) -> list[Saved]:
    """What the viewer saved or a group of theirs was given, by name."""
    viewer.require(Right.EXTRACT)
    rows = _read(tx, viewer, Extraction.name.is_not(None))
    return sorted(rows, key=lambda row: (not row.mine, row.name or ""))


def one(tx: Connection, viewer: Viewer, extraction_id: uuid.UUID) -> Saved:
    """One of them, or a search of one's own that was not saved. Raises SavedError."""
    viewer.require(Right.EXTRACT)
    found = _read(tx, viewer, Extraction.id == extraction_id)
    if not found:
        raise SavedError(
            "no_such_extraction", "", "該当する抽出条件がありません。削除されたか、共有が解除されています。"
        )
    return found[0]


def save(
    tx: Connection, viewer: Viewer, extraction_id: uuid.UUID, name: str, group_id: int | None, now: datetime
) -> uuid.UUID:
    """Save a search under a name, for oneself or for a group too; somebody else's is copied. Returns its id."""
    source = one(tx, viewer, extraction_id)
    name = _checked(tx, viewer, name, group_id, extraction_id if source.mine else None)
    values = {"name": name, "group_id": group_id, "changed_at": now}
    if source.mine and source.name is None:
        tx.execute(update(Extraction).where(Extraction.id == extraction_id).values(values))
        made = extraction_id
    else:
        made = new_id()
        tx.execute(
            insert(Extraction).values(
                id=made, user_id=viewer.user_id, conditions=to_json(source.tree), made_at=now, **values
            )
        )
    access_log.append(tx, viewer, now, "extract.save", detail=name)
    return made


def change(
    tx: Connection, viewer: Viewer, extraction_id: uuid.UUID, name: str, group_id: int | None, now: datetime
) -> None:
    """Rename one's own, and share it with a group or (None) with nobody."""
    _own(tx, viewer, extraction_id)
    name = _checked(tx, viewer, name, group_id, extraction_id)
    tx.execute(
        update(Extraction).where(Extraction.id == extraction_id).values(name=name, group_id=group_id, changed_at=now)
    )
    access_log.append(tx, viewer, now, "extract.save", detail=name)


def remove(tx: Connection, viewer: Viewer, extraction_id: uuid.UUID, now: datetime) -> None:
    """Delete one's own. Lists that were fixed from it stay."""
    name = _own(tx, viewer, extraction_id).name
    tx.execute(delete(Extraction).where(Extraction.id == extraction_id))
    access_log.append(tx, viewer, now, "extract.delete", detail=name or "")


def groups_of(tx: Connection, viewer: Viewer) -> list[tuple[int, str]]:
    """The groups with which the viewer can share: their own."""
    query = select(StaffGroup.id, StaffGroup.name).where(StaffGroup.id.in_(viewer.group_ids))
    return [(row.id, row.name) for row in tx.execute(query.order_by(StaffGroup.name))]


def _own(tx: Connection, viewer: Viewer, extraction_id: uuid.UUID) -> Saved:
    found = one(tx, viewer, extraction_id)
    if not found.mine:
        raise SavedError(
            "not_yours", "", f"この抽出条件は{found.owner}さんが保存したものです。変更できるのは本人だけです。"
        )
    return found


def _checked(tx: Connection, viewer: Viewer, name: str, group_id: int | None, but: uuid.UUID | None) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise SavedError("name", "name", f"名前を{NAME_LENGTH}文字以内で入力してください。")
    if group_id is not None and group_id not in viewer.group_ids:
        raise SavedError("group", "group", "共有できるのは自分の所属するグループだけです。")
    same = select(Extraction.id).where(Extraction.user_id == viewer.user_id, Extraction.name == name)
    if any(row.id != but for row in tx.execute(same)):
        raise SavedError("name_taken", "name", f"「{name}」は使用済みです。別の名前にしてください。")
    return name


def _read(tx: Connection, viewer: Viewer, condition: ColumnElement[bool]) -> Sequence[Saved]:
    shared = Extraction.group_id.in_(viewer.group_ids)
    query = (
        select(Extraction, Staff.name.label("owner"), StaffGroup.name.label("group_name"))
        .join(Staff, Staff.id == Extraction.user_id)
        .outerjoin(StaffGroup, StaffGroup.id == Extraction.group_id)
        .where(condition, or_(Extraction.user_id == viewer.user_id, shared))
    )
    return [
        Saved(
            id=row.id,
            name=row.name,
            tree=from_json(row.conditions),
            owner=row.owner,
            group_id=row.group_id,
            group=row.group_name,
            mine=row.user_id == viewer.user_id,
            changed_at=row.changed_at,
        )
        for row in tx.execute(query)
    ]
