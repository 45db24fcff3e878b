"""The machine room: outbox, commands to the PBX, jobs, settings edited in the panel, and leases of daemons."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, BigId


class Outbox(Base):
    """What changed, as ids without content. `xid` is PostgreSQL's transaction id (0 on SQLite); see `db.outbox`."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "xid", "seq"),)

    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    xid: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(index=True)
    topic: Mapped[str]
    key: Mapped[str]
    user_id: Mapped[int | None]


class Command(Base):
    """What the panel wants of a PBX. Claimed and answered by that PBX's bridge; worthless after `expires_at`."""

    __tablename__ = "command"
    __table_args__ = (Index(None, "pbx", "claimed_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    pbx: Mapped[str]
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    user_id: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    error: Mapped[str | None]


class Job(Base):
    """Long work (an import, a print run) and how far it has come. `cancelled_at`: somebody asked it to stop."""

    __tablename__ = "job"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    user_id: Mapped[int]
    made_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    progress: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    error: Mapped[str | None]


class OfficeSetting(Base):
    """A rule of the office edited in the panel. Rows are added, never changed: the newest of a key is in force."""

    __tablename__ = "office_setting"
    __table_args__ = (Index(None, "key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    value: Mapped[Any] = mapped_column(JSON)
    set_by: Mapped[int]
    set_at: Mapped[datetime]


class Lease(Base):
    """Which process runs a part that must run once, and until when its word counts."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class Listening(Base):
    """Since when a PBX has been ours, and until when its bridge is known to have had it."""

    __tablename__ = "listening"

    pbx: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]
