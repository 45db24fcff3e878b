"""Access log of lists that refresh themselves (C2): a row for each person when they come to be shown, and again only after
they were gone. What stays on the screen is one view, however often the page fetches its parts again.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from db.rules.viewer import Viewer
from db.schema.staff import Shown
from db.store import access_log

ACTION = "list.shown"


def is_logged(tx: Connection, viewer: Viewer, screen: str, debtor_ids: Collection[int]) -> bool:
    """Whether the log already says that the viewer sees just these people on `screen`."""
    return _kept(tx, viewer, screen) == sorted(set(debtor_ids))


def note(
    tx: Connection, viewer: Viewer, now: datetime, screen: str, debtor_ids: Collection[int], *, opened: bool
) -> None:
    """Log who came to be shown on `screen` since its last rows; all of them if the user `opened` it anew."""
    people = sorted(set(debtor_ids))
    kept = _kept(tx, viewer, screen)
    if kept == people and not opened:
        return
    before = set() if opened else set(kept or ())
    access_log.append_each(tx, viewer, now, ACTION, [one for one in people if one not in before], screen)
    tx.execute(delete(Shown).where(Shown.user_id == viewer.user_id, Shown.screen == screen))
    tx.execute(insert(Shown).values(user_id=viewer.user_id, screen=screen, debtor_ids=people, at=now))


def _kept(tx: Connection, viewer: Viewer, screen: str) -> list[int] | None:
    query = select(Shown.debtor_ids).where(Shown.user_id == viewer.user_id, Shown.screen == screen)
    return tx.execute(query).scalar_one_or_none()
