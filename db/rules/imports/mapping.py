"""A mapping: where in a core system's file each field stands, and how it is written there.

An admin writes it as TOML (docs/import.md is the reference); the outer layer parses the TOML and hands the document over.
Everything that is wrong with it is said at once, each with the place in the document.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from db.rules.imports.fields import KINDS, Field, Form, Kind
from db.rules.terms import Area, ImportKind, Load

T = TypeVar("T")

ENCODINGS: Final[Mapping[str, str]] = {"auto": "", "cp932": "cp932", "utf-8": "utf-8"}
_FILE_KEYS: Final = frozenset({"encoding", "delimiter", "header", "skip_lines", "keep"})
_TOP_KEYS: Final = frozenset(
    {"name", "kind", "system", "areas", "load", "largest_closing", "largest_rejection", "file", "columns"}
)
_COLUMN_KEYS: Final = frozenset({"column", "columns", "join", "sum", "codes", "default", "value", "blank", "pad"})
_NEEDS_AREAS: Final = frozenset({ImportKind.ASSESSMENTS, ImportKind.PAYMENTS})

ColumnName = str | int
"""A heading, or (files without headings) the number of a column from 1."""


class MappingError(Exception):
    """A mapping that cannot be used; `problems` are Japanese sentences, each with its place in the document."""

    code = "mapping"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("マッピングに誤りがあります: " + " / ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field comes from: `columns` joined by `join` (or added up, `total`), or the constant `value`.

    `codes` turns the core system's codes into ours, `blank` lists texts that mean "nothing", `default` stands in for
    nothing, `pad` fills a number up with zeros in front.
    """

    columns: tuple[ColumnName, ...]
    join: str = ""
    total: bool = False
    codes: Mapping[str, str] | None = None
    default: str = ""
    value: str | None = None
    blank: frozenset[str] = frozenset()
    pad: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is written. `keep`: only lines whose column holds one of these texts are meant for us."""

    encoding: str = ""
    delimiter: str = ","
    header: bool = True
    skip_lines: int = 0
    keep: Mapping[ColumnName, frozenset[str]] = ()  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A mapping that can be used.

    `system` names the origin: what an import of it no longer holds ends, and only that. `areas`: the business areas that
    the file is about. `largest_closing`, `largest_rejection`: shares of what is there, of the lines, beyond which an import
    waits for a person's word.
    """

    name: str
    kind: ImportKind
    system: str
    areas: frozenset[Area]
    load: Load
    layout: Layout
    columns: Mapping[str, Column]
    largest_closing: float = 0.2
    largest_rejection: float = 0.2

    @property
    def fields(self) -> Kind:
        """The fields of its kind."""
        return KINDS[self.kind]


def parse_mapping(document: Mapping[str, Any]) -> ImportMapping:
    """Read a mapping from its TOML document; raises MappingError with all that is wrong."""
    reader = _Reader()
    made = reader.mapping(document)
    if reader.problems or made is None:
        raise MappingError(reader.problems)
    return made


