"""Deciding on promises (T12, C1): an officer approves an offer of instalments or takes a promise back.

A promise is never changed: what was agreed anew is a newer promise, and the older one stays in the history. Whoever is
contracted holds no right to decide (公権力の行使), whatever level they are given.
"""

import uuid
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from db.outbox import publish
from db.rules.promises import Footing
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.contacts import Promise
from db.store import access_log, debtors, promises, summaries
from db.usecases import tasks
from db.usecases.entries import EntryError
from db.usecases.office import Office
from db.usecases.records import NotFoundError
from db.usecases.results import TOPIC

REASON_LENGTH = 200


def approve(tx: Connection, viewer: Viewer, promise_id: uuid.UUID, now: datetime, office: Office) -> int:
    """Agree to an offer of instalments; returns whose it is. Raises EntryError if it is no offer any more."""
    row = _decidable(tx, viewer, promise_id)
    listed = promises.of_debtor(tx, viewer.within({row.area}), row.debtor_id, office.zone)
    if next(one.footing for one in listed if one.id == promise_id) is not Footing.OFFERED:
        raise EntryError("promise", "no_offer", "この約束は承認待ちではありません。画面を開き直して確認してください。")
    tx.execute(update(Promise).where(Promise.id == promise_id).values(approved_by=viewer.user_id, approved_at=now))
    return _finish(tx, viewer, row, now, office, "promise.approve")


def cancel(tx: Connection, viewer: Viewer, promise_id: uuid.UUID, reason: str, now: datetime, office: Office) -> int:
    """Take a promise or an offer back, for a reason that stays with it; returns whose it is.

    The one before it, if there is one that was not cancelled, is in force again.
    """
    why = reason.strip()
    row = _decidable(tx, viewer, promise_id)
    if not why or len(why) > REASON_LENGTH:
        raise EntryError("reason", "reason", f"取消の理由を{REASON_LENGTH}文字以内で入力してください。")
    if row.cancelled_at is not None:
        raise EntryError("reason", "cancelled", "この約束は取消済みです。")
    values = {"cancelled_at": now, "cancelled_by": viewer.user_id, "cancel_reason": why}
    tx.execute(update(Promise).where(Promise.id == promise_id).values(values))
    return _finish(tx, viewer, row, now, office, "promise.cancel")


def _decidable(tx: Connection, viewer: Viewer, promise_id: uuid.UUID) -> Row[*tuple[object, ...]]:
    query = select(Promise.id, Promise.debtor_id, Promise.area, Promise.cancelled_at).where(Promise.id == promise_id)
    row = tx.execute(query.with_for_update()).one_or_none()
    if row is None or row.area not in debtors.areas_of(tx, viewer, row.debtor_id):
        raise NotFoundError
    viewer.require(Right.PROMISE_DECIDE, row.area)
    return row


def _finish(
    tx: Connection, viewer: Viewer, row: Row[*tuple[object, ...]], now: datetime, office: Office, action: str
) -> int:
    debtor_id: int = row.debtor_id
    tasks.settle(tx, tasks.OFFERED_PROMISE, debtor_id, row.area, now, viewer.user_id)
    access_log.append(tx, viewer, now, action, debtor_id=debtor_id, detail=str(row.id))
    summaries.refresh(tx, [debtor_id], office.today(now))
    publish(tx, now, TOPIC, debtor_id)
    return debtor_id
