"""What became of a call's recording, once the call is over and its file was looked at (T13)."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from db.outbox import publish
from db.rules.telephony import RecordingState
from db.schema.calls import Call, Recording

TOPIC: Final = "recording"


def recording_kept(
    tx: Connection, call_id: uuid.UUID, now: datetime, *, size: int, milliseconds: int, sha256: str
) -> None:
    """The file is whole: its size in bytes, its length, and its checksum in hexadecimal."""
    _settle(tx, call_id, now, state=RecordingState.KEPT, bytes=size, milliseconds=milliseconds, sha256=sha256)


def recording_missing(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """There is no file, or it cannot be read."""
    _settle(tx, call_id, now, state=RecordingState.MISSING)


def _settle(tx: Connection, call_id: uuid.UUID, now: datetime, **values: Any) -> None:
    running = Recording.state == RecordingState.RUNNING
    if tx.execute(update(Recording).where(Recording.call_id == call_id, running).values(**values)).rowcount == 1:
        owner = tx.execute(select(Call.user_id).where(Call.id == call_id)).scalar_one()
        publish(tx, now, TOPIC, call_id, owner)
