"""Who gets a call that came in: the callers' queue on one side, the operators who are ready on the other (T5).

Whoever has waited longest is served first. Of several operators who are ready a caller gets the one who last spoke with
them, else the one who has been ready longest; nobody gets a call of an area that they may not call in.
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.callers import CallerKind
from db.rules.telephony import CallState, Direction, DutyState, IncomingState
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.calls import Call, Incoming
from db.store import access_log, calls, debtors, staff
from db.store import incoming as store
from db.store.calls import DutyRow
from db.store.debtors import Hit
from db.store.incoming import IncomingRow
from db.usecases import duty
from db.usecases.calls import TOPIC, recording_path
from db.usecases.duty import DutyError
from db.writer import urgent

WAITING_TOPIC: Final = "incoming"


@dataclass(frozen=True, slots=True)
class Given:
    """What the bridge needs to join a caller to an operator."""

    call_id: uuid.UUID
    channel: str
    seat: str
    recording: str


@urgent
def give(tx: Connection, call_id: uuid.UUID, now: datetime) -> Given | None:
    """Reserve an operator for a call that waits, those left out whom callers before it will get.

    None if nobody is left, or the call is over. Asked twice, it is the same operator.
    """
    row = store.find(tx, call_id, lock=True)
    if row is None or row.state not in {IncomingState.WAITING, IncomingState.GIVEN}:
        return None
    if row.state is IncomingState.GIVEN:
        return _given(tx, row)
    for ready in _for(row, _left(tx, row.pbx, row.id)):
        if ready.viewer and _reserve(tx, ready.viewer, ready.duty, row, now):
            return _given(tx, row)
    return None


def place(tx: Connection, call_id: uuid.UUID) -> int | None:
    """The place of a call among those who wait for the same area, the first being 1; None if it does not wait."""
    row = store.find(tx, call_id)
    if row is None or row.state is not IncomingState.WAITING:
        return None
    queue = [one.id for one in store.waiting(tx, row.pbx) if one.area is row.area]
    return queue.index(call_id) + 1 if call_id in queue else None


def left_over(tx: Connection, pbx: str, sought: Collection[int]) -> Iterator[tuple[DutyRow, Viewer]]:
    """Operators, of those who are `sought` (user ids), who are ready and whom no caller who waits will get, the one who has been
    ready longest first."""
    for one in sorted(_left(tx, pbx), key=lambda one: one.duty.since):
        if one.duty.user_id in sought and one.viewer is not None:
            yield one.duty, one.viewer


def people(tx: Connection, viewer: Viewer, row: IncomingRow, more: Sequence[int] = ()) -> list[Hit]:
    """The candidates, likeliest first, as far as the viewer may see them and they have a case in the call's area."""
    ids = [*more, *row.candidates]
    found = {hit.id: hit for hit in debtors.hits_of(tx, viewer.within({row.area}), ids)} if ids else {}
    return [found[one] for one in ids if one in found]


# --


@dataclass
class _Ready:
    """An operator who is ready; what they may do is only asked when it matters, of one or two of fifty."""

    tx: Connection
    duty: DutyRow

    @cached_property
    def viewer(self) -> Viewer | None:
        return staff.viewer(self.tx, self.duty.user_id)


def _left(tx: Connection, pbx: str, call_id: uuid.UUID | None = None) -> list[_Ready]:
    """Operators who are ready, without those whom the callers who wait (before a call, if there is one) will get."""
    left = _ready(tx, pbx)
    if not left:
        return []
    for before in store.waiting(tx, pbx):
        if before.id == call_id:
            break
        taken = next(_for(before, left), None)
        if taken is not None:
            left.remove(taken)
    return left


def _ready(tx: Connection, pbx: str) -> list[_Ready]:
    return [_Ready(tx, one) for one in calls.duties(tx, pbx) if one.state is DutyState.READY and one.leg_up]


def _for(row: IncomingRow, ready: Sequence[_Ready]) -> Iterator[_Ready]:
    """Those who may take a call, in the order in which they are asked."""
    order = sorted(ready, key=lambda one: (one.duty.user_id != row.last_operator, one.duty.since))
    return (one for one in order if one.viewer is not None and one.viewer.may(Right.CALL, row.area))


def _reserve(tx: Connection, viewer: Viewer, at: DutyRow, row: IncomingRow, now: datetime) -> bool:
    """Take an operator for the call; False if something else was quicker."""
    hits = people(tx, viewer, row)
    known = hits[0].id if row.kind is CallerKind.KNOWN and len(hits) == 1 else None
    try:
        with tx.begin_nested():
            publish(tx, now, TOPIC, row.id, viewer.user_id)  # first: the pop comes before what else the screen shows
            tx.execute(
                insert(Call).values(
                    id=row.id, direction=Direction.IN, debtor_id=known, area=row.area, number=row.number,
                    user_id=viewer.user_id, seat=at.seat, state=CallState.RINGING, started_at=now,
                )
            )  # fmt: skip
            duty.reserve(tx, viewer, row.id, now)
    except DutyError:
        return False
    tx.execute(update(Incoming).where(Incoming.id == row.id).values(state=IncomingState.GIVEN))
    for hit in hits:
        access_log.append(tx, viewer, now, "call.pop", debtor_id=hit.id, detail=str(row.id))
    publish(tx, now, WAITING_TOPIC, row.id)
    return True


def _given(tx: Connection, row: IncomingRow) -> Given | None:
    call = tx.execute(select(Call.seat, Call.state, Call.started_at).where(Call.id == row.id)).one()
    if call.state is not CallState.RINGING:
        return None
    return Given(row.id, row.channel, call.seat, recording_path(row.id, call.started_at))
