"""Reading the access log (C2). Reading it is itself an access, and stands in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, func, select

from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.people import Debtor
from db.schema.staff import AccessHead, AccessLog, Staff
from db.store import access_log
from db.store.access_log import BrokenLink

PAGE = 100
BREAKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One access. `debtor_number` is None where no person was concerned, or where the person has been erased."""

    seq: int
    at: datetime
    login: str
    name: str | None
    action: str
    debtor_number: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries, newest first, how many match, and from where the next page goes on (None: that was the last)."""

    entries: Sequence[LogEntry]
    total: int
    next_before: int | None


@dataclass(frozen=True, slots=True)
class ChainState:
    """What walking the chain showed: how many links, and where it is broken (at most BREAKS_SHOWN places)."""

    links: int
    broken: Sequence[BrokenLink]

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, taken out or cut off."""
        return not self.broken


def read_log(
    tx: Connection, viewer: Viewer, now: datetime, *, number: str = "", login: str = "", before: int | None = None
) -> LogPage:
    """A page of the log, of one person (宛名番号) and one user if asked, and a row that it was read."""
    viewer.require(Right.AUDIT_VIEW)
    wanted = select(AccessLog.seq).outerjoin(Debtor, Debtor.id == AccessLog.debtor_id)
    if number:
        wanted = wanted.where(Debtor.number == number)
    if login:
        wanted = wanted.where(AccessLog.login == login)
    total = tx.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
    if before is not None:
        wanted = wanted.where(AccessLog.seq < before)
    page = wanted.order_by(AccessLog.seq.desc()).limit(PAGE + 1).subquery()
    rows = tx.execute(
        select(
            AccessLog.seq, AccessLog.at, AccessLog.login, Staff.name, AccessLog.action, Debtor.number, AccessLog.detail
        )
        .join(page, page.c.seq == AccessLog.seq)
        .outerjoin(Staff, Staff.id == AccessLog.user_id)
        .outerjoin(Debtor, Debtor.id == AccessLog.debtor_id)
        .order_by(AccessLog.seq.desc())
    )
    entries = [LogEntry(*row) for row in rows]
    access_log.append(tx, viewer, now, "audit.view", detail=f"宛名番号={number[:32]} ログイン名={login[:64]}")
    more = len(entries) > PAGE
    return LogPage(entries[:PAGE], total, entries[PAGE - 1].seq if more else None)


def check_chain(tx: Connection, viewer: Viewer) -> ChainState:
    """Walk the whole chain. Takes about a second for a hundred thousand links."""
    viewer.require(Right.AUDIT_VIEW)
    links = tx.execute(select(AccessHead.seq).where(AccessHead.id == 1)).scalar_one()
    return ChainState(links, list(islice(access_log.verify(tx), BREAKS_SHOWN)))
