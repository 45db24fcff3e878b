"""Rules of the office that are kept in the register."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select

from db.rules.viewer import Viewer
from db.schema.ops import OfficeSetting
from db.store.many import among

EMERGENCY_STOP: Final = "emergency_stop"
_NEWEST: Final = (
    select(OfficeSetting.value, OfficeSetting.set_at)
    .where(OfficeSetting.key == bindparam("key"))
    .order_by(OfficeSetting.id.desc())
    .limit(1)
)


def value(tx: Connection, key: str) -> Any:
    """The value in force of a setting, or None if it was never set."""
    row = tx.execute(_NEWEST, {"key": key}).one_or_none()
    return row.value if row else None


def values(tx: Connection, keys: Collection[str]) -> Mapping[str, Any]:
    """The values in force of several; those that were never set are not there."""
    return {row.key: row.value for row in tx.execute(_NEWEST_OF_EACH, {"keys": keys})}


_NEWEST_OF_EACH: Final = select(OfficeSetting.key, OfficeSetting.value).where(
    OfficeSetting.id.in_(
        select(func.max(OfficeSetting.id)).where(among(OfficeSetting.key, "keys")).group_by(OfficeSetting.key)
    )
)


def put(tx: Connection, by: Viewer, key: str, new: Any, now: datetime) -> None:
    """Set a value; the ones before it stay as its history."""
    tx.execute(insert(OfficeSetting).values(key=key, value=new, set_by=by.user_id, set_at=now))


@dataclass(frozen=True, slots=True)
class Stopped:
    """Who stopped everything that dials or sends, when and why."""

    since: datetime
    by: str
    reason: str


def stopped(tx: Connection) -> Stopped | None:
    """The emergency stop, or None if it is not in force."""
    row = tx.execute(_NEWEST, {"key": EMERGENCY_STOP}).one_or_none()
    if row is None or not row.value:
        return None
    said = row.value if isinstance(row.value, dict) else {}
    return Stopped(row.set_at, str(said.get("by", "")), str(said.get("reason", "")))


def emergency_stop(tx: Connection) -> bool:
    """Whether everything that dials or sends is stopped."""
    return bool(value(tx, EMERGENCY_STOP))
