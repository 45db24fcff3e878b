"""The outbox: what changed, as ids without content, written in the transaction that changed it.

Readers keep a cursor and ask for what came after it. On PostgreSQL sequence numbers can commit out of order, so a
reader stops at the oldest running transaction and orders by (xid, seq): nothing that commits later can sort before
what it has already read. On SQLite writers are serial and xid is 0.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    String,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
)

from db.engine import OUTBOX_WRITTEN
from db.schema.ops import Outbox
from db.store.many import Given

CHANNEL = "saikoku_outbox"
"""The PostgreSQL notification channel."""

KEEP = timedelta(days=3)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a reader has come."""

    xid: int
    seq: int

    def __str__(self) -> str:
        return f"{self.xid}-{self.seq}"

    @classmethod
    def parse(cls, value: str) -> Self | None:
        """The cursor written by `str`, or None if it is not one."""
        xid, dash, seq = value.partition("-")
        return cls(int(xid), int(seq)) if dash and xid.isdigit() and seq.isdigit() and len(value) < 40 else None


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the outbox: something of `topic` with the id `key` changed; `user_id` is whom it concerns, if one."""

    cursor: Cursor
    topic: str
    key: str
    user_id: int | None


def publish(tx: Connection, at: datetime, topic: str, key: object, user_id: int | None = None) -> None:
    """Say within `tx` that something changed."""
    publish_each(tx, at, topic, [key], user_id)


def publish_each(
    tx: Connection, at: datetime, topic: str, keys: Collection[object], user_id: int | None = None
) -> None:
    """Say within `tx` that several things of one topic changed."""
    publish_all(tx, at, [(topic, key) for key in keys], user_id)


def publish_all(
    tx: Connection, at: datetime, changed: Collection[tuple[str, object]], user_id: int | None = None
) -> None:
    """Say within `tx` that several things (topic, key) changed."""
    if not changed:
        return
    rows = _CHANGED.bound(tx, [(topic, str(key)) for topic, key in changed])
    tx.execute(_insert(tx.dialect.name), {**rows, "at": at, "user_id": user_id})
    tx.info[OUTBOX_WRITTEN] = True


_CHANGED: Final = Given("changed", {"topic": String(), "key": String()})


@cache
def _insert(dialect: str) -> Insert | Select[str]:
    """PostgreSQL is told to notify in the same way there and back."""
    given = _CHANGED.table(dialect).c
    xid: ColumnElement[int] = literal_column("0" if dialect == "sqlite" else "pg_current_xact_id()::text::bigint")
    at, user_id = bindparam("at", type_=Outbox.at.type), bindparam("user_id", type_=Outbox.user_id.type)
    rows = select(xid, at, given.topic, given.key, user_id)
    written = insert(Outbox).from_select(["xid", "at", "topic", "key", "user_id"], rows)
    return written if dialect == "sqlite" else select(func.pg_notify(CHANNEL, "")).add_cte(written.cte("written"))


def latest(tx: Connection) -> Cursor:
    """The cursor of a reader that wants only what is still to come."""
    settled = _settled(tx)
    query = select(Outbox.xid, Outbox.seq).where(*settled).order_by(Outbox.xid.desc(), Outbox.seq.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return Cursor(row.xid, row.seq) if row else Cursor(0, 0)


def changes_after(tx: Connection, cursor: Cursor, limit: int = 500) -> list[Change]:
    """The next changes, oldest first."""
    rows = tx.execute(_after(tx.dialect.name), {"xid": cursor.xid, "seq": cursor.seq, "limit": limit})
    return [Change(Cursor(r.xid, r.seq), r.topic, r.key, r.user_id) for r in rows]


@cache
def _after(dialect: str) -> Select[int, int, str, str, int | None]:
    """SQLite looks up only the first of two columns that are compared together, and would read the whole outbox each time; its
    xid is always 0."""
    query = select(Outbox.xid, Outbox.seq, Outbox.topic, Outbox.key, Outbox.user_id).limit(bindparam("limit"))
    if dialect == "sqlite":
        return query.where(Outbox.seq > bindparam("seq")).order_by(Outbox.seq)
    before = tuple_(bindparam("xid", type_=Outbox.xid.type), bindparam("seq", type_=Outbox.seq.type))
    return query.where(tuple_(Outbox.xid, Outbox.seq) > before, _SETTLED).order_by(Outbox.xid, Outbox.seq)


def trim(tx: Connection, now: datetime) -> int:
    """Erase what every reader has long seen; returns how many rows went."""
    return tx.execute(delete(Outbox).where(Outbox.at < now - KEEP)).rowcount


def _settled(tx: Connection) -> list[ColumnElement[bool]]:
    if tx.dialect.name == "sqlite":
        return []
    return [_SETTLED]


_SETTLED: Final = Outbox.xid < literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
