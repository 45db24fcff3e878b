"""What the worker writes into the register while it works on an import: every transition, under the lease of imports."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from db.outbox import publish
from db.rules.terms import Area, ImportKind, ImportState
from db.rules.viewer import system_viewer
from db.schema.exchange import Freshness, ImportRun
from db.schema.ops import Job
from db.store import access_log, summaries
from db.usecases import case_states, leases
from db.usecases.imports import assessments, flags, households, payments, people, phones
from db.usecases.imports.context import Context, Effect, StagedRow
from db.usecases.imports.request import TOPIC

LEASE: Final = "imports"
LASTS: Final = timedelta(minutes=2)
TOLD_ONE_BY_ONE: Final = 5_000
"""Lines up to which an import tells the screens of each person that it touched."""

Apply = Callable[[Connection, Context, Sequence[StagedRow]], Effect]
OpenRows = Callable[[Connection, Context, int, int], list[tuple[int, str]]]
EndRows = Callable[[Connection, Context, Collection[int]], Effect]

APPLY: Final[dict[ImportKind, Apply]] = {
    ImportKind.PEOPLE: people.apply,
    ImportKind.ASSESSMENTS: assessments.apply,
    ImportKind.PAYMENTS: payments.apply,
    ImportKind.HOUSEHOLDS: households.apply,
    ImportKind.PHONES: phones.apply,
    ImportKind.FLAGS: flags.apply,
}
ENDING: Final[dict[ImportKind, tuple[OpenRows, EndRows]]] = {
    ImportKind.PEOPLE: (people.open_rows, people.end_rows),
    ImportKind.ASSESSMENTS: (assessments.open_rows, assessments.end_rows),
    ImportKind.HOUSEHOLDS: (households.open_rows, households.end_rows),
    ImportKind.PHONES: (phones.open_rows, phones.end_rows),
    ImportKind.FLAGS: (flags.open_rows, flags.end_rows),
}


class CancelledError(Exception):
    """Somebody took the import back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker at work: which import, and the holder of the lease."""

    run_id: uuid.UUID
    holder: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What reading a file came to: lines of the file, and different private-use characters."""

    lines: int = 0
    skipped: int = 0
    accepted: int = 0
    rejected: int = 0
    private: int = 0

    def with_rejected(self, more: int) -> "Counts":
        """The same with lines that were refused after all."""
        return replace(self, accepted=self.accepted - more, rejected=self.rejected + more)


def begin(tx: Connection, turn: Turn, now: datetime) -> None:
    """Begin to read. Raises CancelledError."""
    _held(tx, turn, now)
    _not_cancelled(tx, turn)
    _run(tx, turn, state=ImportState.READING, staged=False)
    _job(tx, turn, started_at=func.coalesce(Job.started_at, now), error=None)
    publish(tx, now, TOPIC, turn.run_id)


def tell(tx: Connection, turn: Turn, now: datetime, progress: int, counts: Counts | None = None) -> None:
    """Say how far it is, in thousandths. Raises CancelledError if the import is to stop."""
    _held(tx, turn, now)
    _not_cancelled(tx, turn)
    _job(tx, turn, progress=progress)
    if counts is not None:
        _run(tx, turn, lines=counts.lines, accepted=counts.accepted, rejected=counts.rejected)
    publish(tx, now, TOPIC, turn.run_id)


def staged(tx: Connection, turn: Turn, now: datetime, counts: Counts, encoding: str) -> None:
    """All lines are read and checked, and are on the disk."""
    _held(tx, turn, now)
    _not_cancelled(tx, turn)
    _run(
        tx, turn, staged=True, encoding=encoding, lines=counts.lines, skipped=counts.skipped, accepted=counts.accepted,
        rejected=counts.rejected, private=counts.private,
    )  # fmt: skip
    publish(tx, now, TOPIC, turn.run_id)


def hold(tx: Connection, turn: Turn, now: datetime, notes: Sequence[str]) -> None:
    """Wait for a person's word."""
    _held(tx, turn, now)
    _run(tx, turn, state=ImportState.HELD, notes=list(notes))
    _job(tx, turn, done_at=now)
    publish(tx, now, TOPIC, turn.run_id)


def checked(tx: Connection, turn: Turn, now: datetime, effect: Effect, ended: int, notes: Sequence[str]) -> None:
    """The dry run is over."""
    _held(tx, turn, now)
    _run(
        tx, turn, state=ImportState.CHECKED, notes=list(notes), added=effect.added, changed=effect.changed,
        unchanged=effect.unchanged, ended=ended,
    )  # fmt: skip
    _job(tx, turn, done_at=now, progress=1000)
    publish(tx, now, TOPIC, turn.run_id)


def decide(tx: Connection, turn: Turn, now: datetime) -> None:
    """From here on all of the file will count. Raises CancelledError for the last time."""
    _held(tx, turn, now)
    _not_cancelled(tx, turn)
    _run(tx, turn, state=ImportState.APPLYING, place="")
    publish(tx, now, TOPIC, turn.run_id)


