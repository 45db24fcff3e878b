"""What goes back to the core system, and how its files are written: an admin's TOML, as for imports (docs/import.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from db.rules.imports.mapping import MappingError
from db.rules.terms import Area, ExportKind, Term

FIELDS: Final[Mapping[ExportKind, Mapping[str, str]]] = {
    ExportKind.CONTACTS: {
        "id": "記録番号", "person": "宛名番号", "name": "氏名", "area": "業務区分", "channel": "手段", "at": "日時",
        "staff": "担当者", "number": "電話番号", "answered_by": "応答者", "disposition": "結果", "note": "メモ",
        "next_step": "次の対応", "corrects": "訂正する記録番号",
    },
    ExportKind.PROMISES: {
        "id": "約束番号", "event": "異動", "person": "宛名番号", "name": "氏名", "area": "業務区分", "at": "受付日時",
        "staff": "受付者", "line": "回", "lines": "回数", "due_on": "納付予定日", "amount": "金額", "total": "合計額",
    },
    ExportKind.RESULTS: {
        "id": "発信番号", "person": "宛名番号", "name": "氏名", "area": "業務区分", "at": "日時", "number": "電話番号",
        "result": "発信結果",
    },
}  # fmt: skip
"""The fields of each kind, with what they are called without a heading of one's own."""

_ENCODINGS: Final = {"cp932": "cp932", "utf-8": "utf-8", "utf-8-bom": "utf-8-sig"}
_DATES: Final = ("iso", "packed", "era")
_EXPORT_KEYS: Final = frozenset({"name", "kind", "areas", "since"})
_FILE_KEYS: Final = frozenset({"encoding", "delimiter", "header", "dates"})
_COLUMN_KEYS: Final = frozenset({"field", "heading", "codes", "value"})


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column: a field of the kind, or the constant `value`. `codes` turns our codes into the core system's."""

    heading: str
    field: str = ""
    value: str = ""
    codes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ExportMapping:
    """An export that can be made. `name` is its stream: what one export of it held, no later one holds again.

    `since`: what is older never goes out. `dates`: ISO, packed (20261124) or era (R8.11.24 as 5081124).
    """

    name: str
    kind: ExportKind
    areas: frozenset[Area]
    columns: tuple[ExportColumn, ...]
    since: date | None = None
    encoding: str = "cp932"
    delimiter: str = ","
    header: bool = True
    dates: str = "iso"


def parse_export(document: Mapping[str, Any]) -> ExportMapping:
    """Read an export from its TOML document; raises MappingError with all that is wrong."""
    problems: list[str] = []
    export, file = document.get("export", {}), document.get("file", {})
    for place, table, known in (("export.", export, _EXPORT_KEYS), ("file.", file, _FILE_KEYS)):
        problems += [f"{place}{key}: 知らない設定です" for key in table if key not in known]
    kind = export.get("kind", "")
    areas = export.get("areas", [])
    if kind not in set(ExportKind):
        raise MappingError([*problems, f"export.kind: {'、'.join(ExportKind)} のどれかです"])
    if not areas or any(area not in set(Area) for area in areas):
        problems.append(f"export.areas: {'、'.join(Area)} を1つ以上並べてください")
    if file.get("encoding", "cp932") not in _ENCODINGS:
        problems.append(f"file.encoding: {'、'.join(_ENCODINGS)} のどれかです")
    if file.get("dates", "iso") not in _DATES:
        problems.append(f"file.dates: {'、'.join(_DATES)} のどれかです")
    if not isinstance(export.get("since", date.min), date):
        problems.append("export.since: 日付（2026-04-01 のように）です")
    columns = _columns(ExportKind(kind), document.get("columns", []), problems)
    if problems:
        raise MappingError(problems)
    return ExportMapping(
        name=str(export.get("name", kind)),
        kind=ExportKind(kind),
        areas=frozenset(Area(area) for area in areas),
        columns=columns,
        since=export.get("since"),
        encoding=_ENCODINGS[file.get("encoding", "cp932")],
        delimiter=str(file.get("delimiter", ",")),
        header=bool(file.get("header", True)),
        dates=str(file.get("dates", "iso")),
    )


def cells(mapping: ExportMapping, row: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """The texts of one line; `row` by the names of the fields."""
    return [column.value or _text(row[column.field], column.codes, mapping.dates, zone) for column in mapping.columns]


def _columns(kind: ExportKind, given: Any, problems: list[str]) -> tuple[ExportColumn, ...]:
    known = FIELDS[kind]
    made = []
    for number, table in enumerate(given, start=1):
        place = f"columns[{number}]"
        problems += [f"{place}.{key}: 知らない設定です" for key in table if key not in _COLUMN_KEYS]
        field = str(table.get("field", ""))
        if ("value" in table) == bool(field) or (field and field not in known):
            problems.append(f"{place}: field（{'、'.join(known)}）か value のどちらかで指定してください")
            continue
        heading = str(table.get("heading", known.get(field, "")))
        codes = {str(key): str(value) for key, value in table["codes"].items()} if "codes" in table else None
        made.append(ExportColumn(heading, field, str(table.get("value", "")), codes))
    if not made:
        problems.append("columns: [[columns]] を1つ以上書いてください")
    return tuple(made)


def _text(value: Any, codes: Mapping[str, str] | None, dates: str, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if codes is not None:
        return codes.get(str(value), str(value))
    if isinstance(value, Term):
        return value.label
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        return f"{_day(local.date(), dates)} {local:%H:%M:%S}"
    if isinstance(value, date):
        return _day(value, dates)
    return str(value)


def _day(day: date, form: str) -> str:
    if form == "packed":
        return f"{day:%Y%m%d}"
    if form == "era":
        first, digit = (2018, 5) if day >= date(2019, 5, 1) else (1988, 4)
        return f"{digit}{day.year - first:02}{day:%m%d}"
    return day.isoformat()


def headings(mapping: ExportMapping) -> Sequence[str]:
    """The first line."""
    return [column.heading for column in mapping.columns]
