"""Commands: what the panel wants of a PBX, as rows that its bridge claims once and answers.

A command that nobody claimed in time is worthless: it is never carried out late, and whoever waits is told so.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select, update

from db.outbox import publish
from db.schema.base import new_id
from db.schema.ops import Command

TOPIC: Final = "command"
WORTH: Final = timedelta(seconds=10)


class CommandKind(StrEnum):
    """What can be wanted."""

    RING_PHONE = "duty.ring"
    DROP_PHONE = "duty.drop"
    PLACE = "call.place"
    HANG_UP = "call.hangup"
    HOLD = "call.hold"
    RESUME = "call.resume"
    CONSULT = "call.consult"
    HAND_OVER = "call.hand_over"
    TAKE_BACK = "call.take_back"
    MONITOR = "monitor.move"
    STOP_MONITORING = "monitor.stop"
    PAUSE_RECORDING = "recording.pause"
    RECORD_AGAIN = "recording.again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command, claimed."""

    id: uuid.UUID
    kind: CommandKind
    subject: uuid.UUID
    user_id: int


def want(tx: Connection, pbx: str, kind: CommandKind, subject: uuid.UUID, user_id: int, now: datetime) -> uuid.UUID:
    """Ask the bridge of `pbx` to do something to the leg or call `subject`."""
    command_id = new_id()
    arguments: Mapping[str, str] = {"subject": str(subject)}
    tx.execute(
        insert(Command).values(
            id=command_id,
            pbx=pbx,
            kind=kind.value,
            arguments=arguments,
            user_id=user_id,
            made_at=now,
            expires_at=now + WORTH,
        )
    )
    publish(tx, now, TOPIC, command_id, user_id)
    return command_id


def claim(tx: Connection, pbx: str, now: datetime) -> list[Wanted]:
    """Take all open commands of a PBX, oldest first; each is handed out once. Those out of time are left to `expire`."""
    return _take(tx, _open(pbx).where(Command.expires_at > now), claimed_at=now)


def expire(tx: Connection, pbx: str, now: datetime) -> list[Wanted]:
    """Close the commands of a PBX that nobody claimed in time, and say which they were."""
    taken = _take(tx, _open(pbx).where(Command.expires_at <= now), claimed_at=now, done_at=now, error="expired")
    _tell(tx, taken, now)
    return taken


def abandon(tx: Connection, pbx: str, now: datetime) -> list[Wanted]:
    """Close what an earlier bridge of the PBX claimed and, killed, never answered. Nothing of it is carried out."""
    left = _ordered(pbx).where(Command.claimed_at.is_not(None), Command.done_at.is_(None))
    taken = _take(tx, left, done_at=now, error="abandoned")
    _tell(tx, taken, now)
    return taken


def pending(tx: Connection, pbx: str) -> frozenset[uuid.UUID]:
    """The legs and calls that a PBX's bridge is still to do something about."""
    rows = tx.execute(select(Command.arguments).where(Command.pbx == pbx, Command.done_at.is_(None)))
    return frozenset(uuid.UUID(row.arguments["subject"]) for row in rows)


def is_wanted(tx: Connection, pbx: str, subject: uuid.UUID, kinds: Collection[CommandKind]) -> bool:
    """Whether the bridge of a PBX is still to do one of these to a leg or call."""
    rows = tx.execute(
        select(Command.arguments).where(Command.pbx == pbx, Command.done_at.is_(None), Command.kind.in_(kinds))
    )
    return any(row.arguments["subject"] == str(subject) for row in rows)


def asked(tx: Connection, pbx: str, kind: CommandKind, subject: uuid.UUID, since: datetime) -> bool:
    """Whether something was wanted of a leg or call since a moment, and taken up by a bridge."""
    rows = tx.execute(
        select(Command.arguments).where(
            Command.pbx == pbx,
            Command.claimed_at >= since,
            Command.kind == kind.value,
            Command.error.is_distinct_from("expired"),
        )
    )
    return any(row.arguments["subject"] == str(subject) for row in rows)


def withdraw(tx: Connection, pbx: str, kind: CommandKind, subject: uuid.UUID, now: datetime) -> bool:
    """Take back a command that nobody has claimed; False if it is being carried out, or was."""
    rows = [row for row in tx.execute(_open(pbx)) if (row.kind, row.arguments["subject"]) == (kind.value, str(subject))]
    for row in rows:
        tx.execute(update(Command).where(Command.id == row.id).values(claimed_at=now, done_at=now, error="withdrawn"))
    return bool(rows)


def answer(tx: Connection, command_id: uuid.UUID, now: datetime, error: str | None = None) -> None:
    """Close a command: done, or not done and why."""
    tx.execute(update(Command).where(Command.id == command_id).values(done_at=now, error=error))
    owner = tx.execute(select(Command.user_id).where(Command.id == command_id)).scalar_one()
    publish(tx, now, TOPIC, command_id, owner)


def _ordered(pbx: str) -> Select[Any]:
    return (
        select(Command)
        .where(Command.pbx == pbx)
        .order_by(Command.made_at, Command.id)
        .with_for_update(skip_locked=True)
    )


def _open(pbx: str) -> Select[Any]:
    return _ordered(pbx).where(Command.claimed_at.is_(None))


def _take(tx: Connection, query: Select[Any], **values: object) -> list[Wanted]:
    rows = tx.execute(query).all()
    if rows:
        tx.execute(update(Command).where(Command.id.in_([row.id for row in rows])).values(**values))
    return [Wanted(row.id, CommandKind(row.kind), uuid.UUID(row.arguments["subject"]), row.user_id) for row in rows]


def _tell(tx: Connection, closed: Sequence[Wanted], now: datetime) -> None:
    for command in closed:
        publish(tx, now, TOPIC, command.id, command.user_id)
