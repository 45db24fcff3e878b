"""An extraction, and what else is taken out of one, as CSV: for Excel in UTF-8 with a BOM, for older programs in CP932."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from db.store.extraction_rows import CaseRow
from webpanel.errors import FormError
from webpanel.forms import Fields

HEADINGS: Final = (
    "宛名番号", "氏名", "カナ", "個人・法人", "業務区分", "本税", "最も古い納期限", "滞納期別数", "地区", "納付約束", "最終接触", "最終接触の手段",
    "最終接触の結果", "電話の種類", "注意事項",
)  # fmt: skip
ENCODINGS: Final = {"utf8": "utf-8", "cp932": "cp932"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_UNKNOWN: Final = "〓"


def encoding_of(form: Fields) -> str:
    """Which of ENCODINGS a form asks for; raises FormError."""
    encoding = form.get("encoding", "")
    if encoding not in ENCODINGS:
        raise FormError({"encoding": "文字コードを選んでください。"})
    return encoding


async def started(request: web.Request, name: str, form: str) -> web.StreamResponse:
    """The answer that such a file is written into, part by part."""
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type, response.charset = "text/csv", {"utf8": "utf-8", "cp932": "shift_jis"}[form]
    await response.prepare(request)
    return response


def begin(form: str, headings: Sequence[str] = HEADINGS) -> bytes:
    """The first line; UTF-8 begins with a BOM, by which Excel knows it."""
    return (b"\xef\xbb\xbf" if form == "utf8" else b"") + _encoded(_line(headings), form)


def lines(rows: Sequence[CaseRow], form: str, zone: ZoneInfo) -> bytes:
    """Some cases."""
    return table([_values(row, zone) for row in rows], form)


def table(rows: Sequence[Sequence[str]], form: str) -> bytes:
    """Some lines of values; text that somebody wrote has been through `safe`."""
    return _encoded("".join(_line(row) for row in rows), form)


def _values(row: CaseRow, zone: ZoneInfo) -> list[str]:
    return [
        row.number, safe(row.name), safe(row.kana), row.kind.label, row.area.label, _number(row.principal),
        _day(row.oldest_due), _number(row.open_count), safe(row.district or ""),
        row.promise.label if row.promise else "", _moment(row.last_at, zone),
        row.last_channel.label if row.last_channel else "", safe(row.last_disposition or ""),
        "・".join(kind.label for kind in row.phones), "・".join(kind.label for kind in row.flags),
    ]  # fmt: skip


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""


def safe(text: str) -> str:
    """Text that a spreadsheet would run as a formula is made text."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(values: Sequence[str]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerow(values)
    return made.getvalue()


def _encoded(text: str, form: str) -> bytes:
    """A character that the encoding lacks becomes 〓, as printers have always done."""
    encoding = ENCODINGS[form]
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(_character(one, encoding) for one in text)


def _character(one: str, encoding: str) -> bytes:
    try:
        return one.encode(encoding)
    except UnicodeEncodeError:
        return _UNKNOWN.encode(encoding)
