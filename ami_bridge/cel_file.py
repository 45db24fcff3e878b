"""Asterisk's own record of calls (CEL) as a file on this machine: read from a moment on, over rotations.

`FILE` grows; a rotation moves it to `FILE.1`, `FILE-20261124`, or packs it as `….gz`. Read are those that were written to
since the moment asked for, each from about there on: a record of a year is not read through for the last minute.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from ami_bridge.cel import History, histories, when

SLACK: Final = 60.0
"""Seconds before the moment asked for from which lines are read: they are only nearly in order."""

_NEAR: Final = 1 << 16  # bytes that are read through rather than halved again


class CallRecord:
    """The record of one PBX. Blocking: call it in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, since: float) -> dict[str, History]:
        """What it says of channels from `since` on (seconds since 1970), by Uniqueid.

        Raises OSError: there is no such file (no call yet, or never set up), or it cannot be read.
        """
        files = self._files(since)
        if not files:
            raise FileNotFoundError(2, os.strerror(2), str(self._file))
        return histories(chain.from_iterable(_lines(file, since - SLACK) for file in files))

    def _files(self, since: float) -> list[Path]:
        """The file and what it was rotated to, as far as it was written to since then; oldest first."""
        rotated = [
            (file.stat().st_mtime, file)
            for file in self._file.parent.glob(f"{self._file.name}?*")
            if file.is_file() and file.stat().st_mtime >= since - SLACK
        ]
        here = [self._file] if self._file.exists() else []
        return [file for _, file in sorted(rotated)] + here


def _lines(file: Path, since: float) -> Iterator[bytes]:
    if file.suffix == ".gz":
        with gzip.open(file, "rb") as packed:
            yield from packed
        return
    with file.open("rb") as plain:
        plain.seek(start_of(plain, since))
        yield from plain


def start_of(file: BinaryIO, since: float) -> int:
    """The byte where a line begins, before which no line is of `since` or later (lines being in order)."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > _NEAR:
        middle = (low + high) // 2
        at = _time_after(file, middle, high)
        if at is not None and at < since:
            low = middle
        else:
            high = middle
    if low == 0:
        return 0
    file.seek(low)
    file.readline()
    return file.tell()


def _time_after(file: BinaryIO, offset: int, until: int) -> float | None:
    """The time of the first whole line after `offset` that has one."""
    file.seek(offset)
    file.readline()
    while file.tell() < until and (line := file.readline()):
        if (at := when(line)) is not None:
            return at
    return None
