"""The files of recordings: where one is, and whether it still is what was noted when its call was over (T13).

For the panel, which plays them, and for the jobs, which erase them.
"""

import hashlib
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class OutsideError(Exception):
    """A recording's path leads out of the folder of recordings: whatever is there is none of ours."""

    code = "recording_outside"

    def __init__(self, path: str) -> None:
        super().__init__(f"the path of a recording leads out of the folder of recordings: {path!r}")


class Soundness(Enum):
    """What comparing a file with what was noted of it shows."""

    WHOLE = "whole"
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another without reading it: size in bytes, and times in nanoseconds."""

    size: int
    modified: int
    renewed: int


def inside(folder: Path, path: str) -> Path:
    """The real place of a recording. Raises OutsideError for a path (or a link) that leads out of `folder`."""
    if "\0" in path:
        raise OutsideError(path)
    real = (folder / path).resolve()
    if not real.is_relative_to(folder.resolve()):
        raise OutsideError(path)
    return real


def stamp(file: Path) -> Stamp | None:
    """A file's stamp, or None if there is no such file."""
    try:
        return _stamp(file.stat())
    except OSError:
        return None


def compare(file: Path, size: int, sha256: str) -> tuple[Soundness, Stamp | None]:
    """Read a file through and compare it with its size in bytes and its checksum in hexadecimal; not for the event loop.

    The stamp is of the very file that was read. A file that cannot be read is as good as missing.
    """
    try:
        with file.open("rb") as opened:
            found = _stamp(os.fstat(opened.fileno()))
            if found.size != size:
                return Soundness.CHANGED, None
            same = hashlib.file_digest(opened, "sha256").hexdigest() == sha256
    except OSError:
        return Soundness.MISSING, None
    return (Soundness.WHOLE, found) if same else (Soundness.CHANGED, None)


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns)
