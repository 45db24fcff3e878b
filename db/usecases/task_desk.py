"""Tasks from hand to hand (T10): listed, taken, handed over with an instruction, made by hand, and closed with a word.

What a rule raised is closed by the matter itself (a result, a payment, a decision) or here by a person. An offer of
instalments is closed only by deciding on it.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, insert, update

from db.outbox import publish
from db.rules.terms import Area, Right, TaskKind
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.work import Task, TaskStep
from db.store import access_log, calls, debtors, receivers, shown
from db.store import tasks as store
from db.store.debtors import AddressRow
from db.store.receivers import Receiver
from db.store.tasks import NEEDS, Counts, Pile, TaskRow, Wanted
from db.usecases.entries import EntryError
from db.usecases.office import Office
from db.usecases.records import NotFoundError
from db.usecases.tasks import TOPIC

SCREEN: Final = "タスクの一覧"
WORDS_LENGTH: Final = 400


@dataclass(frozen=True, slots=True)
class TaskList:
    """A page of tasks; `total` is how many there are on all pages. `receivers`: to whom those of an area can go.

    `counts`: how many open ones there are by when they are due, on this page or not.
    """

    rows: Sequence[TaskRow]
    total: int
    counts: Counts
    receivers: dict[Area, Sequence[Receiver]]

    @property
    def people(self) -> list[int]:
        """Whose names are on it."""
        return [row.debtor_id for row in self.rows if row.debtor_id is not None]


def read_list(
    tx: Connection, viewer: Viewer, wanted: Wanted, now: datetime, office: Office, *, opened: bool
) -> TaskList:  # fmt: skip
    """Read a page of tasks and log who is on it."""
    found = _read(tx, viewer, wanted, now, office)
    shown.note(tx, viewer, now, SCREEN, found.people, opened=opened)
    return found


def peek_list(tx: Connection, viewer: Viewer, wanted: Wanted, now: datetime, office: Office) -> TaskList | None:
    """The page as it is fetched again, if the log already tells of all who are on it; otherwise None."""
    found = _read(tx, viewer, wanted, now, office)
    return found if shown.is_logged(tx, viewer, SCREEN, found.people) else None


def stuck(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> list[Pile]:
    """Who has how many open tasks, and how old they are; for those who assign them. It names no citizen."""
    viewer.require(Right.ASSIGN)
    return store.piles(tx, viewer, office.today(now))


def take(tx: Connection, viewer: Viewer, task_id: uuid.UUID, now: datetime) -> None:
    """Make a task one's own."""
    row = _open(tx, viewer, task_id)
    if row.user_id != viewer.user_id:
        _give(tx, viewer, row, Receiver(viewer.name, user_id=viewer.user_id), "", now)


def hand_over(
    tx: Connection, viewer: Viewer, task_id: uuid.UUID, key: str, instruction: str, due_on: date | None, now: datetime
) -> None:
    """Give a task to a user or a group (`key` as of `Receiver.key`) with an instruction and a due date.

    Raises EntryError for somebody who could not see it.
    """
    row = _open(tx, viewer, task_id)
    receiver = receiver_of(tx, viewer, row.area, key, NEEDS.get(row.kind, Right.DEBTOR_VIEW))
    words = _words(instruction, "instruction", "指示")
    values = {"instruction": words or row.instruction, "due_on": due_on or row.due_on}
    tx.execute(update(Task).where(Task.id == task_id).values(values))
    _give(tx, viewer, row, receiver, words, now)


def make(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, key: str, instruction: str, due_on: date | None,
    now: datetime,
) -> uuid.UUID:  # fmt: skip
    """Ask a user or a group to do something about a person."""
    viewer.require(Right.RESULT_RECORD, area)
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
    receiver = receiver_of(tx, viewer, area, key, Right.DEBTOR_VIEW)
    words = _words(instruction, "instruction", "依頼の内容")
    if not words:
        raise EntryError("instruction", "empty", "依頼の内容を入力してください。")
    task_id = new_id()
    tx.execute(
        insert(Task).values(
            id=task_id, kind=TaskKind.ERRAND, debtor_id=debtor_id, area=area, user_id=receiver.user_id,
            group_id=receiver.group_id, due_on=due_on, instruction=words, note=f"{viewer.name}からの依頼",
            made_at=now, made_by=viewer.user_id,
        )
    )  # fmt: skip
    access_log.append(tx, viewer, now, "task.make", debtor_id=debtor_id, detail=f"{receiver.name} {task_id}")
    _tell(tx, now, debtor_id)
    return task_id


