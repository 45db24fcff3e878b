"""What is known of a recording's file, looked at once its call is over: size, length, checksum (T13).

Asterisk writes the length into a WAV file's head last, some time after the hang-up, and no event tells of it. So the
file is looked at until head and size agree, for WRITING seconds; after that it is taken as it is (Asterisk was killed
while it wrote, or the file is empty). The reading and hashing is done in a thread.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from ami_bridge import actions
from ami_bridge.errors import AmiError
from ami_bridge.values import Action, Reply
from db.register import Register
from db.store import calls
from db.timing import Backoff, Time
from db.usecases import pauses, recordings

log = logging.getLogger(__name__)

WRITING: Final = 15.0
_WAV_HEAD: Final = 44  # bytes before the samples, as format_wav writes them
_BYTES_A_MILLISECOND: Final = 16  # 8 kHz, 16 bits, mono


@dataclass(frozen=True, slots=True)
class Measured:
    """A file: size in bytes, length in milliseconds, SHA-256 in hexadecimal."""

    size: int
    milliseconds: int
    sha256: str


def is_whole(path: Path) -> bool:
    """Whether the head of a WAV file speaks of as many samples as the file has. Raises OSError."""
    try:
        with wave.open(str(path), "rb") as file:
            said = file.getnframes() * file.getsampwidth() * file.getnchannels()
    except (wave.Error, EOFError):
        return False
    return 0 < said == path.stat().st_size - _WAV_HEAD


def measure(path: Path) -> Measured:
    """Read a file through. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        size = file.tell()
    return Measured(size, max(0, size - _WAV_HEAD) // _BYTES_A_MILLISECOND, digest.hexdigest())


class Recordings:
    """Looks at files, each in a task of its own."""

    def __init__(self, register: Register, folder: Path, tasks: asyncio.TaskGroup, time: Time) -> None:
        self._register = register
        self._folder = folder
        self._tasks = tasks
        self._time = time
        self._looking: set[UUID] = set()

    async def mute(
        self, call_id: UUID, channel: str, send: Callable[[Action], Awaitable[Reply]], *, muted: bool
    ) -> str | None:
        """Leave out what follows, or record again; what Asterisk has confirmed is written down."""
        try:
            await send(actions.mixmonitor_mute(channel, muted=muted))
        except AmiError as error:
            log.warning("the recording of call %s could not be %s: %s", call_id, "muted" if muted else "unmuted", error)
            return error.code
        await self._register.write(pauses.began if muted else pauses.ended, call_id, self._register.now())
        return None

    async def look_at(self, call_id: UUID) -> None:
        """A call is over: look at its recording, or whether there is one that nobody expected."""
        if found := await self._register.ask(calls.recording_of, call_id):
            self._begin(call_id, found[1])
        elif path := await self._register.ask(recordings.unexpected, call_id):
            self._tasks.create_task(self._look_for(call_id, path))

    async def catch_up(self, pbx: str) -> None:
        """Look at all whose calls ended while no bridge was there."""
        for call_id, path in await self._register.ask(calls.unsettled_recordings, pbx):
            self._begin(call_id, path)

    def _begin(self, call_id: UUID, path: str) -> None:
        if call_id not in self._looking:
            self._looking.add(call_id)
            self._tasks.create_task(self._settle(call_id, self._folder / path))

    async def _look_for(self, call_id: UUID, path: str) -> None:
        """A file that nobody knows of would never be erased: with sound it becomes known, without it goes."""
        file = self._folder / path
        if not await asyncio.to_thread(file.exists):
            return
        await self._written(file)
        try:
            if (await asyncio.to_thread(measure, file)).milliseconds:
                await self._register.write(recordings.turned_up, call_id, path, self._register.now())
                self._begin(call_id, path)
            else:
                await asyncio.to_thread(file.unlink)
        except OSError as error:
            log.warning("the file of call %s cannot be dealt with: %s", call_id, os.strerror(error.errno or 0))

    async def _settle(self, call_id: UUID, path: Path) -> None:
        try:
            await self._written(path)
            found = await asyncio.to_thread(measure, path)
            if not found.milliseconds:
                raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))  # the disk was full: a file, nothing in it
        except OSError as error:
            log.warning("the recording of call %s is missing: %s", call_id, os.strerror(error.errno or 0))
            await self._register.write(recordings.recording_missing, call_id, self._register.now())
        else:
            await self._register.write(
                recordings.recording_kept,
                call_id,
                self._register.now(),
                size=found.size,
                milliseconds=found.milliseconds,
                sha256=found.sha256,
            )
        finally:
            self._looking.discard(call_id)

    async def _written(self, path: Path) -> None:
        """Wait until the file is whole, or until it may be taken for what it is. Raises OSError."""
        pauses = Backoff(0.1, 2.0)
        until = self._time.now() + WRITING
        while self._time.now() < until:
            try:
                if is_whole(path):
                    return
            except FileNotFoundError:
                pass  # Asterisk makes it with the first sound
            await self._time.sleep(pauses.next())