class _Reader:
    """Reads a document and collects what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def wrong(self, place: str, sentence: str) -> None:
        self.problems.append(f"{place}: {sentence}")

    def mapping(self, document: Mapping[str, Any]) -> ImportMapping | None:
        self._unknown("", document, _TOP_KEYS)
        kind = self._term(document, "kind", ImportKind)
        if kind is None:
            return None
        load = self._term(document, "load", Load) if "load" in document else Load.DELTA
        if load is Load.FULL and not KINDS[kind].full:
            self.wrong("load", f"{kind.label}には full を使えません（取消はマイナスの行で受け取ります）")
        layout = self._layout(document.get("file", {}))
        areas = self._areas(document.get("areas", []))
        if kind in _NEEDS_AREAS and not areas:
            self.wrong("areas", "この種類では業務区分を1つ以上指定してください")
        return ImportMapping(
            name=self._typed(document, "name", str, kind.label),
            kind=kind,
            system=self._typed(document, "system", str, "core"),
            areas=areas,
            load=load or Load.DELTA,
            layout=layout,
            columns=dict(self._columns(document.get("columns", {}), KINDS[kind], header=layout.header)),
            largest_closing=self._share(document, "largest_closing"),
            largest_rejection=self._share(document, "largest_rejection"),
        )

    def _layout(self, file: Any) -> Layout:
        if not isinstance(file, Mapping):
            self.wrong("file", "[file] の下に書いてください")
            return Layout(keep={})
        self._unknown("file.", file, _FILE_KEYS)
        encoding = self._typed(file, "encoding", str, "auto", "file.")
        if encoding not in ENCODINGS:
            self.wrong("file.encoding", f"{'、'.join(ENCODINGS)} のどれかです")
        delimiter = self._typed(file, "delimiter", str, ",", "file.")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            self.wrong("file.delimiter", "1文字で指定してください")
            delimiter = ","
        keep = self._typed(file, "keep", dict, {}, "file.")
        header = self._typed(file, "header", bool, True, "file.")
        kept = {
            self._column_name("file.keep", name, header=header): frozenset(map(str, texts))
            for name, texts in keep.items()
        }
        skip = self._typed(file, "skip_lines", int, 0, "file.")
        return Layout(ENCODINGS.get(encoding, ""), delimiter, header, max(0, skip), kept)

    def _columns(self, columns: Any, kind: Kind, *, header: bool) -> Iterator[tuple[str, Column]]:
        if not isinstance(columns, Mapping):
            self.wrong("columns", "[columns] の下に書いてください")
            return
        known = {field.name: field for field in kind.fields}
        for name, given in columns.items():
            if name not in known:
                self.wrong(f"columns.{name}", f"この種類にない項目です。使えるのは {'、'.join(known)}")
            else:
                yield name, self._column(f"columns.{name}", given, known[name], header=header)
        for field in kind.fields:
            if field.required and field.name not in columns:
                self.wrong(f"columns.{field.name}", f"必須の項目（{field.label}）がありません")

    def _column(self, place: str, given: Any, field: Field, *, header: bool) -> Column:
        table = given if isinstance(given, Mapping) else {"column": given}
        self._unknown(f"{place}.", table, _COLUMN_KEYS)
        names = table.get("columns", [table["column"]] if "column" in table else [])
        if not isinstance(names, list) or bool(names) == ("value" in table):
            self.wrong(place, "column（列の名前）、columns（複数の列）、value（固定の値）のどれか1つで指定してください")
            return Column(())
        codes = self._typed(table, "codes", dict, None, f"{place}.")
        self._check_codes(place, codes, field)
        total = self._typed(table, "sum", bool, False, f"{place}.")
        if total and field.form not in {Form.YEN, Form.SIGNED_YEN}:
            self.wrong(place, "sum は金額の項目だけで使えます")
        return Column(
            columns=tuple(self._column_name(place, name, header=header) for name in names),
            join=self._typed(table, "join", str, "", f"{place}."),
            total=total,
            codes=None if codes is None else {str(key): str(value) for key, value in codes.items()},
            default=str(table.get("default", "")),
            value=str(table["value"]) if "value" in table else None,
            blank=frozenset(map(str, self._typed(table, "blank", list, [], f"{place}."))),
            pad=self._typed(table, "pad", int, 0, f"{place}."),
        )

    def _check_codes(self, place: str, codes: Mapping[str, Any] | None, field: Field) -> None:
        if codes is None or field.terms is None:
            return
        allowed = {term.value for term in field.terms} | {""}
        for key, value in codes.items():
            if value not in allowed:
                self.wrong(
                    f"{place}.codes.{key}", f"「{value}」はありません。使えるのは {'、'.join(sorted(allowed - {''}))}"
                )

    def _column_name(self, place: str, name: Any, *, header: bool) -> ColumnName:
        if header:
            return str(name)
        text = str(name)
        if not (text.isascii() and text.isdigit()) or int(text) < 1:
            self.wrong(place, f"見出しの無いファイルでは、列を1からの番号で指定してください（{text}）")
            return 1
        return int(text)

    def _areas(self, given: Any) -> frozenset[Area]:
        if not isinstance(given, list) or not all(area in set(Area) for area in given):
            self.wrong("areas", f"{'、'.join(area.value for area in Area)} を並べてください")
            return frozenset()
        return frozenset(Area(area) for area in given)

    def _term(self, document: Mapping[str, Any], key: str, terms: Callable[[str], T]) -> T | None:
        try:
            return terms(document.get(key, ""))
        except ValueError:
            self.wrong(key, f"{'、'.join(term.value for term in terms)} のどれかです")  # type: ignore[attr-defined]
            return None

    def _share(self, document: Mapping[str, Any], key: str) -> float:
        value = document.get(key, 0.2)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self.wrong(key, "0から1までの数です")
            return 0.2
        return float(value)

    def _typed(self, table: Mapping[str, Any], key: str, kind: type, default: Any, place: str = "") -> Any:
        value = table.get(key, default)
        if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            self.wrong(f"{place}{key}", f"{_TYPES[kind]}で指定してください")
            return default
        return value

    def _unknown(self, place: str, table: Mapping[str, Any], known: frozenset[str]) -> None:
        for key in table:
            if key not in known:
                self.wrong(f"{place}{key}", f"知らない設定です。使えるのは {'、'.join(sorted(known))}")


_TYPES: Final = {str: "文字列", int: "整数", bool: "true か false", dict: "表（{ }）", list: "配列（[ ]）"}
