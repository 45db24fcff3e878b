"""Leases: a part that must run once says so in a row, renews it, and is believed until the row runs out.

A process that was stopped for so long that its lease ran out may still think that it holds it; so whoever is about to
do something that must not be done twice asks `require` in the same transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from db.schema.ops import Lease


class LeaseLostError(Exception):
    """Another process has taken over."""

    code = "lease_lost"


def take(
    tx: Connection, name: str, holder: str, now: datetime, lasts: timedelta, is_gone: Callable[[str], bool]
) -> str | None:
    """Take or renew a lease. Returns None, or the holder in the way.

    A lease can be taken when it has run out, or at once when `is_gone` knows that its holder is dead.
    """
    row = tx.execute(select(Lease.holder, Lease.until).where(Lease.name == name).with_for_update()).one_or_none()
    if row is None:
        return _first(tx, name, holder, now + lasts)
    if row.holder != holder and row.until > now and not is_gone(row.holder):
        return str(row.holder)
    tx.execute(update(Lease).where(Lease.name == name).values(holder=holder, until=now + lasts))
    return None


def renew(tx: Connection, name: str, holder: str, now: datetime, lasts: timedelta) -> None:
    """Hold on to a lease. Raises LeaseLostError if another process has taken it."""
    kept = update(Lease).where(Lease.name == name, Lease.holder == holder).values(until=now + lasts)
    if tx.execute(kept).rowcount != 1:
        raise LeaseLostError(name)


def require(tx: Connection, name: str, holder: str) -> None:
    """Raise LeaseLostError unless `holder` still has the lease; nobody can take it before this transaction ends. Several of the holder's
    own may ask at a time."""
    if tx.execute(_HOLDER, {"name": name}).scalar_one_or_none() != holder:
        raise LeaseLostError(name)


_HOLDER: Final = select(Lease.holder).where(Lease.name == bindparam("name")).with_for_update(read=True)


def release(tx: Connection, name: str, holder: str) -> None:
    """Give a lease back."""
    tx.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))


def _first(tx: Connection, name: str, holder: str, until: datetime) -> str | None:
    try:
        with tx.begin_nested():
            tx.execute(insert(Lease).values(name=name, holder=holder, until=until))
    except IntegrityError:
        return str(tx.execute(select(Lease.holder).where(Lease.name == name)).scalar_one())
    return None