def close(tx: Connection, viewer: Viewer, task_id: uuid.UUID, word: str, now: datetime) -> None:
    """Close a task with a word on what was done. Raises EntryError without one, or for what is closed otherwise."""
    row = _open(tx, viewer, task_id)
    if row.kind is TaskKind.PROMISE_OFFERED:
        raise EntryError("word", "decide", "分納の申出は、対象者の［約束履行］で承認するか取り消してください。")
    words = _words(word, "word", "対応の内容")
    if not words:
        raise EntryError("word", "empty", "対応の内容を入力してください。")
    closing = update(Task).where(Task.id == task_id).values(done_at=now, done_by=viewer.user_id, word=words)
    tx.execute(closing)
    _log(tx, viewer, row, now, "task.done", row.name)


def receiver_of(tx: Connection, viewer: Viewer, area: Area, key: str, right: Right) -> Receiver:
    """Who is meant by `key`, if they see people of the area, and one of them at least holds `right` there."""
    found = next((one for one in receivers.of_area(tx, viewer, area) if one.key == key), None)
    if found is None:
        raise EntryError("to", "nobody", "渡す相手を選んでください。")
    if not receivers.users_of(tx, found, area, right):
        raise EntryError("to", "no_right", f"{found.name}には、この案件を扱う権限がありません。")
    return found


def masked(viewer: Viewer, rows: Sequence[TaskRow]) -> list[TaskRow]:
    """The rows as the viewer may read them: what colleagues wrote may tell of money, so it needs the right to see that."""
    insight = viewer.areas(Right.ARREARS_VIEW)
    return [row if row.area in insight else replace(row, instruction="", word="") for row in rows]


def _read(tx: Connection, viewer: Viewer, wanted: Wanted, now: datetime, office: Office) -> TaskList:
    today = office.today(now)
    hidden = calls.unproven(tx, viewer)
    found = masked(viewer, store.listed(tx, viewer, wanted, today, hidden=hidden))
    rows = _placed(tx, viewer, found, today, hidden)
    areas = {row.area for row in rows}
    split = store.counts(tx, viewer, wanted, today)
    total = store.count(tx, viewer, wanted, today) if wanted.closed else split.of(wanted.when)
    return TaskList(rows, total, split, {area: receivers.of_area(tx, viewer, area) for area in areas})


def _placed(
    tx: Connection, viewer: Viewer, rows: Sequence[TaskRow], today: date, hidden: Collection[int]
) -> list[TaskRow]:  # fmt: skip
    """The rows, visits with where they lead: a route is planned from the list.

    A record shows no address to whoever may not see arrears outside calls, nor of who has not proved who they are: nor does this.
    """
    insight = viewer.areas(Right.ARREARS_VIEW)
    visits = {row.debtor_id for row in rows if row.kind is TaskKind.VISIT and row.area in insight} - set(hidden)
    homes = debtors.dwelling(tx, viewer, [one for one in visits if one is not None], today) if visits else {}
    return [_at(row, homes.get(row.debtor_id or 0) if row.area in insight else None) for row in rows]


def _at(row: TaskRow, home: AddressRow | None) -> TaskRow:
    if row.kind is not TaskKind.VISIT or home is None:
        return row
    return replace(row, place=f"{home.town}{home.block} {home.building}".strip(), district=home.district)


def _open(tx: Connection, viewer: Viewer, task_id: uuid.UUID) -> TaskRow:
    """An open task that the viewer may act on, held for the rest of the transaction."""
    store.lock(tx, task_id)
    row = store.find(tx, viewer, task_id)
    if row is None:
        raise NotFoundError
    if row.done_at is not None:
        raise EntryError("task", "task_done", f"すでに{row.done_by or '他の担当者'}さんが対応済みにしています。")
    viewer.require(Right.RESULT_RECORD, row.area)
    if row.user_id not in (None, viewer.user_id):
        viewer.require(Right.ASSIGN, row.area)
    return row


def _give(tx: Connection, viewer: Viewer, row: TaskRow, to: Receiver, word: str, now: datetime) -> None:
    tx.execute(update(Task).where(Task.id == row.id).values(user_id=to.user_id, group_id=to.group_id))
    tx.execute(
        insert(TaskStep).values(
            id=new_id(), task_id=row.id, at=now, by=viewer.user_id, user_id=to.user_id, group_id=to.group_id, word=word
        )
    )
    _log(tx, viewer, row, now, "task.hand", f"{row.name} → {to.name}")


def _log(tx: Connection, viewer: Viewer, row: TaskRow, now: datetime, action: str, detail: str) -> None:
    access_log.append(tx, viewer, now, action, debtor_id=row.debtor_id, detail=f"{detail} {row.id}")
    _tell(tx, now, row.debtor_id)


def _tell(tx: Connection, now: datetime, debtor_id: int | None) -> None:
    publish(tx, now, TOPIC, "")
    if debtor_id is not None:
        publish(tx, now, "debtor", debtor_id)


def _words(text: str, field: str, what: str) -> str:
    words = text.replace("\0", "").strip()
    if len(words) > WORDS_LENGTH:
        raise EntryError(field, "too_long", f"{what}は{WORDS_LENGTH}文字以内で入力してください。")
    return words
