"""Messages between staff about a case (連絡, T10): sent, read, answered.

They reach only those who see people of the area. What colleagues write may tell of money, so the words need the right to see
it; whoever lacks it sees from whom and about whom a message is, and its words on the record once the person on the line has
proved who they are.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert

from db.outbox import publish
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.work import Message, MessageRead
from db.store import access_log, debtors, receivers, shown
from db.store import messages as store
from db.store.messages import MessageRow
from db.store.receivers import Receiver
from db.usecases.entries import EntryError
from db.usecases.records import NotFoundError
from db.usecases.task_desk import receiver_of

TOPIC: Final = "message"
LENGTH: Final = 1000
SCREEN: Final = "連絡の一覧"
HOME_SCREEN: Final = "本日の連絡"
ON_HOME: Final = 10


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the viewer was sent and has sent, newest first; on the home screen only what is unread."""

    received: Sequence[MessageRow]
    sent: Sequence[MessageRow]
    unread: int

    @property
    def people(self) -> list[int]:
        """About whom they are."""
        return [row.debtor_id for row in (*self.received, *self.sent)]


def send(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, key: str, body: str, now: datetime
) -> bool:  # fmt: skip
    """Send a message to a user or a group (`key` as of `Receiver.key`); whether all of them can read its words at once."""
    viewer.require(Right.DEBTOR_VIEW, area)
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    to = receiver_of(tx, viewer, area, key, Right.DEBTOR_VIEW)
    return _send(tx, viewer, debtor_id, area, to, body, None, now)


def reply(tx: Connection, viewer: Viewer, message_id: uuid.UUID, body: str, now: datetime) -> None:
    """Answer whoever sent a message; it is read by that."""
    row = _own(tx, viewer, message_id)
    to = receiver_of(tx, viewer, row.area, f"u{row.from_id}", Right.DEBTOR_VIEW)
    _send(tx, viewer, row.debtor_id, row.area, to, body, message_id, now)
    mark_read(tx, viewer, message_id, now)


def mark_read(tx: Connection, viewer: Viewer, message_id: uuid.UUID, now: datetime) -> None:
    """Note that the viewer has read a message, and tell its sender."""
    row = _own(tx, viewer, message_id)
    if row.read_at is not None or row.from_id == viewer.user_id:
        return
    tx.execute(insert(MessageRead).values(message_id=message_id, user_id=viewer.user_id, read_at=now))
    access_log.append(tx, viewer, now, "message.read", debtor_id=row.debtor_id, detail=str(message_id))
    for user_id in (viewer.user_id, row.from_id):
        publish(tx, now, TOPIC, message_id, user_id)


def read_inbox(tx: Connection, viewer: Viewer, now: datetime, *, home: bool, opened: bool) -> Inbox:
    """Read the messages and log about whom they are."""
    found = _inbox(tx, viewer, now, home=home)
    shown.note(tx, viewer, now, HOME_SCREEN if home else SCREEN, found.people, opened=opened)
    return found


def peek_inbox(tx: Connection, viewer: Viewer, now: datetime, *, home: bool) -> Inbox | None:
    """The messages as they are fetched again, if the log already tells about whom they are; otherwise None."""
    found = _inbox(tx, viewer, now, home=home)
    return found if shown.is_logged(tx, viewer, HOME_SCREEN if home else SCREEN, found.people) else None


def masked(viewer: Viewer, rows: Sequence[MessageRow], insight: Collection[Area] | None = None) -> list[MessageRow]:
    """The rows with the words only where the viewer may read of money: in `insight`, or, without a call, by their rights."""
    if insight is not None:
        return [row if row.area in insight else replace(row, body="") for row in rows]
    seen = viewer.areas(Right.ARREARS_VIEW)
    return [row if row.area in seen or row.from_id == viewer.user_id else replace(row, body="") for row in rows]


def _inbox(tx: Connection, viewer: Viewer, now: datetime, *, home: bool) -> Inbox:
    received = store.received(tx, viewer, now, unread=home, limit=ON_HOME if home else store.LISTED)
    sent = [] if home else store.sent(tx, viewer, now)
    return Inbox(masked(viewer, received), masked(viewer, sent), store.unread(tx, viewer, now))


def _own(tx: Connection, viewer: Viewer, message_id: uuid.UUID) -> MessageRow:
    row = store.find(tx, viewer, message_id)
    if row is None:
        raise NotFoundError
    return row


def _send(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, to: Receiver, body: str, reply_to: uuid.UUID | None,
    now: datetime,
) -> bool:  # fmt: skip
    words = body.replace("\0", "").strip()
    if not words or len(words) > LENGTH:
        raise EntryError("body", "body", f"連絡の内容を{LENGTH}文字以内で入力してください。")
    message_id = new_id()
    tx.execute(
        insert(Message).values(
            id=message_id, debtor_id=debtor_id, area=area, from_id=viewer.user_id, user_id=to.user_id,
            group_id=to.group_id, body=words, sent_at=now, reply_to=reply_to,
        )
    )  # fmt: skip
    access_log.append(tx, viewer, now, "message.send", debtor_id=debtor_id, detail=f"{to.name} {message_id}")
    users = receivers.users_of(tx, to, area)
    for user_id in {*users, viewer.user_id}:
        publish(tx, now, TOPIC, message_id, user_id)
    return set(users) <= set(receivers.users_of(tx, to, area, Right.ARREARS_VIEW))
