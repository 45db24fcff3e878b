"""What the PBX's own record tells of calls whose end the bridge did not hear: settled as if it had been heard.

The record proves what happened, not what did not: a dial of which it says nothing, or whose end it does not say, stays
*unknown*, for a person to settle. Told twice, or after a person has given the result, nothing is changed twice.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, select, update

from db.rules.callers import Caller
from db.rules.telephony import OPEN_ATTEMPTS, AttemptState, CallState, EndedBy
from db.schema.calls import Attempt, Call
from db.schema.work import Task
from db.store import incoming as came_in
from db.usecases import calls, commands, incoming
from db.usecases.commands import CommandKind
from db.usecases.office import Office

OURS: Final = frozenset({0, 127})
"""Causes of a hang-up before an answer that say that nobody but ourselves ended the call."""

RANG_OUT: Final = 19
"""Q.850 "no answer": what Asterisk 22 gives for a call that rang until its time was over; 16 gives 0."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the record tells of a channel, in the register's time; None for what it does not tell.

    `alive`: the last sign of life of the PBX that is in the record, for a channel whose end the PBX did not live to write.
    """

    answered: datetime | None = None
    joined: datetime | None = None
    machine: datetime | None = None
    ended: datetime | None = None
    cause: int | None = None
    by: EndedBy | None = None
    alive: datetime | None = None

    @property
    def tells_all(self) -> bool:
        """Whether the call's end is in it."""
        return self.ended is not None


NOTHING: Final = Account()
"""There is no record, or nothing in it."""


def settle(tx: Connection, attempt_id: uuid.UUID, told: Account, now: datetime) -> None:
    """Close an attempt that has no channel any more, by what the record tells of it."""
    query = select(Attempt.state, Attempt.pbx, Attempt.sent_at, Attempt.ringing_at, Attempt.answered_at)
    row = tx.execute(query.where(Attempt.id == attempt_id).with_for_update()).one_or_none()
    if row is None or row.state not in OPEN_ATTEMPTS | {AttemptState.UNKNOWN}:
        return
    if row.state is AttemptState.UNKNOWN:
        if not told.tells_all:
            return
        _reopen(tx, attempt_id, now)
    if not told.tells_all and told.answered is None and row.answered_at is None:
        calls.unknown(tx, attempt_id, now)
        return
    begins: datetime = row.answered_at or row.sent_at
    if told.answered is not None and row.answered_at is None:
        begins = _between(begins, told.answered, now)
        calls.answered(tx, attempt_id, now, at=begins)
    if told.machine is not None:
        calls.machine(tx, attempt_id, now, at=_between(begins, told.machine, now))
    if told.joined is not None:
        joined = update(Call).where(Call.id == attempt_id, Call.joined_at.is_(None))
        tx.execute(joined.values(joined_at=_between(begins, told.joined, now)))
    ended = _between(begins, told.ended or told.alive or now, now)
    cause, by = _cause(tx, attempt_id, row, told)
    calls.ended(tx, attempt_id, now, cause, by=by, at=ended)


def missed(
    tx: Connection, call_id: uuid.UUID, pbx: str, channel: str, caller: Caller, rang: datetime, ended: datetime | None,
    now: datetime, office: Office,
) -> None:  # fmt: skip
    """Enter a call that came in and ended while no bridge heard of it; a task is left, as for every call missed."""
    if came_in.find(tx, call_id) is not None:
        return
    arrived = min(rang, now)
    incoming.arrived(tx, call_id, pbx, channel, caller, arrived, office)
    incoming.gone(tx, call_id, _between(arrived, ended or now, now), office)


def _reopen(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> None:
    """What was unknown is known: nobody need settle it any more."""
    unknown = update(Attempt).where(Attempt.id == attempt_id)
    tx.execute(unknown.values(state=AttemptState.RINGING, ended_at=None))
    tx.execute(update(Call).where(Call.id == attempt_id).values(state=CallState.RINGING, ended_at=None))
    open_task = update(Task).where(Task.subject_id == attempt_id, Task.kind == calls.UNKNOWN_TASK)
    tx.execute(open_task.where(Task.done_at.is_(None)).values(done_at=now))


def _cause(
    tx: Connection, attempt_id: uuid.UUID, row: Row[*tuple[object, ...]], told: Account
) -> tuple[int | None, EndedBy | None]:
    """The cause as the bridge would have understood it, and on whose word the call ended."""
    answered = told.answered is not None or row.answered_at is not None
    asked = commands.asked(tx, row.pbx, CommandKind.HANG_UP, attempt_id, row.sent_at)
    if answered:
        return told.cause, EndedBy.SCREEN if asked and told.by is not EndedBy.PERSON else told.by
    if told.cause in OURS and asked:
        return told.cause, EndedBy.SCREEN
    if told.cause == 0 and row.ringing_at is not None:
        return RANG_OUT, None
    return told.cause, None


def _between(first: datetime, at: datetime, last: datetime) -> datetime:
    """The PBX's clock may be another: nothing ends before it began, or in the future."""
    return max(first, min(at, last))
