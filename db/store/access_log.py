"""The access log (C2): when, who, what, whose; a hash chain that shows any change, and from which a person can be erased.

Each row carries `digest = SHA-256(salt ‖ whose and what)` and `chain = SHA-256(previous chain ‖ seq, at, who, action,
digest)`. The chain runs over digests, not over the words: erasing a person empties `debtor_id`, `detail` and `salt`, and
the chain still verifies, while nobody can find the person by guessing (the salt is gone). `access_head` keeps the last
link, so that cutting rows off the end shows too, and makes writers queue on PostgreSQL (SQLite has one writer anyway).
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.staff import AccessHead, AccessLog

FIRST: Final = bytes(32)

_HEAD: Final = select(AccessHead.seq, AccessHead.chain).where(AccessHead.id == 1)
_HELD_HEAD: Final = _HEAD.with_for_update()
_INSERT: Final = insert(AccessLog)
_MOVE_HEAD: Final = (
    update(AccessHead).where(AccessHead.id == 1).values(seq=bindparam("to_seq"), chain=bindparam("to_chain"))
)


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A row at which the log is not what was written."""

    seq: int
    what: str


def append(
    tx: Connection, viewer: Viewer, at: datetime, action: str, *, debtor_id: int | None = None, detail: str = ""
) -> int:
    """Write one access into the log; returns its number. Whoever cannot write it must not show the page."""
    return append_all(tx, viewer, at, action, [(debtor_id, detail)])


def append_each(
    tx: Connection, viewer: Viewer, at: datetime, action: str, debtor_ids: Sequence[int], detail: str = ""
) -> None:
    """Write the same access to each of some people, as a list shows them: a link each, in two statements."""
    append_all(tx, viewer, at, action, [(debtor_id, detail) for debtor_id in debtor_ids])


def append_all(tx: Connection, viewer: Viewer, at: datetime, action: str, of: Sequence[tuple[int | None, str]]) -> int:
    """Write accesses of one kind, each to somebody (or nobody) with its detail; returns the number of the last."""
    head = tx.execute(_HELD_HEAD).one()
    seq, chain, links = head.seq, head.chain, []
    for debtor_id, detail in of:
        seq, salt = seq + 1, secrets.token_bytes(16)
        digest = _digest(salt, debtor_id, detail)
        chain = _chain(chain, seq, at, viewer.user_id, viewer.login, action, digest)
        links.append(
            {
                "seq": seq, "at": at, "user_id": viewer.user_id, "login": viewer.login, "action": action,
                "debtor_id": debtor_id, "detail": detail, "salt": salt, "digest": digest, "chain": chain,
            }
        )  # fmt: skip
    if links:
        tx.execute(_INSERT, links)
        tx.execute(_MOVE_HEAD, {"to_seq": seq, "to_chain": chain})
    return int(seq)


def erase_debtor(tx: Connection, debtor_id: int) -> int:
    """Take one person out of the log, leaving the chain whole; returns how many rows were emptied."""
    emptied = update(AccessLog).where(AccessLog.debtor_id == debtor_id).values(debtor_id=None, detail=None, salt=None)
    return tx.execute(emptied).rowcount


def verify(tx: Connection) -> Iterator[BrokenLink]:
    """Walk the whole chain and yield every place where it is broken; nothing yielded means that it is whole."""
    rows = tx.execute(select(AccessLog).order_by(AccessLog.seq).execution_options(yield_per=1000))
    return _walk(tx, rows, FIRST, 1)


def verify_end(tx: Connection, links: int) -> Iterator[BrokenLink]:
    """Walk the last `links` of the chain only, up to the head: cheap, and shows rows cut off or changed lately."""
    newest = list(tx.execute(select(AccessLog).order_by(AccessLog.seq.desc()).limit(links + 1)))[::-1]
    if len(newest) <= links:
        return _walk(tx, newest, FIRST, 1)
    return _walk(tx, newest[1:], newest[0].chain, newest[0].seq + 1)


def _walk(tx: Connection, rows: Iterable[Row[Any]], previous: bytes, expected: int) -> Iterator[BrokenLink]:
    for row in rows:
        if row.seq != expected:
            yield BrokenLink(expected, f"rows {expected} to {row.seq - 1} are missing")
        if row.salt is not None and row.digest != _digest(row.salt, row.debtor_id, row.detail):
            yield BrokenLink(row.seq, "the row's content was changed")
        if row.chain != _chain(previous, row.seq, row.at, row.user_id, row.login, row.action, row.digest):
            yield BrokenLink(row.seq, "the row does not follow from the one before it")
        previous, expected = row.chain, row.seq + 1
    head = tx.execute(_HEAD).one()
    if (head.seq, head.chain) != (expected - 1, previous):
        yield BrokenLink(expected, "the log does not end where it should")


def entries(
    tx: Connection,
    viewer: Viewer,
    *,
    debtor_id: int | None = None,
    user_id: int | None = None,
    before: int | None = None,
) -> list[Row[int, datetime, str, str, int | None, str | None]]:
    """The newest 100 entries (seq, at, login, action, debtor_id, detail), for those with the right."""
    viewer.require(Right.AUDIT_VIEW)
    columns = (
        AccessLog.seq, AccessLog.at, AccessLog.login, AccessLog.action, AccessLog.debtor_id, AccessLog.detail,
    )  # fmt: skip
    query = select(*columns).order_by(AccessLog.seq.desc()).limit(100)
    if debtor_id is not None:
        query = query.where(AccessLog.debtor_id == debtor_id)
    if user_id is not None:
        query = query.where(AccessLog.user_id == user_id)
    if before is not None:
        query = query.where(AccessLog.seq < before)
    return list(tx.execute(query))


def _digest(salt: bytes, debtor_id: int | None, detail: str | None) -> bytes:
    return hashlib.sha256(salt + _canonical(debtor_id, detail)).digest()


def _chain(previous: bytes, seq: int, at: datetime, user_id: int, login: str, action: str, digest: bytes) -> bytes:
    words = _canonical(seq, at.isoformat(timespec="microseconds"), user_id, login, action)
    return hashlib.sha256(previous + words + digest).digest()


def _canonical(*values: object) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
