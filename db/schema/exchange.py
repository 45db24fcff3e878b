"""What came in from the core systems and what went back: imports, how fresh each kind of data is, exports."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area, ExportKind, ImportKind, ImportState, Load
from db.schema.base import Base, BigId, Code


class ImportRun(Base):
    """One import of one file: what was asked, how far it has come, and what it did. `id` is that of its job.

    `mapping` is the document as it was used. `place` counts the owners (people) whose lines count already: where an
    import that was killed while APPLYING goes on. `confirmed`: a person said that it is right that so much ends.
    Counts are of lines of the file, except `added`, `changed`, `unchanged` and `ended`, which are of rows here.
    """

    __tablename__ = "import_run"
    __table_args__ = (Index(None, "state"), Index(None, "kind", "sha256"))

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id"), primary_key=True)
    kind: Mapped[ImportKind] = mapped_column(Code(ImportKind))
    state: Mapped[ImportState] = mapped_column(Code(ImportState))
    load: Mapped[Load] = mapped_column(Code(Load))
    dry_run: Mapped[bool]
    confirmed: Mapped[bool] = mapped_column(default=False)
    mapping_name: Mapped[str]
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    file_name: Mapped[str]
    size: Mapped[int] = mapped_column(BigId)
    sha256: Mapped[str]
    encoding: Mapped[str] = mapped_column(default="")
    as_of: Mapped[datetime]
    by: Mapped[str]
    staged: Mapped[bool] = mapped_column(default=False)
    place: Mapped[str] = mapped_column(default="")
    lines: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    private: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    ended: Mapped[int] = mapped_column(default=0)
    notes: Mapped[list[Any]] = mapped_column(JSON, default=list)


class Freshness(Base):
    """As of when the data of a kind and area are: the newest import of it that was taken."""

    __tablename__ = "freshness"

    kind: Mapped[ImportKind] = mapped_column(Code(ImportKind), primary_key=True)
    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    as_of: Mapped[datetime]
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("import_run.id"))


class ExportRun(Base):
    """One file that went to the core system. What it holds never changes: it can be written again at any time.

    `until` is its cursor: the moment up to which it looked. Open until `done_at`: an export that was killed is gone on
    with by the next. `for_file`: whoever writes its file finishes it; else the jobs daemon does.
    """

    __tablename__ = "export_run"
    __table_args__ = (Index(None, "kind", "mapping_name", "made_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[ExportKind] = mapped_column(Code(ExportKind))
    mapping_name: Mapped[str]
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[datetime]
    user_id: Mapped[int]
    by: Mapped[str]
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    done_at: Mapped[datetime | None]
    rows: Mapped[int] = mapped_column(default=0)
    for_file: Mapped[bool] = mapped_column(default=False, server_default=false())


class ExportItem(Base):
    """One event in one export: `subject_id` (a contact, promise or attempt) and what of it (`made`, `cancelled`).

    The key is the stream (a mapping's name) with the event, so that none goes out twice.
    """

    __tablename__ = "export_item"
    __table_args__ = (Index(None, "export_id", "position"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    export_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("export_run.id"))
    position: Mapped[int] = mapped_column(BigId)
