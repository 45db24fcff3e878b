"""The files of imports: each import has a folder of its own, readable by nobody else, and the mappings have one of theirs."""

import csv
import hashlib
import os
import shutil
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from db.reference.calendar import parse_date
from db.rules.exports import ExportMapping, parse_export
from db.rules.imports.mapping import ImportMapping, MappingError, parse_mapping
from db.rules.imports.records import EncodingProbe

KEEP_REPORTS: Final = timedelta(days=31)
_PIECE: Final = 1 << 20
_SHOWN: Final = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8（BOM付き）", "cp932": "CP932"}
_READ_AS: Final = {"UTF-8": "utf-8", "UTF-8（BOM付き）": "utf-8", "CP932": "cp932"}


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one import."""

    path: Path

    @property
    def file(self) -> Path:
        """The file as it came."""
        return self.path / "file"

    @property
    def stage(self) -> Path:
        """Its staged lines."""
        return self.path / "stage.db"

    @property
    def refused(self) -> Path:
        """The report of refused lines."""
        return self.path / "rejected.csv"

    @property
    def private(self) -> Path:
        """The list of private-use characters."""
        return self.path / "gaiji.csv"


def folder_of(imports_dir: Path, run_id: uuid.UUID) -> Folder:
    """Where the files of an import are."""
    return Folder(imports_dir / run_id.hex)


def make_folder(imports_dir: Path, run_id: uuid.UUID) -> Folder:
    """Make the folder of an import: what is in it is about people."""
    imports_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = folder_of(imports_dir, run_id)
    folder.path.mkdir(mode=0o700, exist_ok=True)
    return folder


def sweep(imports_dir: Path, now: datetime) -> int:
    """Erase the folders of imports that are over their time: reports are about people. Returns how many went."""
    old = [path for path in imports_dir.glob("*") if path.is_dir() and _over(path, now)] if imports_dir.is_dir() else []
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _over(path: Path, now: datetime) -> bool:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - KEEP_REPORTS


class Receiver:
    """Takes a file piece by piece: writes it, and finds out its size, its SHA-256 and its encoding on the way."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._probe = EncodingProbe()
        self.size = 0

    def feed(self, piece: bytes) -> None:
        """The next bytes."""
        self._file.write(piece)
        self._hash.update(piece)
        self._probe.feed(piece)
        self.size += len(piece)

    def close(self) -> None:
        """The file is whole: bring it to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Let go of the file, whole or not."""
        self._file.close()

    @property
    def sha256(self) -> str:
        """The digest in hex."""
        return self._hash.hexdigest()

    @property
    def encoding(self) -> str:
        """What a person reads: UTF-8, UTF-8（BOM付き）, CP932; empty for none of them."""
        found = self._probe.encoding
        return _SHOWN[found] if found else ""


def receive(source: Path, target: Path) -> Receiver:
    """Copy a file in, so that it stays as it is while it is worked on. Raises OSError."""
    with source.open("rb") as file:
        receiver = Receiver(target)
        try:
            while piece := file.read(_PIECE):
                receiver.feed(piece)
            receiver.close()
        finally:
            receiver.abandon()
    return receiver


def read_as(shown: str) -> str | None:
    """Python's name of an encoding that `Receiver.encoding` found; None if it found none."""
    return _READ_AS.get(shown)


def shown_as(encoding: str) -> str:
    """What a person reads for the encoding that a mapping fixes."""
    return _SHOWN[encoding]


def skip_mark(file: BinaryIO) -> None:
    """Go past the byte order mark, if there is one."""
    if file.read(3) != b"\xef\xbb\xbf":
        file.seek(0)


def write_csv(path: Path, header: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    """UTF-8 with a mark, as Excel opens it; a cell that Excel would take for a formula is made text."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows([_harmless(cell) for cell in row] for row in rows)


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t"} else cell


def day_in_name(name: str) -> date | None:
    """The day that a file's name carries as eight digits, if it does."""
    digits = "".join(char if char.isdigit() else " " for char in name).split()
    for run in digits:
        if len(run) == 8 and run.startswith("20"):
            try:
                return parse_date(run)
            except ValueError:
                continue
    return None


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The end of a day in the office: a file of a day is taken to know all of it."""
    return datetime.combine(day + timedelta(days=1), time(), zone)


def as_of_name(name: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """As of when a file is by the day in its name, if it has one; never later than now."""
    day = day_in_name(name)
    return min(now, end_of_day(day, zone)) if day else None


@dataclass(frozen=True, slots=True)
class MappingFile:
    """One mapping in the office's folder: usable (`mapping`), or with what is wrong with it."""

    name: str
    document: Mapping[str, Any]
    mapping: ImportMapping | None
    problems: tuple[str, ...] = ()


def read_document(path: Path) -> Mapping[str, Any]:
    """A mapping's TOML document. Raises MappingError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError([f"{path}: 読めません（{error.strerror}）"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError([f"{path.name}: TOMLとして読めません（{error}）"]) from error


def mappings(folder: Path) -> list[MappingFile]:
    """The import mappings of the office, by name of the file. Those of exports are left out."""
    return [found for path in sorted(folder.glob("*.toml")) if (found := _mapping_file(path)) is not None]


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One export mapping in the office's folder: usable, or with what is wrong with it."""

    name: str
    document: Mapping[str, Any]
    mapping: ExportMapping | None
    problems: tuple[str, ...] = ()


def export_mappings(folder: Path) -> list[ExportFile]:
    """The export mappings of the office, by name of the file."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            document = read_document(path)
        except MappingError:
            continue  # `mappings` tells what is wrong with it
        if "export" in document:
            found.append(_export_file(path.stem, document))
    return found


def _export_file(name: str, document: Mapping[str, Any]) -> ExportFile:
    try:
        return ExportFile(name, document, parse_export(document))
    except MappingError as error:
        return ExportFile(name, document, None, tuple(error.problems))


def _mapping_file(path: Path) -> MappingFile | None:
    try:
        document = read_document(path)
        if "export" in document:
            return None
        return MappingFile(path.stem, document, parse_mapping(document))
    except MappingError as error:
        return MappingFile(path.stem, {}, None, tuple(error.problems))
