"""Calls that came in, as the bridge and the operator's screen read them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from db.rules.callers import CallerKind
from db.rules.opening import Opening
from db.rules.telephony import OPEN_INCOMING, IncomingState
from db.rules.terms import Area
from db.schema.calls import Incoming, Seat
from db.store.bound import AREAS

AT_ONCE: Final = 500
"""Ids in one statement."""


@dataclass(frozen=True, slots=True)
class IncomingRow:
    """One call that came in. `channel` is its Uniqueid in Asterisk, `number` E.164 or None."""

    id: uuid.UUID
    pbx: str
    channel: str
    kind: CallerKind
    number: str | None
    area: Area
    candidates: Sequence[int]
    last_operator: int | None
    answers_since: datetime
    state: IncomingState
    arrived_at: datetime
    opening: Opening
    left_number: str | None


def find(tx: Connection, call_id: uuid.UUID, *, lock: bool = False) -> IncomingRow | None:
    """A call that came in, by its id; `lock` holds it until the end of the transaction."""
    query = _rows().where(Incoming.id == call_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return IncomingRow(*tuple(row)) if row else None


def open_calls(tx: Connection, pbx: str) -> list[IncomingRow]:
    """Those that wait or are talked to on a PBX, oldest first."""
    query = _rows().where(Incoming.pbx == pbx, Incoming.state.in_(OPEN_INCOMING)).order_by(Incoming.arrived_at)
    return [IncomingRow(*tuple(row)) for row in tx.execute(query)]


def known_among(tx: Connection, call_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of some calls that the register knows."""
    ids = list(call_ids)
    found: set[uuid.UUID] = set()
    for first in range(0, len(ids), AT_ONCE):
        found.update(tx.execute(select(Incoming.id).where(Incoming.id.in_(ids[first : first + AT_ONCE]))).scalars())
    return frozenset(found)


def waiting(tx: Connection, pbx: str) -> list[IncomingRow]:
    """Those on a PBX for whom nobody was free yet, who has waited longest first."""
    query = _rows().where(Incoming.pbx == pbx, Incoming.state == IncomingState.WAITING)
    return [IncomingRow(*tuple(row)) for row in tx.execute(query.order_by(Incoming.arrived_at, Incoming.id))]


@dataclass(frozen=True, slots=True)
class Queue:
    """How many callers wait, and since when the first of them."""

    callers: int
    since: datetime | None


def queue(tx: Connection, areas: Collection[Area]) -> Queue:
    """Those who wait for somebody of some areas, on every PBX."""
    callers, since = tx.execute(_QUEUE, {"areas": areas}).one()
    return Queue(callers, since)


_QUEUE: Final = select(func.count(), func.min(Incoming.arrived_at)).where(
    Incoming.pbx.in_(select(Seat.pbx)),  # (pbx, state) is the index
    Incoming.state == IncomingState.WAITING,
    Incoming.area.in_(AREAS),
)


def missed_before(tx: Connection, row: IncomingRow) -> datetime | None:
    """When the same number last called in vain, no earlier than what the call may answer."""
    if row.number is None:
        return None
    query = select(func.max(Incoming.arrived_at)).where(
        Incoming.number == row.number,
        Incoming.area == row.area,
        Incoming.state.in_((IncomingState.MISSED, IncomingState.ASKED_BACK)),
        Incoming.arrived_at >= row.answers_since,
        Incoming.arrived_at < row.arrived_at,
    )
    return tx.execute(query).scalar_one()


def _rows() -> Select[*tuple[Any, ...]]:
    return select(
        Incoming.id,
        Incoming.pbx,
        Incoming.channel,
        Incoming.kind,
        Incoming.number,
        Incoming.area,
        Incoming.candidates,
        Incoming.last_operator,
        Incoming.answers_since,
        Incoming.state,
        Incoming.arrived_at,
        Incoming.opening,
        Incoming.left_number,
    )
