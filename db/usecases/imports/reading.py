"""Reading a file onto its stage: records become lines or refusals, in batches."""

from collections.abc import Iterable

from db.reference.calendar import parse_date
from db.reference.phones import parse_phone
from db.rules.imports.lines import HeaderError, LineReader, Refused
from db.rules.imports.mapping import ImportMapping
from db.rules.imports.records import Record
from db.rules.imports.targets import line_key
from db.rules.imports.values import Readers
from db.rules.terms import Area, Load
from db.usecases.imports.stage import Stage
from db.usecases.imports.steps import Counts

BATCH = 2_000


def readers(items: dict[str, Area]) -> Readers:
    """Values that need libraries; `items`: the office's tax items with their areas."""
    return Readers(day=parse_date, phone=_phone, items=items)


class Reading:
    """Collects the lines of a file and hands them to the stage in batches."""

    def __init__(self, stage: Stage, mapping: ImportMapping, readers: Readers) -> None:
        self._stage, self._mapping, self._readers = stage, mapping, readers
        self._kind = mapping.kind
        self._full = mapping.load is Load.FULL
        self._to_skip = mapping.layout.skip_lines
        self._reader = None if mapping.layout.header else LineReader(mapping, readers, None)
        self._lines: list[tuple[object, ...]] = []
        self._refused: list[Refused] = []
        self._skipped = self._accepted = self._rejected = 0
        self.unkeyed = 0

    @property
    def counts(self) -> Counts:
        """Lines so far."""
        return Counts(self._skipped + self._accepted + self._rejected, self._skipped, self._accepted, self._rejected)

    def take(self, batch: Iterable[Record]) -> None:
        """The next records."""
        for record in batch:
            if self._to_skip:
                self._to_skip -= 1
                self._skipped += 1
            elif self._reader is None:
                self._reader = LineReader(self._mapping, self._readers, _headings(record))
            elif self._reader.skipped(record):
                self._skipped += 1
            else:
                self._read(self._reader, record)
        self._flush()

    def _read(self, reader: LineReader, record: Record) -> None:
        values = reader.read(record)
        if isinstance(values, Refused):
            self._rejected += 1
            self._refused.append(values)
            self.unkeyed += self._full and not values.values
            return
        self._accepted += 1
        self._lines.append((record.number, values[0], line_key(self._kind, values), *values))
        if record.private:
            self._stage.note_private(reader.private(record))

    def _flush(self) -> None:
        self._stage.add_lines(self._lines)
        self._stage.refuse(self._refused)
        if self._full:
            self._stage.keep(line_key(self._kind, one.values) for one in self._refused if one.values)
        self._lines.clear()
        self._refused.clear()


def _headings(record: Record) -> list[str]:
    if record.reason:
        raise HeaderError(f"見出しの行を読めません: {record.reason}")
    return record.fields


def _phone(text: str) -> tuple[str, str]:
    number = parse_phone(text)
    return number.e164, number.kind.value
