"""What is typed on the record, read and checked. What is wrong is said beside its field, by the field's name.

Each function takes the posted fields and returns values for the use cases, or raises FormError.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from db.reference.calendar import DateTextError, parse_date
from db.rules.duedates import IsClosed
from db.rules.promises import PromiseError, PromiseLine, split_installments
from db.rules.terms import AnsweredBy, Area, Channel
from db.usecases.office import Office
from db.usecases.recalls import RecallEntry
from db.usecases.results import Entry
from webpanel.errors import FormError
from webpanel.forms import Fields, area

SINGLE: Final = "single"
SPLIT: Final = "split"
BY_HAND: Final = "hand"
HAND_LINES: Final = 36
"""Lines of a promise that can be entered one by one; with more, equal parts are the way."""
_YEN: Final = re.compile(r"[0-9]{1,12}")
_ID: Final = re.compile(r"[0-9]{1,18}")
_COUNT: Final = re.compile(r"[0-9]{1,3}")
_ROUND_UNIT: Final = 1_000
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2100
"""Later days are slips of the hand; they would also run past the end of the calendar."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """A contact that went through no call of ours."""

    area: Area
    channel: Channel
    entry: Entry


@dataclass(frozen=True, slots=True)
class Said:
    """What the person on the line said of themselves."""

    kana: str
    birth_date: str
    address: str


def parse_entry(fields: Fields, office: Office, now: datetime) -> Entry:
    """The result of a contact, with a promise and a recall if any."""
    if not fields.get("disposition"):
        raise FormError({"disposition": "結果を選んでください。"})
    return Entry(
        disposition=fields["disposition"],
        note=_text(fields, "note"),
        next_step=_text(fields, "next_step")[:200],
        answered_by=_answered_by(fields),
        promise=parse_promise(fields, office, now),
        recall=parse_recall(fields, office.zone),
    )


def parse_by_hand(fields: Fields, office: Office, now: datetime) -> ByHand:
    """A contact at the counter, or otherwise outside of our calls. `kind` is channel and disposition, with a colon."""
    channel, _, disposition = fields.get("kind", "").partition(":")
    if channel not in set(Channel) or not disposition:
        raise FormError({"kind": "記録の種類を選んでください。"})
    entry = parse_entry({**fields, "disposition": disposition}, office, now)
    return ByHand(area(fields), Channel(channel), entry)


def parse_promise(fields: Fields, office: Office, now: datetime) -> tuple[PromiseLine, ...]:
    """The lines of a promise: none, one on the day that was said, equal monthly ones on open days, or each as typed."""
    today = office.today(now)
    kind = fields.get("promise", "")
    if kind == BY_HAND:
        return _hand_lines(fields, today)
    if kind not in {SINGLE, SPLIT}:
        return ()
    wrong: dict[str, str] = {}
    total = _yen(fields, wrong)
    first = _day(fields.get("promise_first", ""), wrong, "promise_first", today)
    count = _count(fields, wrong) if kind == SPLIT else 1
    if wrong:
        raise FormError(wrong)
    try:
        return split_lines(total, count, first, office.is_closed)
    except PromiseError as error:
        place = "promise_count" if kind == SPLIT else "promise_total"
        raise FormError({place: error.message}) from error


def split_lines(total: int, count: int, first: date, is_closed: IsClosed) -> tuple[PromiseLine, ...]:
    """One line on the very day, or several moved to open days, in thousands of yen where that leaves enough for each."""
    if count == 1:
        return split_installments(total, 1, first)
    unit = _ROUND_UNIT if total // count >= _ROUND_UNIT else 1
    return split_installments(total, count, first, is_closed, unit)


def _hand_lines(fields: Fields, today: date) -> tuple[PromiseLine, ...]:
    """Lines with a day and an amount each (`line_day_1`, `line_yen_1`, …), in the order of their days."""
    wrong: dict[str, str] = {}
    lines = []
    for number in range(1, HAND_LINES + 1):
        day, yen = fields.get(f"line_day_{number}", "").strip(), fields.get(f"line_yen_{number}", "").strip()
        if day or yen:
            problems: dict[str, str] = {}
            first = _day(day, problems, "day", today)
            amount = _amount(yen, problems, "yen")
            if problems:
                wrong.setdefault("promise_lines", f"{number}行目：{' '.join(problems.values())}")
            else:
                lines.append(PromiseLine(first, amount))
    if not lines and not wrong:
        wrong["promise_lines"] = "納付予定日と金額を1行以上入力してください。"
    if wrong:
        raise FormError(wrong)
    ordered = sorted(lines, key=lambda line: line.due)
    if any(later.due == earlier.due for earlier, later in pairwise(ordered)):
        raise FormError({"promise_lines": "同じ納付予定日が2回あります。1行にまとめてください。"})
    return tuple(ordered)


def parse_recall(fields: Fields, zone: ZoneInfo) -> RecallEntry | None:
    """When to call again (`recall_at`, the office's clock), or None."""
    text = fields.get("recall_at", "").strip()
    if not text:
        return None
    wrong = FormError({"recall": "再コールの日時を「2026-11-25 10:00」の形で入力してください。"})
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise wrong from error
    if not _FIRST_YEAR < at.year < _LAST_YEAR:
        raise wrong
    phone = fields.get("recall_phone", "")
    return RecallEntry(
        at.replace(tzinfo=zone),
        anyone="recall_anyone" in fields,
        note=_text(fields, "recall_note")[:200],
        phone_id=int(phone) if _ID.fullmatch(phone) else None,
    )


def parse_said(fields: Fields) -> Said:
    """What was said for the identity check; all three are needed."""
    said = Said(_text(fields, "kana")[:200], _text(fields, "birth_date")[:40], _text(fields, "address")[:200])
    wrong = {}
    if not said.kana:
        wrong["kana"] = "お名前をカナで入力してください。"
    try:
        parse_date(said.birth_date)
    except DateTextError as error:
        wrong["birth_date"] = error.message
    if not said.address:
        wrong["address"] = "住所の町名と番地を入力してください。"
    if wrong:
        raise FormError(wrong)
    return said


def _text(fields: Fields, name: str) -> str:
    """Typed text: line breaks as they were, without carriage returns and NUL (which PostgreSQL refuses)."""
    return fields.get(name, "").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def _answered_by(fields: Fields) -> AnsweredBy | None:
    who = fields.get("answered_by", "")
    return AnsweredBy(who) if who in set(AnsweredBy) else None


def _yen(fields: Fields, wrong: dict[str, str]) -> int:
    return _amount(fields.get("promise_total", ""), wrong, "promise_total")


def _amount(typed: str, wrong: dict[str, str], name: str) -> int:
    text = unicodedata.normalize("NFKC", typed).strip().rstrip("円").replace(",", "")
    if not _YEN.fullmatch(text) or int(text) == 0:
        wrong[name] = "約束金額を1円以上の数字で入力してください。"
        return 0
    return int(text)


def _day(typed: str, wrong: dict[str, str], name: str, today: date) -> date:
    try:
        first = parse_date(typed)
    except DateTextError as error:
        wrong[name] = error.message if error.code != "empty" else "納付予定日を入力してください。"
        return date.min
    if first.year >= _LAST_YEAR:
        wrong[name] = "納付予定日の年を確認してください。"
    elif first < today:
        wrong[name] = "納付予定日が過去の日付です。本日以降の日付を入力してください。"
    return first


def _count(fields: Fields, wrong: dict[str, str]) -> int:
    text = unicodedata.normalize("NFKC", fields.get("promise_count", "")).strip().rstrip("回")
    if not _COUNT.fullmatch(text) or int(text) < 2:
        wrong["promise_count"] = "分割回数を2回以上の数字で入力してください。"
        return 2
    return int(text)
