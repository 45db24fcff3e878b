"""Commands: what the panel wants of a PBX, as rows that its bridge claims once and answers.

A command that nobody claimed in time is worthless: it is never carried out late, and whoever waits is told so.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, insert, select, update

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
    """Take all open commands of a PBX, oldest first; each is handed out once. Those out of time are closed instead."""
    expired = update(Command).where(Command.pbx == pbx, Command.claimed_at.is_(None), Command.expires_at <= now)
    tx.execute(expired.values(claimed_at=now, done_at=now, error="expired"))
    rows = tx.execute(
        select(Command)
        .where(Command.pbx == pbx, Command.claimed_at.is_(None))
        .order_by(Command.made_at, Command.id)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        tx.execute(update(Command).where(Command.id.in_([row.id for row in rows])).values(claimed_at=now))
    return [Wanted(row.id, CommandKind(row.kind), uuid.UUID(row.arguments["subject"]), row.user_id) for row in rows]


def answer(tx: Connection, command_id: uuid.UUID, now: datetime, error: str | None = None) -> None:
    """Close a command: done, or not done and why."""
    tx.execute(update(Command).where(Command.id == command_id).values(done_at=now, error=error))
    owner = tx.execute(select(Command.user_id).where(Command.id == command_id)).scalar_one()
    publish(tx, now, TOPIC, command_id, owner)
