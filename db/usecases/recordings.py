"""A call's recording: what became of its file, who may play it, and what must be kept (T13).

A recording says what the masked record withholds. So it may be played by whoever has the right in its business area,
but not while they are on a call with the person and do not know yet that it is that person (C5).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.telephony import Direction, RecordingState
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Attempt, Call, Recording
from db.schema.staff import Staff
from db.store import access_log, calls
from db.usecases import calls as following
from db.usecases import pauses
from db.usecases.pauses import Pause
from db.usecases.records import NotFoundError, areas_unmasked, call_concerning

TOPIC: Final = "recording"
LONGEST_REASON: Final = 200
SHORTER_BY: Final = timedelta(seconds=5)


class RecordingError(Exception):
    """What was asked of a recording cannot be done now; the message is for the person at the screen."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording and the call it is of. `path` is relative to the recordings directory; length in milliseconds."""

    id: uuid.UUID
    call_id: uuid.UUID
    debtor_id: int | None
    area: Area
    path: str
    state: RecordingState
    started_at: datetime
    milliseconds: int | None
    bytes: int | None
    sha256: str | None
    keep_until: datetime | None
    legal_hold: bool
    direction: Direction
    number: str | None
    seat: str
    staff_name: str
    ended_at: datetime | None
    pauses: Sequence[Pause] = ()

    @property
    def lacks(self) -> bool:
        """Whether it is shorter than the talk was, by more than writing explains (a full disk, a crash)."""
        if self.ended_at is None or self.milliseconds is None:
            return False
        return timedelta(milliseconds=self.milliseconds) + SHORTER_BY < self.ended_at - self.started_at


def unexpected(tx: Connection, call_id: uuid.UUID) -> str | None:
    """The file that may be there of a call of which no recording is known; None if one is known, or nothing was dialled.

    It is when somebody hung up in the moment of being joined, or the PBX died before it had written that they answered.
    """
    if calls.recording_of(tx, call_id) is not None:
        return None
    query = select(Call.started_at, Call.attempt_id, Attempt.sent_at).outerjoin(Attempt, Attempt.id == Call.attempt_id)
    row = tx.execute(query.where(Call.id == call_id)).one_or_none()
    if row is None or (row.attempt_id is not None and row.sent_at is None):
        return None
    return following.recording_path(call_id, row.sent_at or row.started_at)


def turned_up(tx: Connection, call_id: uuid.UUID, path: str, now: datetime) -> None:
    """There is such a file, with sound: it is a recording like any other, heard by right and erased in time."""
    query = select(Call.debtor_id, Call.area, Call.started_at).where(Call.id == call_id)
    call = tx.execute(query.with_for_update()).one()  # two may have found it
    if calls.recording_of(tx, call_id) is not None:
        return
    tx.execute(
        insert(Recording).values(
            id=new_id(),
            call_id=call_id,
            debtor_id=call.debtor_id,
            area=call.area,
            path=path,
            state=RecordingState.RUNNING,
            started_at=call.started_at,
            keep_until=now + following.KEEP_RECORDING,
        )
    )


def recording_kept(
    tx: Connection, call_id: uuid.UUID, now: datetime, *, size: int, milliseconds: int, sha256: str
) -> None:
    """The file is whole: its size in bytes, its length, and its checksum in hexadecimal."""
    _settle(tx, call_id, now, state=RecordingState.KEPT, bytes=size, milliseconds=milliseconds, sha256=sha256)