def take(
    tx: Connection, turn: Turn, now: datetime, context: Context, rows: Sequence[StagedRow], *, each: bool
) -> Effect:
    """Apply one step and commit the place with it, so that it is never applied twice. `each`: bring every person's summary
    along and tell the screens, which after a large import is done at its end."""
    _held(tx, turn, now)
    effect = APPLY[context.mapping.kind](tx, context, rows)
    statement = update(ImportRun).where(ImportRun.id == turn.run_id)
    tx.execute(statement.values(
        place=rows[-1][1],
        added=ImportRun.added + effect.added,
        changed=ImportRun.changed + effect.changed,
        unchanged=ImportRun.unchanged + effect.unchanged,
    ))  # fmt: skip
    if each:
        summaries.refresh(tx, effect.touched, context.today)
        for debtor_id in sorted(effect.touched):
            publish(tx, now, "debtor", debtor_id)
    return effect


def end(tx: Connection, turn: Turn, now: datetime, context: Context, ids: Collection[int]) -> Effect:
    """End rows that the file does not list. Those that ended already are left alone."""
    _held(tx, turn, now)
    effect = ENDING[context.mapping.kind][1](tx, context, ids)
    tx.execute(update(ImportRun).where(ImportRun.id == turn.run_id).values(ended=ImportRun.ended + effect.changed))
    return effect


def sum_up(tx: Connection, turn: Turn, now: datetime, context: Context, people: Sequence[int]) -> None:
    """Bring the summaries of some people along; `people` ascending."""
    _held(tx, turn, now)
    dense = people[-1] - people[0] < 4 * len(people)
    if dense:
        summaries.refresh_range(tx, people[0], people[-1], context.today)
    else:
        summaries.refresh(tx, people, context.today)
    publish(tx, now, case_states.MANY, people[0])


def show(tx: Connection, turn: Turn, now: datetime, progress: int) -> None:
    """Say how far applying is."""
    _held(tx, turn, now)
    _job(tx, turn, progress=progress)
    publish(tx, now, TOPIC, turn.run_id)


def finish(tx: Connection, turn: Turn, now: datetime, context: Context, notes: Sequence[str], *, fresh: bool) -> None:
    """All of it counts. `fresh`: enough of the file was taken to say that the data are as of its moment."""
    _held(tx, turn, now)
    if fresh:
        for kind in _fresh_kinds(context):
            for area in sorted(context.mapping.areas or set(Area)):
                _freshen(tx, kind, area, context.as_of, turn.run_id)
    _run(tx, turn, state=ImportState.DONE, notes=list(notes))
    _job(tx, turn, done_at=now, progress=1000)
    row = tx.execute(select(ImportRun).where(ImportRun.id == turn.run_id)).one()
    detail = f"{row.kind.label} {row.file_name}: 追加{row.added} 変更{row.changed} 終了{row.ended} 拒否{row.rejected}"
    access_log.append(tx, system_viewer("import"), now, "import.done", detail=detail)
    publish(tx, now, TOPIC, turn.run_id)


def close(tx: Connection, turn: Turn, now: datetime, state: ImportState, error: str = "") -> None:
    """Nothing of it counts: it was taken back or cannot be done."""
    _held(tx, turn, now)
    _run(tx, turn, state=state)
    _job(tx, turn, done_at=now, error=error or None)
    publish(tx, now, TOPIC, turn.run_id)


def _fresh_kinds(context: Context) -> tuple[ImportKind, ...]:
    """A file that states what is unpaid says as much about payments as one of payments does."""
    kind = context.mapping.kind
    states = kind is ImportKind.ASSESSMENTS and "outstanding" in context.mapping.columns
    return (kind, ImportKind.PAYMENTS) if states else (kind,)


def _freshen(tx: Connection, kind: ImportKind, area: Area, as_of: datetime, run_id: uuid.UUID) -> None:
    where = (Freshness.kind == kind, Freshness.area == area)
    known = tx.execute(select(Freshness.as_of).where(*where)).scalar_one_or_none()
    if known is None:
        tx.execute(insert(Freshness).values(kind=kind, area=area, as_of=as_of, import_id=run_id))
    elif known < as_of:
        tx.execute(update(Freshness).where(*where).values(as_of=as_of, import_id=run_id))


def _held(tx: Connection, turn: Turn, now: datetime) -> None:
    leases.renew(tx, LEASE, turn.holder, now, LASTS)


def _not_cancelled(tx: Connection, turn: Turn) -> None:
    if tx.execute(select(Job.cancelled_at).where(Job.id == turn.run_id)).scalar_one() is not None:
        raise CancelledError


def _run(tx: Connection, turn: Turn, **values: Any) -> None:
    tx.execute(update(ImportRun).where(ImportRun.id == turn.run_id).values(**values))


def _job(tx: Connection, turn: Turn, **values: Any) -> None:
    tx.execute(update(Job).where(Job.id == turn.run_id).values(**values))
