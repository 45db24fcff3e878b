"""Calls that are taken to an officer, as the bridge and the screens read them."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, select
from sqlalchemy.orm import aliased

from db.rules.telephony import CallState, DutyState, TransferState
from db.schema.calls import Call, Duty, Seat, Transfer
from db.schema.people import Debtor
from db.schema.staff import Staff
from db.store.bound import USER_ID


@dataclass(frozen=True, slots=True)
class TransferRow:
    """The transfer of one call. `debtor_name` is None for a call of nobody known."""

    id: uuid.UUID
    call_id: uuid.UUID
    from_user: int
    from_name: str
    to_user: int
    to_name: str
    state: TransferState
    debtor_id: int | None
    debtor_name: str | None
    number: str | None


@dataclass(frozen=True, slots=True)
class Legs:
    """What the bridge moves: the operator's phone between its own seat and the officer's."""

    transfer_id: uuid.UUID
    call_id: uuid.UUID
    state: TransferState
    call: CallState
    from_leg: uuid.UUID
    from_seat: str
    to_seat: str


@dataclass(frozen=True, slots=True)
class OfficerRow:
    """Somebody on duty, as one whom a call might be taken to."""

    user_id: int
    name: str
    state: DutyState

    @property
    def free(self) -> bool:
        """Whether a call can be taken to them now."""
        return self.state is DutyState.READY


def of_call(tx: Connection, call_id: uuid.UUID) -> TransferRow | None:
    """The transfer of a call that is under way."""
    return _one(tx, _TRANSFERS.where(Transfer.call_id == call_id, Transfer.ended_at.is_(None)))


def to_user(tx: Connection, user_id: int) -> TransferRow | None:
    """The transfer that is under way to somebody."""
    return _one(tx, _TO_USER, user_id=user_id)


def brought(tx: Connection, call_id: uuid.UUID, user_id: int) -> TransferRow | None:
    """The transfer by which somebody has got a call."""
    done = (Transfer.call_id == call_id, Transfer.to_user == user_id, Transfer.state == TransferState.DONE)
    return _one(tx, _TRANSFERS.where(*done))


def legs(tx: Connection, call_id: uuid.UUID) -> Legs | None:
    """What is to be moved for the newest transfer of a call; None if one of the two has gone home."""
    return _legs(tx, Transfer.call_id == call_id)


def legs_of(tx: Connection, leg_id: uuid.UUID) -> Legs | None:
    """The same by the operator's leg, while the transfer is under way."""
    return _legs(tx, Duty.leg_id == leg_id, Transfer.ended_at.is_(None))


def leaving(tx: Connection, pbx: str) -> list[Legs]:
    """Transfers on a PBX whose operator is on the way out of the officer's room."""
    return list(_all_legs(tx, Seat.pbx == pbx, Transfer.state == TransferState.LEAVING, Transfer.ended_at.is_(None)))


def on_duty(tx: Connection, pbx: str) -> list[OfficerRow]:
    """Everybody on duty at a PBX, by their name."""
    query = (
        select(Duty.user_id, Staff.name, Duty.state)
        .join(Staff, Staff.id == Duty.user_id)
        .join(Seat, Seat.extension == Duty.seat)
        .where(Seat.pbx == pbx)
        .order_by(Staff.name)
    )
    return [OfficerRow(user_id, name, state) for user_id, name, state in tx.execute(query)]


def _legs(tx: Connection, *conditions: Any) -> Legs | None:
    return next(_all_legs(tx, *conditions), None)


def _all_legs(tx: Connection, *conditions: Any) -> Iterator[Legs]:
    """The newest first."""
    to = aliased(Duty)
    query = (
        select(Transfer.id, Transfer.call_id, Transfer.state, Call.state, Duty.leg_id, Duty.seat, to.seat)
        .join(Call, Call.id == Transfer.call_id)
        .join(Duty, Duty.user_id == Transfer.from_user)
        .join(to, to.user_id == Transfer.to_user)
        .join(Seat, Seat.extension == Duty.seat)
        .where(*conditions)
        .order_by(Transfer.began_at.desc())
    )
    return (Legs(*row) for row in tx.execute(query))


def _one(tx: Connection, query: Select[*tuple[Any, ...]], **asked: Any) -> TransferRow | None:
    row = tx.execute(query, asked).one_or_none()
    return TransferRow(*tuple(row)) if row else None


_BY, _TO = aliased(Staff), aliased(Staff)
_TRANSFERS: Final = (
    select(
        Transfer.id, Transfer.call_id, Transfer.from_user, _BY.name, Transfer.to_user, _TO.name, Transfer.state,
        Call.debtor_id, Debtor.name, Call.number,
    )
    .join(Call, Call.id == Transfer.call_id)
    .join(_BY, _BY.id == Transfer.from_user)
    .join(_TO, _TO.id == Transfer.to_user)
    .outerjoin(Debtor, Debtor.id == Call.debtor_id)
    .order_by(Transfer.began_at.desc())
    .limit(1)
)  # fmt: skip
_TO_USER: Final = _TRANSFERS.where(Transfer.to_user == USER_ID, Transfer.ended_at.is_(None))