def recording_missing(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """There is no file, or it cannot be read."""
    _settle(tx, call_id, now, state=RecordingState.MISSING)


def recording(tx: Connection, viewer: Viewer, recording_id: uuid.UUID) -> Recorded:
    """A recording that the viewer may play now. Raises NotFoundError, NotAllowedError, RecordingError(identity).

    Of a recording in an area that is not theirs a viewer does not learn that there is one.
    """
    found = _found(tx, viewer, recording_id)
    viewer.require(Right.RECORDING_PLAY, found.area)
    mine = found.debtor_id
    if mine is not None and found.area not in areas_unmasked(viewer, call_concerning(tx, viewer, mine)):
        raise RecordingError("identity", "本人確認が済むまで、この方の録音は再生できません。")
    return found


def open_recording(tx: Connection, viewer: Viewer, recording_id: uuid.UUID, now: datetime) -> Recorded:
    """The same, to be played now: every playback stands in the access log. Raises as `recording` does."""
    found = recording(tx, viewer, recording_id)
    access_log.append(tx, viewer, now, "recording.play", debtor_id=found.debtor_id, detail=f"録音 {found.id}")
    return found


def note_unplayable(tx: Connection, viewer: Viewer, recording_id: uuid.UUID, now: datetime, what: str) -> None:
    """Somebody wanted to play a recording whose file is gone or is not what was noted: that is worth knowing."""
    found = recording(tx, viewer, recording_id)
    detail = f"録音 {found.id} {what}"
    access_log.append(tx, viewer, now, "recording.unplayable", debtor_id=found.debtor_id, detail=detail)


def hold(
    tx: Connection, viewer: Viewer, recording_id: uuid.UUID, now: datetime, *, held: bool, reason: str
) -> Recorded:
    """Keep a recording beyond its term (a complaint, a lawsuit), or no longer; the reason stands in the access log.

    Raises NotFoundError, NotAllowedError, RecordingError(reason, erased).
    """
    viewer.require(Right.RECORDING_HOLD, _found(tx, viewer, recording_id).area)
    words = " ".join(reason.split())
    if not words:
        raise RecordingError("reason", "理由を入力してください。")
    if len(words) > LONGEST_REASON:
        raise RecordingError("reason", f"理由は{LONGEST_REASON}文字以内で入力してください。")
    there = Recording.state != RecordingState.ERASED
    kept = update(Recording).where(Recording.id == recording_id, there).values(legal_hold=held)
    if tx.execute(kept).rowcount != 1:
        raise RecordingError("erased", "この録音は保存期間が過ぎて消去されています。")
    found = _found(tx, viewer, recording_id)
    action = "recording.hold" if held else "recording.unhold"
    access_log.append(tx, viewer, now, action, debtor_id=found.debtor_id, detail=f"録音 {found.id} 理由: {words}")
    if found.debtor_id is not None:
        publish(tx, now, "debtor", found.debtor_id)
    return found


def _found(tx: Connection, viewer: Viewer, recording_id: uuid.UUID) -> Recorded:
    row = tx.execute(
        select(
            Recording.id,
            Recording.call_id,
            Recording.debtor_id,
            Recording.area,
            Recording.path,
            Recording.state,
            Recording.started_at,
            Recording.milliseconds,
            Recording.bytes,
            Recording.sha256,
            Recording.keep_until,
            Recording.legal_hold,
            Call.direction,
            Call.number,
            Call.seat,
            Staff.name,
            Call.ended_at,
        )
        .join(Call, Call.id == Recording.call_id)
        .join(Staff, Staff.id == Call.user_id)
        .where(Recording.id == recording_id, Recording.area.in_(viewer.areas()))
    ).one_or_none()
    if row is None:
        raise NotFoundError
    return replace(Recorded(*tuple(row)), pauses=pauses.of_call(tx, row.call_id))


def _settle(tx: Connection, call_id: uuid.UUID, now: datetime, **values: Any) -> None:
    over = tx.execute(select(Call.ended_at).where(Call.id == call_id)).scalar_one_or_none()
    pauses.ended(tx, call_id, over or now)
    running = Recording.state == RecordingState.RUNNING
    if tx.execute(update(Recording).where(Recording.call_id == call_id, running).values(**values)).rowcount == 1:
        owner = tx.execute(select(Call.user_id).where(Call.id == call_id)).scalar_one()
        publish(tx, now, TOPIC, call_id, owner)
