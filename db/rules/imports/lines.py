"""From the fields of a record to the values of a line, or to the refusal that names the column, the value and the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from db.rules.imports import values
from db.rules.imports.fields import Field, Form
from db.rules.imports.mapping import Column, ColumnName, ImportMapping
from db.rules.imports.records import PRIVATE_USE, UNREADABLE, Record
from db.rules.imports.values import BadValueError, Readers

Value = str | int | None
Values = tuple[Value, ...]
"""The values of a line in the order of the kind's fields. Dates are ISO text, amounts whole yen, a phone is `E.164/kind`."""

LONGEST_SHOWN: Final = 100
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be taken: where (heading or number of the column), what stood there, and why (Japanese).

    `values`: if the fields that name the line could be read: those, and None for all others; else empty.
    """

    number: int
    column: str
    value: str
    reason: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Private:
    """A character (外字) that only the core system can show, with where it stands."""

    number: int
    column: str
    character: str
    value: str


class HeaderError(Exception):
    """The file's columns are not those that the mapping names; the message is Japanese."""

    code = "header"


class _BadColumnError(Exception):
    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


class LineReader:
    """Reads the records of one file by a mapping. Made from the first record if the file has headings.

    Each field has a memory of the texts it read last: in the files of core systems most texts come again and again, and
    looking one up takes a tenth of the time of reading it.
    """

    def __init__(self, mapping: ImportMapping, readers: Readers, header: Sequence[str] | None) -> None:
        """Find the columns; raises HeaderError if one that the mapping names is not there."""
        self._header = [name.strip() for name in header] if header is not None else None
        self._width = len(header) if header is not None else 0
        self._least = 0
        self._mapping = mapping
        self._readers = readers
        self._missing([name for column in mapping.columns.values() for name in column.columns])
        self._keep = [(self._place(column), texts) for column, texts in mapping.layout.keep.items()]
        self._joins: list[tuple[int, ...]] = []
        kind = mapping.fields
        self._cells = [self._cell(field, mapping.columns.get(field.name)) for field in kind.fields]
        self._keys = [field.name in kind.key for field in kind.fields]

    def skipped(self, record: Record) -> bool:
        """Whether a record is none of ours: an empty line, or one that `keep` leaves out."""
        fields = record.fields
        if record.reason:
            return False
        if not (fields and fields[0].strip()) and not any(field.strip() for field in fields):
            return True
        if not self._keep:
            return False
        return any(place >= len(fields) or fields[place].strip() not in texts for place, texts in self._keep)

    def read(self, record: Record) -> Values | Refused:
        """The values of a record, or why it is refused."""
        fields = record.fields
        if (record.reason or len(fields) != self._width) and (refused := self._misshapen(record)):
            return refused
        if self._joins:
            fields = fields + [_JOINT.join([fields[place] for place in places]) for places in reversed(self._joins)]
        try:
            return tuple([cell[fields[place]] for cell, place in self._cells])
        except _BadColumnError as error:
            return Refused(record.number, error.column, _shown(error.value), error.reason, self._readable(fields))

    def read_all(self, batch: Sequence[Record]) -> list[Values] | None:
        """The values of many records, a column after the other, which makes reading a file some 15 % shorter; None if any of
        them is to be looked at by itself: skipped, misshapen, or refused."""
        _, rows, reasons, _, _ = zip(*batch, strict=True)
        widths = set(map(len, rows))
        fits = widths == {self._width} if self._width else len(widths) == 1 and min(widths) >= self._least
        if self._keep or self._joins or any(reasons) or not fits:
            return None
        columns = list(zip(*rows, strict=True))
        if not all(map(str.strip, columns[0])):
            return None
        try:
            return list(zip(*[cell.of_all(columns[place]) for cell, place in self._cells], strict=True))
        except _BadColumnError:
            return None

    def private(self, record: Record) -> list[Private]:
        """The 外字 of a record, by column."""
        return [
            Private(record.number, self._title(place), character, _shown(field))
            for place, field in enumerate(record.fields)
            for character in dict.fromkeys(PRIVATE_USE.findall(field))
        ]

    def _misshapen(self, record: Record) -> Refused | None:
        fields = record.fields
        if record.reason:
            return Refused(record.number, "", record.raw, record.reason)
        if self._width:
            reason = f"列の数が違います（見出しは{self._width}列、この行は{len(fields)}列）"
            return Refused(record.number, "", _shown(",".join(fields)), reason)
        if len(fields) < self._least:
            reason = f"列が足りません（{self._least}列目までが必要、この行は{len(fields)}列）"
            return Refused(record.number, "", _shown(",".join(fields)), reason)
        return None

    def _readable(self, fields: Sequence[str]) -> tuple[Value, ...]:
        try:
            return tuple(
                cell[fields[place]] if key else None for (cell, place), key in zip(self._cells, self._keys, strict=True)
            )
        except _BadColumnError:
            return ()

    def _missing(self, names: Iterable[ColumnName]) -> None:
        if self._header is None:
            self._least = max([self._least, *(int(name) for name in names)])
            return
        missing = [str(name) for name in dict.fromkeys(names) if name not in self._header]
        twice = [str(name) for name in dict.fromkeys(names) if self._header.count(str(name)) > 1]
        if missing:
            listed = "、".join(self._header[:60])
            raise HeaderError(f"見出しに「{'」「'.join(missing)}」がありません。ファイルの見出し: {listed[:600]}")
        if twice:
            raise HeaderError(f"見出し「{'」「'.join(twice)}」が2つ以上あります")

    def _place(self, column: ColumnName) -> int:
        if isinstance(column, int):
            return column - 1
        self._missing([column])
        return self._header.index(column) if self._header else 0

    def _title(self, place: int) -> str:
        if self._header is not None and place < len(self._header):
            return self._header[place]
        return f"{place + 1}列目"

    def _cell(self, field: Field, column: Column | None) -> "tuple[_Cell | _Nothing, int]":
        """How a field is read, and where its text stands; what is joined from several columns stands at the end."""
        if column is None:
            return _Nothing(), 0
        convert = self._converter(field, column)
        places = tuple(self._place(name) for name in column.columns)
        title = "＋".join(self._title(place) for place in places) or field.label
        if column.value is not None:
            return _Fixed(convert, title, field, replace(column, default=column.value)), 0
        if len(places) == 1:
            return _Cell(convert, title, field, column), places[0]
        self._joins.append(places)
        made = _Total if column.total else _Joined
        return made(convert, title, field, column), -len(self._joins)

    def _converter(self, field: Field, column: Column) -> Callable[[str], Value]:
        plain = self._form(field)
        pad, codes = column.pad, column.codes
        if codes is not None:
            return lambda text: plain(_coded(text, codes))
        if pad:
            return lambda text: plain(values.code(text).zfill(pad))
        return plain

    def _form(self, field: Field) -> Callable[[str], Value]:
        readers = self._readers
        match field.form:
            case Form.DATE:
                return lambda text: values.day(text, readers.day)
            case Form.YEAR:
                return lambda text: values.fiscal_year(text, readers.day)
            case Form.PHONE:
                return lambda text: values.phone(text, readers.phone)
            case Form.ITEM:
                return lambda text: values.item(text, readers.items, self._mapping.areas)
            case Form.CHOICE:
                terms = field.terms
                if terms is None:
                    raise ValueError(field.name)
                return lambda text: values.choice(text, terms) if text else None
        return _PLAIN[field.form]


