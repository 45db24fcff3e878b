"""Imports and exports as lists show them: what was asked, how far it is, what it did. No people, no amounts."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from db.rules.terms import ExportKind, ImportKind, ImportState, Load, Right
from db.rules.viewer import Viewer
from db.schema.exchange import ExportRun, ImportRun
from db.schema.ops import Job

UNFINISHED = (ImportState.WAITING, ImportState.READING, ImportState.APPLYING)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import. `progress` in thousandths; the counts are those of `db.schema.exchange.ImportRun`."""

    id: uuid.UUID
    kind: ImportKind
    state: ImportState
    load: Load
    dry_run: bool
    confirmed: bool
    mapping_name: str
    mapping: dict[str, Any]
    file_name: str
    size: int
    sha256: str
    encoding: str
    as_of: datetime
    by: str
    staged: bool
    place: str
    lines: int
    skipped: int
    accepted: int
    rejected: int
    private: int
    added: int
    changed: int
    unchanged: int
    ended: int
    notes: list[str]
    made_at: datetime
    started_at: datetime | None
    done_at: datetime | None
    cancelled_at: datetime | None
    progress: int
    error: str | None

    @property
    def running(self) -> bool:
        """Whether it is being worked on, or will be without anybody's doing."""
        return self.state in UNFINISHED

    @property
    def can_be_cancelled(self) -> bool:
        """Whether nothing of it counts yet."""
        return self.state in (ImportState.WAITING, ImportState.READING, ImportState.HELD)


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One export."""

    id: uuid.UUID
    kind: ExportKind
    mapping_name: str
    mapping: dict[str, Any]
    made_at: datetime
    by: str
    since: datetime | None
    until: datetime
    done_at: datetime | None
    rows: int


_IMPORT = (
    ImportRun.id, ImportRun.kind, ImportRun.state, ImportRun.load, ImportRun.dry_run, ImportRun.confirmed,
    ImportRun.mapping_name, ImportRun.mapping, ImportRun.file_name, ImportRun.size, ImportRun.sha256, ImportRun.encoding,
    ImportRun.as_of, ImportRun.by, ImportRun.staged, ImportRun.place, ImportRun.lines, ImportRun.skipped,
    ImportRun.accepted, ImportRun.rejected, ImportRun.private, ImportRun.added, ImportRun.changed, ImportRun.unchanged,
    ImportRun.ended, ImportRun.notes, Job.made_at, Job.started_at, Job.done_at, Job.cancelled_at, Job.progress, Job.error,
)  # fmt: skip
_EXPORT = (
    ExportRun.id, ExportRun.kind, ExportRun.mapping_name, ExportRun.mapping, ExportRun.made_at, ExportRun.by,
    ExportRun.since, ExportRun.until, ExportRun.done_at, ExportRun.rows,
)  # fmt: skip


def history(tx: Connection, viewer: Viewer, limit: int = 50) -> list[ImportRow]:
    """The newest imports."""
    viewer.require(Right.IMPORT)
    return _rows(tx, _imports().order_by(Job.made_at.desc(), Job.id.desc()).limit(limit))


def one(tx: Connection, viewer: Viewer, run_id: uuid.UUID) -> ImportRow | None:
    """One import."""
    viewer.require(Right.IMPORT)
    return next(iter(_rows(tx, _imports().where(ImportRun.id == run_id))), None)


def next_to_do(tx: Connection) -> uuid.UUID | None:
    """The import that is to be worked on: one that was begun before any other, then the oldest."""
    query = (
        select(ImportRun.id)
        .join(Job, Job.id == ImportRun.id)
        .where(ImportRun.state.in_(UNFINISHED))
        .order_by(ImportRun.state != ImportState.APPLYING, ImportRun.state != ImportState.READING, Job.made_at, Job.id)
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()


def exports(tx: Connection, viewer: Viewer, limit: int = 50) -> list[ExportRow]:
    """The newest exports."""
    viewer.require(Right.IMPORT)
    query = select(*_EXPORT).order_by(ExportRun.made_at.desc(), ExportRun.id.desc()).limit(limit)
    return [ExportRow(*row) for row in tx.execute(query)]


def _imports() -> Select[Any]:
    return select(*_IMPORT).join(Job, Job.id == ImportRun.id)


def _rows(tx: Connection, query: Select[Any]) -> list[ImportRow]:
    return [ImportRow(*row) for row in tx.execute(query)]
