"""Back to the core system: contacts, promises and results since the last export, each exactly once.

What an export holds is written down event by event (`ExportItem`, whose key no second export can use) before any file is
made; what is in it never changes afterwards. So a file that was cut off is simply written again, an export that was
killed is gone on with, and each can be fetched again later. An export looks back a day further than the last one went:
what was committed late is found by what is missing in the exports, not by the clock.
"""

import csv
import io
import uuid
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select, update

from db.outbox import publish
from db.rules.exports import ExportMapping, cells, headings, parse_export
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.exchange import ExportItem, ExportRun
from db.store import access_log, exports
from db.usecases.imports.request import TOPIC

AT_ONCE: Final = 1_000
"""Events claimed, or written into a file, in one transaction."""
BACK: Final = timedelta(days=1)


class NoSuchExportError(Exception):
    """There is no such export, or it is not ready."""

    code = "no_such_export"

    def __init__(self) -> None:
        super().__init__("該当する書出しがないか、まだ準備中です。")


def begin(
    tx: Connection, viewer: Viewer, document: Mapping[str, Any], now: datetime, *, for_file: bool, zone: ZoneInfo
) -> uuid.UUID:
    """The export to work on: the one of this stream that was begun and not finished, or a new one.

    `for_file`: it is finished by whoever writes its file, not by the jobs daemon.
    """
    mapping = parse_export(document)
    for area in mapping.areas:
        viewer.require(Right.IMPORT, area)
    unfinished = select(ExportRun.id).where(
        ExportRun.mapping_name == mapping.name, ExportRun.done_at.is_(None), ExportRun.for_file.is_(for_file)
    )
    found = tx.execute(unfinished.order_by(ExportRun.made_at).limit(1)).scalar_one_or_none()
    if found is not None:
        return found
    run_id = new_id()
    tx.execute(
        insert(ExportRun).values(
            id=run_id, kind=mapping.kind, mapping_name=mapping.name, mapping=_plain(document), made_at=now,
            user_id=viewer.user_id, by=viewer.name, since=_since(tx, mapping, zone), until=now, for_file=for_file,
        )
    )  # fmt: skip
    access_log.append(tx, viewer, now, "export.make", detail=f"{mapping.kind.label} {mapping.name}")
    publish(tx, now, TOPIC, run_id)
    return run_id


def collect(tx: Connection, run_id: uuid.UUID) -> int:
    """Claim the next events for an export; returns how many. Zero: it holds all there was."""
    run = tx.execute(select(ExportRun).where(ExportRun.id == run_id).with_for_update()).one()
    found = exports.new_events(tx, mapping_of(run.mapping), run.since, run.until, AT_ONCE)
    if not found:
        return 0
    rows = [
        {"stream": run.mapping_name, "subject_id": one, "event": event, "export_id": run_id, "position": run.rows + at}
        for at, (one, event) in enumerate(found, start=1)
    ]
    tx.execute(insert(ExportItem), rows)
    tx.execute(update(ExportRun).where(ExportRun.id == run_id).values(rows=ExportRun.rows + len(rows)))
    return len(rows)


def finish(tx: Connection, run_id: uuid.UUID, now: datetime) -> int:
    """It holds all there was (and its file is written, where one is); returns how many events."""
    tx.execute(update(ExportRun).where(ExportRun.id == run_id).values(done_at=func.coalesce(ExportRun.done_at, now)))
    publish(tx, now, TOPIC, run_id)
    return tx.execute(select(ExportRun.rows).where(ExportRun.id == run_id)).scalar_one()


def next_to_do(tx: Connection) -> uuid.UUID | None:
    """The oldest export that the jobs daemon is to finish."""
    query = select(ExportRun.id).where(ExportRun.done_at.is_(None), ExportRun.for_file.is_(False))
    return tx.execute(query.order_by(ExportRun.made_at).limit(1)).scalar_one_or_none()


def fetch(tx: Connection, viewer: Viewer, run_id: uuid.UUID, now: datetime) -> ExportMapping:
    """Fetch an export, again or for the first time: its mapping, for `piece`. Raises NoSuchExportError."""
    run = tx.execute(select(ExportRun).where(ExportRun.id == run_id)).one_or_none()
    if run is None or (run.done_at is None and not run.for_file):
        raise NoSuchExportError
    mapping = mapping_of(run.mapping)
    for area in mapping.areas:
        viewer.require(Right.IMPORT, area)
    access_log.append(
        tx, viewer, now, "export.fetch", detail=f"{mapping.name} {run.made_at:%Y-%m-%d %H:%M} {run.rows}件"
    )
    return mapping


def piece(tx: Connection, mapping: ExportMapping, run_id: uuid.UUID, after: int, zone: ZoneInfo) -> tuple[bytes, int]:
    """The next bytes of the file of an export, and the place to go on from (that given: it was the last)."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=mapping.delimiter, lineterminator="\r\n")
    if after == 0 and mapping.header:
        writer.writerow(headings(mapping))
    found, reached = exports.rows(tx, mapping.kind, run_id, after, AT_ONCE)
    writer.writerows(cells(mapping, row, zone) for row in found)
    encoding = mapping.encoding if after == 0 or mapping.encoding != "utf-8-sig" else "utf-8"
    return out.getvalue().encode(encoding, "replace"), reached


def mapping_of(document: Mapping[str, Any]) -> ExportMapping:
    """The mapping as it was kept with an export."""
    export = dict(document["export"])
    if "since" in export:
        export["since"] = datetime.fromisoformat(export["since"]).date()
    return parse_export({**document, "export": export})


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    export = {key: str(value) if key == "since" else value for key, value in document["export"].items()}
    return {**document, "export": export}


def _since(tx: Connection, mapping: ExportMapping, zone: ZoneInfo) -> datetime | None:
    last = tx.execute(select(func.max(ExportRun.until)).where(ExportRun.mapping_name == mapping.name)).scalar()
    floor = datetime.combine(mapping.since, time(), zone) if mapping.since else None
    if last is None:
        return floor
    return max(last - BACK, floor) if floor else last - BACK