_PLAIN: Final[dict[Form, Callable[[str], Value]]] = {
    Form.TEXT: values.text,
    Form.NOTE: values.note,
    Form.CODE: values.code,
    Form.YEN: values.yen,
    Form.SIGNED_YEN: values.signed_yen,
    Form.COUNT: values.count,
}


class _Cell(dict[str, Value]):
    """One field of a file: the values of the texts it read last. A text that is new is read; one that is bad is refused."""

    def __init__(self, convert: Callable[[str], Value], title: str, field: Field, column: Column) -> None:
        super().__init__()
        self._convert, self._title, self._field, self._column = convert, title, field, column

    def __missing__(self, text: str) -> Value:
        value = self._read(text)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[text] = value
        return value

    def of_all(self, texts: Sequence[str]) -> Iterable[Value]:
        """The values of many texts."""
        return map(self.__getitem__, texts)

    def _read(self, text: str) -> Value:
        plain = text.strip()
        if not plain or plain in self._column.blank:
            return self._converted(self._column.default) if self._column.default else self._nothing(text)
        return self._converted(text)

    def _converted(self, text: str) -> Value:
        try:
            value = self._convert(text)
        except BadValueError as error:
            raise _BadColumnError(self._title, text, str(error)) from None
        if value is None or value == "":
            return self._nothing(text)
        if not text.isascii() and UNREADABLE in text:
            raise _BadColumnError(self._title, text, "文字コードの誤りで読み取れない文字があります")
        return value

    def _nothing(self, text: str) -> Value:
        if self._field.required:
            raise _BadColumnError(self._title, text, "値がありません（必須の項目です）")
        return None


class _Joined(_Cell):
    """A field from several columns."""

    def _read(self, text: str) -> Value:
        parts = (part.strip() for part in text.split(_JOINT))
        return super()._read(self._column.join.join(part for part in parts if part and part not in self._column.blank))


class _Total(_Cell):
    """The sum of several amounts; nothing counts as 0 unless there is nothing at all."""

    def _read(self, text: str) -> Value:
        parts = [part for part in text.split(_JOINT) if part.strip() and part.strip() not in self._column.blank]
        amounts = [amount for amount in map(self._converted, parts) if isinstance(amount, int)]
        return sum(amounts) if amounts else self._nothing(text)


class _Fixed(_Cell):
    """A field that the mapping fixes, whatever the line says."""

    def _read(self, text: str) -> Value:  # noqa: ARG002
        return self._converted(self._column.default)


class _Nothing(dict[str, Value]):
    """A field that the mapping does not bring."""

    def __missing__(self, text: str) -> Value:
        return None

    def of_all(self, texts: Sequence[str]) -> Iterable[Value]:
        """Nothing for each text."""
        return [None] * len(texts)


_JOINT: Final = "\x1f"


def _coded(text: str, codes: Mapping[str, str]) -> str:
    plain = text.strip()
    found = codes.get(plain)
    if found is None:
        found = codes.get(values.code(plain))
    if found is None:
        raise BadValueError("マッピングの codes にないコードです")
    return found


def _shown(text: str) -> str:
    text = text.replace(_JOINT, "＋")
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
