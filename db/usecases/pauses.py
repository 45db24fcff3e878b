"""Parts of a call that are left out of its recording: an account number, an illness, what a third party says (T13).

The panel asks, the bridge mutes the recording, and only what Asterisk has confirmed is written as a pause. Where it is, and
who made it, belongs to the recording.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.telephony import CallState, RecordingState
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Recording, RecordingPause
from db.schema.staff import Staff
from db.store import access_log
from db.usecases import duty
from db.usecases.calls import TOPIC, CallError, own_call
from db.usecases.commands import CommandKind, want


@dataclass(frozen=True, slots=True)
class Pause:
    """From when until when nothing was recorded, and by whom. `ended_at` is None while it lasts."""

    began_at: datetime
    ended_at: datetime | None
    staff_name: str


def request(tx: Connection, viewer: Viewer, call_id: uuid.UUID, now: datetime, *, pause: bool) -> None:
    """Ask the bridge to leave out what follows of the viewer's own call, or to record again. Raises CallError."""
    call = own_call(tx, viewer, call_id)
    if call.state is not CallState.TALKING or not _recorded(tx, call_id):
        raise CallError("call_state", f"通話が「{call.state.label}」か録音されていないため、操作できません。")
    if pause == under_way(tx, call_id):
        raise CallError("recording_state", "録音はすでに停止中です。" if pause else "録音は停止されていません。")
    kind = CommandKind.PAUSE_RECORDING if pause else CommandKind.RECORD_AGAIN
    want(tx, duty.required(tx, viewer).pbx, kind, call_id, viewer.user_id, now)
    access_log.append(tx, viewer, now, kind.value, debtor_id=call.debtor_id, detail=str(call_id))


def began(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """Asterisk leaves out what follows. Told twice, it is the same pause."""
    call = tx.execute(select(Call.user_id).where(Call.id == call_id).with_for_update()).one()
    if not under_way(tx, call_id):
        tx.execute(insert(RecordingPause).values(id=new_id(), call_id=call_id, user_id=call.user_id, began_at=now))
    publish(tx, now, TOPIC, call_id, call.user_id)


def ended(tx: Connection, call_id: uuid.UUID, now: datetime) -> None:
    """Asterisk records again, or the call is over."""
    lasting = update(RecordingPause).where(RecordingPause.call_id == call_id, RecordingPause.ended_at.is_(None))
    if tx.execute(lasting.values(ended_at=now)).rowcount:
        owner = tx.execute(select(Call.user_id).where(Call.id == call_id)).scalar_one()
        publish(tx, now, TOPIC, call_id, owner)


def under_way(tx: Connection, call_id: uuid.UUID) -> bool:
    """Whether a call is not being recorded at this moment."""
    lasting = select(RecordingPause.id).where(RecordingPause.call_id == call_id, RecordingPause.ended_at.is_(None))
    return tx.execute(lasting.limit(1)).first() is not None


def of_call(tx: Connection, call_id: uuid.UUID) -> Sequence[Pause]:
    """The pauses of a call's recording, in their order."""
    query = (
        select(RecordingPause.began_at, RecordingPause.ended_at, Staff.name)
        .join(Staff, Staff.id == RecordingPause.user_id)
        .where(RecordingPause.call_id == call_id)
        .order_by(RecordingPause.began_at)
    )
    return [Pause(began_at, ended_at, name) for began_at, ended_at, name in tx.execute(query)]


def _recorded(tx: Connection, call_id: uuid.UUID) -> bool:
    running = select(Recording.id).where(Recording.call_id == call_id, Recording.state == RecordingState.RUNNING)
    return tx.execute(running).first() is not None
