"""Rules of the office that are kept in the register."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from db.rules.viewer import Viewer
from db.schema.ops import OfficeSetting

EMERGENCY_STOP: Final = "emergency_stop"


def value(tx: Connection, key: str) -> Any:
    """The value in force of a setting, or None if it was never set."""
    newest = select(OfficeSetting.value).where(OfficeSetting.key == key).order_by(OfficeSetting.id.desc()).limit(1)
    return tx.execute(newest).scalar_one_or_none()


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
    query = (
        select(OfficeSetting.value, OfficeSetting.set_at)
        .where(OfficeSetting.key == EMERGENCY_STOP)
        .order_by(OfficeSetting.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None or not row.value:
        return None
    said = row.value if isinstance(row.value, dict) else {}
    return Stopped(row.set_at, str(said.get("by", "")), str(said.get("reason", "")))


def emergency_stop(tx: Connection) -> bool:
    """Whether everything that dials or sends is stopped."""
    return bool(value(tx, EMERGENCY_STOP))
