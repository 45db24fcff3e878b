"""What is erased when its time is over: recordings (unless held), and rows that only the running of the system needs.

A recording's file is removed inside the transaction that says so: whatever breaks, the row never says "erased" while
there is a file, and the next round tries again.
"""

import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from db import outbox
from db.outbox import publish
from db.rules.telephony import RecordingState
from db.rules.viewer import system_viewer
from db.schema.calls import Call, Recording
from db.store import access_log
from db.usecases import accounts

AT_ONCE = 200
"""Recordings of one round of erasing."""


def recordings_due(tx: Connection, now: datetime, limit: int = AT_ONCE) -> list[uuid.UUID]:
    """Recordings whose time is over, longest over first: not held, and their call has ended."""
    query = (
        select(Recording.id)
        .join(Call, Call.id == Recording.call_id)
        .where(*_over(now), Call.ended_at.is_not(None))
        .order_by(Recording.keep_until, Recording.id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def erase_recording(tx: Connection, recording_id: uuid.UUID, now: datetime, remove: Callable[[str], None]) -> bool:
    """Erase one recording if its time still is over (somebody may have held it meanwhile); returns whether it was.

    `remove` is given the path and removes the file, if there is one; what it raises undoes everything.
    """
    values = {"state": RecordingState.ERASED}
    if tx.execute(update(Recording).where(Recording.id == recording_id, *_over(now)).values(values)).rowcount != 1:
        return False
    row = tx.execute(select(Recording.path, Recording.debtor_id).where(Recording.id == recording_id)).one()
    detail = f"録音 {recording_id}"
    access_log.append(tx, system_viewer("jobs"), now, "recording.erase", debtor_id=row.debtor_id, detail=detail)
    if row.debtor_id is not None:
        publish(tx, now, "debtor", row.debtor_id)
    remove(row.path)
    return True


def tidy(tx: Connection, now: datetime) -> None:
    """Erase old rows of the outbox and sessions that ended long ago."""
    outbox.trim(tx, now)
    accounts.purge_sessions(tx, now)


def _over(now: datetime) -> list[ColumnElement[bool]]:
    return [
        Recording.keep_until < now,
        Recording.legal_hold.is_(False),
        Recording.state != RecordingState.ERASED,
    ]
