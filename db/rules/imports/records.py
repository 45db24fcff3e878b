"""From the bytes of a CSV file to its records (RFC 4180, leniently): each record with the number of its first line.

Nothing is lost silently: every physical line belongs to a record or to a refusal. A quotation mark that is never closed
would swallow the rest of the file; the line that opened it is refused, and reading goes on with the next. Lines are split
at the line feed byte, which in CP932 and UTF-8 is never part of a character.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Final, NamedTuple

BLOCK: Final = 1 << 18
"""Bytes read and decoded at a time."""
LONGEST_LINE: Final = 1 << 20
"""Bytes of one physical line; of one that is longer only the beginning is read, so that memory stays bounded."""
MOST_LINES: Final = 200
"""Physical lines of one record; a quoted field that is longer was never closed."""
LONGEST_SHOWN: Final = 100
"""Characters of a refused line that the report shows."""
UNREADABLE: Final = "\ufffd"

PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_LINES = re.compile("[^\n]*\n|[^\n]+")
_BYTE_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
_TOO_LONG: Final = " " * (csv.field_size_limit() + 1)
_UNCLOSED: Final = '引用符（"）が閉じられていません'
_REASONS: Final = (
    ("unexpected end of data", _UNCLOSED),
    ("expected after", '引用符（"）の後に区切り以外の文字があります'),
    ("new-line character", "改行コードが不正です（CRのみ）"),
    ("field larger", "1つの項目が長すぎます"),
)


class Record(NamedTuple):
    """One record: the number of its first physical line (from 1), its fields, or the Japanese reason why there are none.

    `private`: it holds private-use characters (外字). `raw`: the beginning of the line that was refused.
    """

    number: int
    fields: list[str]
    reason: str = ""
    private: bool = False
    raw: str = ""


class _Lines:
    """The physical lines of a file, decoded a block at a time; those of the record being read are kept, to be given back."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._kept: list[str] = []
        self._first = 1
        self.private = False
        self.start = 1
        self._blocks = self._read()

    def begin(self, at: int) -> Iterator[str]:
        """The lines from number `at` on; those before it are not needed any more."""
        self.start = at
        kept = self._kept
        return chain(map(kept.__getitem__, range(at - self._first, len(kept))), chain.from_iterable(self._blocks))

    def line(self, at: int) -> str:
        """A line from `start` on that was handed out."""
        return self._kept[at - self._first]

    def _read(self) -> Iterator[list[str]]:
        rest = b""
        while piece := self._file.read(BLOCK):
            whole, mark, rest = (rest + piece).rpartition(b"\n")
            if mark:
                yield self._keep(whole + mark)
            elif len(rest) > LONGEST_LINE:
                yield self._keep_too_long(rest)
                rest = b""
        if rest:
            yield self._keep(rest)

    def _keep(self, block: bytes) -> list[str]:
        lines = self._decoded(block)
        self.private = self.private or any(PRIVATE_USE.search(line) for line in lines if not line.isascii())
        return self._kept_with(lines)

    def _keep_too_long(self, begun: bytes) -> list[str]:
        while (piece := self._file.readline(BLOCK)) and not piece.endswith(b"\n"):
            pass
        shown = begun[: 4 * LONGEST_SHOWN].decode(self._encoding, "replace")
        return self._kept_with([f"{shown}{_TOO_LONG}\n"])

    def _kept_with(self, lines: list[str]) -> list[str]:
        gone = self.start - self._first
        self._kept = self._kept[gone:] + lines
        self._first += gone
        return lines

    def _decoded(self, block: bytes) -> list[str]:
        try:
            return _LINES.findall(block.decode(self._encoding))
        except UnicodeDecodeError:
            return [self._decoded_line(line) for line in _BYTE_LINES.findall(block)]

    def _decoded_line(self, line: bytes) -> str:
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError:
            return line.decode(self._encoding, "replace")


def records(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Record]:
    """The records of a file. Never raises for what is in it."""
    lines = _Lines(file, encoding)
    number = 1
    while True:
        reader = csv.reader(lines.begin(number), delimiter=delimiter, strict=True)
        first = number
        try:
            for fields in reader:
                after = first + reader.line_num
                if after - number > MOST_LINES:
                    raise csv.Error("unexpected end of data")
                private = lines.private and any(map(PRIVATE_USE.search, fields))
                yield Record(number, fields, "", private)
                lines.start = number = after
        except csv.Error as error:
            several = first + reader.line_num - number > 1
            yield Record(number, [], _reason(error, several=several), raw=lines.line(number)[:LONGEST_SHOWN].strip())
            number += 1
            continue
        return


class EncodingProbe:
    """Finds out, from the whole file fed in pieces, whether it is UTF-8 or CP932 (Windows-31J, with NEC and IBM rows)."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._cp932 = codecs.getincrementaldecoder("cp932")("replace")
        self._bad_utf8 = 0
        self._bad_cp932 = 0
        self._ascii = True
        self._first = b""

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file."""
        self._first = (self._first + piece[:4])[:4] if len(self._first) < 4 else self._first
        if self._ascii and piece.isascii():
            return
        self._ascii = False
        self._bad_utf8 += self._utf8.decode(piece).count(UNREADABLE)
        if self._bad_utf8:
            self._bad_cp932 += self._cp932.decode(piece).count(UNREADABLE)

    @property
    def encoding(self) -> str | None:
        """Python's name of the encoding; None for UTF-16, which no mapping reads."""
        if self._first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in self._first:
            return None
        if self._first.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        return "utf-8" if self._bad_utf8 <= self._bad_cp932 else "cp932"


def _reason(error: csv.Error, *, several: bool) -> str:
    words = str(error)
    if several and "field larger" in words:
        return _UNCLOSED
    return next((reason for part, reason in _REASONS if part in words), words)
