"""Templates of messages and what their fields stand for (S2, S7): for each business area, edited by those who edit its rules.

A template is checked as it is and with the office's own words filled in (「納税課」 tells of a debt as well as any other word), so
that what is saved can be sent to anybody whose name it does not happen to hold. A version is a row that is never changed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert

from db.outbox import publish
from db.rules.terms import Area, Right
from db.rules.texts.draft import Draft, look_at_template, plain
from db.rules.texts.fields import CITY, CLERK, PHONE, SECTION, wanting
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.sms import SmsTemplate
from db.store import access_log, office
from db.store import sms as store
from db.store.sms import TemplateRow
from db.usecases.sms import Wording

TOPIC: Final = "office"
KEY: Final = "sms_fields"
MOST: Final = 60
NAME_LENGTH: Final = 40
WORD_LENGTH: Final = 40
ANYBODY: Final = "担当者名"
"""Stands for the clerk's name while a template is written."""


class TemplateError(Exception):
    """A template or the office's words cannot be set so; `fields` says what is wrong with each entry."""

    def __init__(self, code: str, wrong: Mapping[str, str]) -> None:
        super().__init__(" ".join(wrong.values()))
        self.code = code
        self.fields = dict(wrong)


@dataclass(frozen=True, slots=True)
class Words:
    """What the fields of an area's messages stand for; "" for what the office has not said yet."""

    section: str = ""
    phone: str = ""


def words(tx: Connection, area: Area) -> Words:
    """What the office has set for an area."""
    kept = office.value(tx, f"{KEY}.{area}") or {}
    return Words(str(kept.get("section", "")), str(kept.get("phone", "")))


def values(tx: Connection, area: Area, city: str, clerk: str) -> Mapping[str, str]:
    """What each field of an area's messages is filled with. Of a clerk's name the surname only."""
    own = words(tx, area)
    surname = clerk.split()[0] if clerk.split() else ""
    return {CITY: city, SECTION: own.section, PHONE: own.phone, CLERK: surname}


def set_words(tx: Connection, viewer: Viewer, area: Area, new: Words, now: datetime, wording: Wording) -> None:
    """Say what an area's fields stand for. Raises NotAllowedError, TemplateError."""
    viewer.require(Right.RULES_EDIT, area)
    entered = {"section": " ".join(new.section.split()), "phone": " ".join(new.phone.split())}
    wrong = {}
    for name, word in entered.items():
        found = wanting(word, wording.lint)
        if not word.isprintable() or len(word) > WORD_LENGTH:
            wrong[name] = f"{WORD_LENGTH}文字以内で入力してください。"
        elif found:
            wrong[name] = found[0].reason
    if wrong:
        raise TemplateError("words", wrong)
    if entered != (office.value(tx, f"{KEY}.{area}") or {"section": "", "phone": ""}):
        office.put(tx, viewer, f"{KEY}.{area}", entered, now)
        _tell(tx, viewer, area, now, "sms.words", " ".join(entered.values()))


def save(
    tx: Connection, viewer: Viewer, area: Area, template_id: uuid.UUID | None, name: str, body: str, now: datetime,
    wording: Wording, city: str,
) -> uuid.UUID:  # fmt: skip
    """Make a template, or (with its id) a new version of one; returns its id. Raises NotAllowedError, TemplateError."""
    viewer.require(Right.RULES_EDIT, area)
    name, body = " ".join(name.split()), plain(body)
    others = [row for row in store.templates(tx, area) if row.template_id != template_id]
    wrong = _name_problems(name, others)
    seen = draft(tx, area, body, wording, city)
    if not seen.fine:
        wrong["body"] = " ".join(seen.reasons)
    if wrong:
        raise TemplateError("template", wrong)
    if template_id is not None:
        before = _in_force(tx, area, template_id)
        if (before.name, before.body) == (name, body):
            return template_id
    elif len(others) >= MOST:
        raise TemplateError("too_many", {"name": f"定型文は{MOST}件までです。"})
    kept = template_id or new_id()
    _write(tx, viewer, area, kept, name, body, now, retired=False)
    _tell(tx, viewer, area, now, "sms.template", f"「{name}」を{'変更' if template_id else '作成'}")
    return kept


def retire(tx: Connection, viewer: Viewer, area: Area, template_id: uuid.UUID, now: datetime) -> None:
    """Offer a template no more; it stays as history."""
    viewer.require(Right.RULES_EDIT, area)
    row = _in_force(tx, area, template_id)
    _write(tx, viewer, area, template_id, row.name, row.body, now, retired=True)
    _tell(tx, viewer, area, now, "sms.template", f"「{row.name}」を廃止")


def history(tx: Connection, viewer: Viewer, area: Area) -> list[TemplateRow]:
    """Every version of every template of an area, newest first."""
    viewer.require(Right.RULES_EDIT, area)
    return store.versions(tx, area)


def draft(tx: Connection, area: Area, body: str, wording: Wording, city: str) -> Draft:
    """How a template will look, and what is wrong with it."""
    filled = values(tx, area, city, ANYBODY)
    return look_at_template(plain(body), filled, wording.lint, wording.allowance)


def _name_problems(name: str, others: Sequence[TemplateRow]) -> dict[str, str]:
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        return {"name": f"名前を{NAME_LENGTH}文字以内で入力してください。"}
    if any(row.name == name for row in others):
        return {"name": "同じ名前の定型文があります。"}
    return {}


def _in_force(tx: Connection, area: Area, template_id: uuid.UUID) -> TemplateRow:
    for row in store.templates(tx, area):
        if row.template_id == template_id:
            return row
    raise TemplateError("no_such_template", {"name": "この定型文は廃止されたか、ありません。"})


def _write(
    tx: Connection, viewer: Viewer, area: Area, template_id: uuid.UUID, name: str, body: str, now: datetime, *, retired: bool
) -> None:  # fmt: skip
    tx.execute(
        insert(SmsTemplate).values(
            id=new_id(), template_id=template_id, area=area, name=name, body=body, retired=retired,
            set_by=viewer.user_id, set_at=now,
        )
    )  # fmt: skip


def _tell(tx: Connection, viewer: Viewer, area: Area, now: datetime, action: str, detail: str) -> None:
    access_log.append(tx, viewer, now, action, detail=f"{area.label} {detail}")
    publish(tx, now, TOPIC, f"{KEY}.{area}")
