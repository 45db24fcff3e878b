"""Asking for an import, taking it back, saying that it is right: what an admin does. The work itself is done elsewhere."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from db.outbox import publish
from db.rules.imports.mapping import parse_mapping
from db.rules.terms import ImportState, Right
from db.rules.viewer import Viewer
from db.schema.exchange import ImportRun
from db.schema.ops import Job
from db.store import access_log, imports
from db.store.imports import ImportRow

TOPIC = "import"


class ImportRefusedError(Exception):
    """It cannot be done; the sentence is Japanese. `code`: running, too_late, not_waiting."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoSuchImportError(ImportRefusedError):
    """There is no such import."""

    def __init__(self) -> None:
        super().__init__("no_such_import", "該当する取込がありません。")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An import as it is asked for. `mapping` is the TOML document; `again`: even if the same file was taken before."""

    run_id: uuid.UUID
    mapping: Mapping[str, Any]
    file_name: str
    size: int
    sha256: str
    encoding: str
    as_of: datetime
    dry_run: bool
    again: bool = False


def ask(tx: Connection, viewer: Viewer, wanted: Wanted, now: datetime) -> ImportState:
    """Put an import in line. Raises MappingError; returns SAME if this very file was taken before (nothing is done)."""
    viewer.require(Right.IMPORT)
    mapping = parse_mapping(wanted.mapping)
    same = _same_file(tx, wanted, mapping.kind, mapping.name)
    if same is not None and same.state in imports.UNFINISHED:
        raise ImportRefusedError("running", f"同じファイル（{wanted.file_name}）の取込が進行中です。")
    done = same is not None and not wanted.dry_run and not wanted.again
    state = ImportState.SAME if done else ImportState.WAITING
    notes = [f"同じ内容のファイルを{same.file_name}として取り込み済みです。"] if done and same else []
    tx.execute(
        insert(Job).values(
            id=wanted.run_id, kind="import", arguments={}, user_id=viewer.user_id, made_at=now, total=1000,
            done_at=now if done else None, progress=1000 if done else 0,
        )
    )  # fmt: skip
    tx.execute(
        insert(ImportRun).values(
            id=wanted.run_id, kind=mapping.kind, state=state, load=mapping.load, dry_run=wanted.dry_run,
            mapping_name=mapping.name, mapping=dict(wanted.mapping), file_name=wanted.file_name, size=wanted.size,
            sha256=wanted.sha256, encoding=wanted.encoding, as_of=wanted.as_of, by=viewer.name, notes=notes,
        )
    )  # fmt: skip
    detail = f"{mapping.kind.label} {wanted.file_name} {wanted.sha256[:12]}{' 検査のみ' if wanted.dry_run else ''}"
    access_log.append(tx, viewer, now, "import.ask", detail=detail)
    publish(tx, now, TOPIC, wanted.run_id)
    return state


def cancel(tx: Connection, viewer: Viewer, run_id: uuid.UUID, now: datetime) -> None:
    """Take an import back, while nothing of it counts. Raises ImportRefusedError."""
    row = _found(tx, viewer, run_id)
    if not row.can_be_cancelled:
        raise ImportRefusedError("too_late", f"「{row.state.label}」の取込は取り消せません。")
    tx.execute(update(Job).where(Job.id == run_id).values(cancelled_at=now))
    if row.state is not ImportState.READING:
        _set(tx, run_id, ImportState.CANCELLED)
        tx.execute(update(Job).where(Job.id == run_id).values(done_at=now))
    access_log.append(tx, viewer, now, "import.cancel", detail=row.file_name)
    publish(tx, now, TOPIC, run_id)


def confirm(tx: Connection, viewer: Viewer, run_id: uuid.UUID, now: datetime) -> None:
    """Say that an import that waits for a word, or was only checked, is to be taken. Raises ImportRefusedError."""
    row = _found(tx, viewer, run_id)
    if row.state not in (ImportState.HELD, ImportState.CHECKED):
        raise ImportRefusedError("not_waiting", f"「{row.state.label}」の取込は反映できません。")
    confirmed = row.state is ImportState.HELD
    values = {"state": ImportState.WAITING, "dry_run": False, "confirmed": confirmed, "added": 0, "changed": 0}
    values |= {"unchanged": 0, "ended": 0}
    tx.execute(update(ImportRun).where(ImportRun.id == run_id).values(values))
    tx.execute(update(Job).where(Job.id == run_id).values(done_at=None, error=None))
    access_log.append(tx, viewer, now, "import.confirm", detail=row.file_name)
    publish(tx, now, TOPIC, run_id)


def _found(tx: Connection, viewer: Viewer, run_id: uuid.UUID) -> ImportRow:
    tx.execute(select(ImportRun.id).where(ImportRun.id == run_id).with_for_update())
    row = imports.one(tx, viewer, run_id)
    if row is None:
        raise NoSuchImportError
    return row


def _same_file(tx: Connection, wanted: Wanted, kind: object, name: str) -> Any:
    query = (
        select(ImportRun.id, ImportRun.state, ImportRun.file_name)
        .where(ImportRun.kind == kind, ImportRun.sha256 == wanted.sha256, ImportRun.mapping_name == name)
        .where(ImportRun.dry_run.is_(False), ImportRun.state.in_((ImportState.DONE, *imports.UNFINISHED)))
        .order_by(ImportRun.state == ImportState.DONE)
        .limit(1)
    )
    return tx.execute(query).one_or_none()


def _set(tx: Connection, run_id: uuid.UUID, state: ImportState) -> None:
    tx.execute(update(ImportRun).where(ImportRun.id == run_id).values(state=state))
