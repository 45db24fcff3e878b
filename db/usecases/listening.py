"""Until when a PBX was listened to: from there on calls are looked for that nobody heard of."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, select, update

from db.schema.ops import Listening

OVERLAP: Final = timedelta(minutes=1)
"""What was heard may not have been written yet when the bridge died; so much is looked for twice."""


def heard(tx: Connection, pbx: str, now: datetime) -> None:
    """The bridge has its PBX at this moment. Said by one bridge a PBX (it holds the lease)."""
    if tx.execute(update(Listening).where(Listening.pbx == pbx).values(until=now)).rowcount == 0:
        tx.execute(insert(Listening).values(pbx=pbx, since=now, until=now))


def unheard_since(tx: Connection, pbx: str) -> datetime | None:
    """From when on calls may have gone unheard; None if the PBX was never listened to: what was before is not ours."""
    row = tx.execute(select(Listening.since, Listening.until).where(Listening.pbx == pbx)).one_or_none()
    return max(row.since, row.until - OVERLAP) if row else None
