"""Reading a file onto its stage: records become lines or refusals, in batches."""

from collections.abc import Iterable, Sequence

from db.reference.calendar import parse_date
from db.reference.phones import parse_phone
from db.rules.imports.lines import HeaderError, LineReader, Refused
from db.rules.imports.mapping import ImportMapping
from db.rules.imports.records import Record
from db.rules.imports.targets import key_of
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
        self._key = key_of(mapping.kind)
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
        records = iter(batch)
        while self._to_skip and next(records, None):
            self._to_skip -= 1
            self._skipped += 1
        if self._reader is None and (first := next(records, None)):
            self._reader = LineReader(self._mapping, self._readers, _headings(first))
        if self._reader is not None and (rest := list(records)):
            self._read(self._reader, rest)
        self._flush()

    def _read(self, reader: LineReader, batch: Sequence[Record]) -> None:
        found = reader.read_all(batch)
        if found is None:
            self._read_each(reader, batch)
            return
        self._accepted += len(found)
        self._lines += [
            (record[0], key, *values) for record, values, key in zip(batch, found, map(self._key, found), strict=True)
        ]
        for record in batch:
            if record[3]:
                self._stage.note_private(reader.private(record))

    def _read_each(self, reader: LineReader, batch: Iterable[Record]) -> None:
        key, read, skipped, add = self._key, reader.read, reader.skipped, self._lines.append
        for record in batch:
            if skipped(record):
                self._skipped += 1
            elif isinstance(values := read(record), Refused):
                self._rejected += 1
                self._refused.append(values)
                self.unkeyed += self._full and not values.values
            else:
                self._accepted += 1
                add((record.number, key(values), *values))
                if record.private:
                    self._stage.note_private(reader.private(record))

    def _flush(self) -> None:
        self._stage.add_lines(self._lines)
        self._stage.refuse(self._refused)
        if self._full:
            self._stage.keep(self._key(one.values) for one in self._refused if one.values)
        self._lines.clear()
        self._refused.clear()


def _headings(record: Record) -> list[str]:
    if record.reason:
        raise HeaderError(f"見出しの行を読めません: {record.reason}")
    return record.fields


def _phone(text: str) -> tuple[str, str]:
    number = parse_phone(text)
    return number.e164, number.kind.value
