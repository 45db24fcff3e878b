"""Reading the form of a batch: what cannot be read is told beside its field; whether it makes sense, the register says."""

import uuid
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from multidict import MultiDictProxy

from db.rules.sms_batches import BatchSettings, NumberRule
from webpanel.errors import FormError

Form = MultiDictProxy[Any]


@dataclass(frozen=True, slots=True)
class Entered:
    """What was typed."""

    list_id: uuid.UUID
    template_id: uuid.UUID
    settings: BatchSettings


def read(form: Form, zone: ZoneInfo) -> Entered:
    """The batch as typed; raises FormError."""
    wrong: dict[str, str] = {}
    list_id = _id(form, "list_id", "名簿を選んでください。", wrong)
    template_id = _id(form, "template_id", "定型文を選んでください。", wrong)
    opens, closes = _time(form, "opens", wrong), _time(form, "closes", wrong)
    per_minute = _number(form, "per_minute", wrong)
    starts_at = _moment(form, zone, wrong)
    rule = str(form.get("number_rule", ""))
    if rule not in set(NumberRule):
        wrong["number_rule"] = "選択してください。"
    if wrong:
        raise FormError(wrong)
    settings = BatchSettings(
        name=str(form.get("name", "")).strip(),
        number_rule=NumberRule(rule),
        starts_at=starts_at,
        days=frozenset(int(day) for day in form.getall("days", []) if day in {"0", "1", "2", "3", "4", "5", "6"}),
        opens=opens,
        closes=closes,
        per_minute=per_minute,
    )
    return Entered(list_id, template_id, settings)


def _id(form: Form, name: str, sentence: str, wrong: dict[str, str]) -> uuid.UUID:
    try:
        return uuid.UUID(str(form.get(name, "")))
    except ValueError:
        wrong[name] = sentence
        return uuid.UUID(int=0)


def _time(form: Form, name: str, wrong: dict[str, str]) -> time:
    try:
        return time.fromisoformat(str(form.get(name, ""))).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        wrong[name] = "時刻を 09:00 の形で入力してください。"
        return time()


def _number(form: Form, name: str, wrong: dict[str, str]) -> int:
    text = str(form.get(name, "")).strip()
    if text.isascii() and text.isdigit() and len(text) < 7:
        return int(text)
    wrong[name] = "数字を入力してください。"
    return 0


def _moment(form: Form, zone: ZoneInfo, wrong: dict[str, str]) -> datetime | None:
    text = str(form.get("starts_at", "")).strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        wrong["starts_at"] = "送信の開始を「2026-11-25 10:00」の形で入力してください。"
        return None
