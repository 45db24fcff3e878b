"""Supervisors who take part in operators' calls, as the bridge and the screens read them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select
from sqlalchemy.orm import aliased

from db.rules.telephony import MonitorMode
from db.schema.calls import Call, Monitor, Seat
from db.schema.staff import Staff


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One supervisor (`user_id`, `name`) in one call of an operator (`of_…`)."""

    id: uuid.UUID
    call_id: uuid.UUID
    debtor_id: int | None
    user_id: int
    name: str
    leg_id: uuid.UUID
    seat: str
    pbx: str
    of_user: int
    of_login: str
    of_name: str
    of_seat: str
    mode: MonitorMode
    began_at: datetime
    ended_at: datetime | None


def open_ones(tx: Connection, *, call_id: uuid.UUID | None = None, user_id: int | None = None) -> list[MonitorRow]:
    """Those that are open: of a call, or of a supervisor; by the supervisor."""
    asked = {"call_id": call_id, "user_id": user_id}
    query = _open_ones(of_call=call_id is not None, of_user=user_id is not None)
    return [MonitorRow(*tuple(row)) for row in tx.execute(query, asked)]


@cache
def _open_ones(*, of_call: bool, of_user: bool) -> Select[*tuple[Any, ...]]:
    query = _rows().where(Monitor.ended_at.is_(None)).order_by(Monitor.user_id)
    query = query.where(Monitor.call_id == bindparam("call_id")) if of_call else query
    return query.where(Monitor.user_id == bindparam("user_id")) if of_user else query


def get(tx: Connection, monitor_id: uuid.UUID) -> MonitorRow | None:
    """One of them, open or over."""
    row = tx.execute(_rows().where(Monitor.id == monitor_id)).one_or_none()
    return MonitorRow(*tuple(row)) if row else None


def by_operator(tx: Connection) -> Mapping[int, Sequence[MonitorRow]]:
    """Those that are open, by the operator whose call it is."""
    found: dict[int, list[MonitorRow]] = {}
    for row in open_ones(tx):
        found.setdefault(row.of_user, []).append(row)
    return found


def _rows() -> Select[*tuple[Any, ...]]:
    operator = aliased(Staff)
    return (
        select(
            Monitor.id, Monitor.call_id, Call.debtor_id, Monitor.user_id, Staff.name, Monitor.leg_id, Monitor.seat,
            Seat.pbx, Monitor.of_user, operator.login, operator.name, Monitor.of_seat, Monitor.mode, Monitor.began_at,
            Monitor.ended_at,
        )
        .join(Call, Call.id == Monitor.call_id)
        .join(Staff, Staff.id == Monitor.user_id)
        .join(operator, operator.id == Monitor.of_user)
        .join(Seat, Seat.extension == Monitor.seat)
    )  # fmt: skip
