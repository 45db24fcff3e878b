"""Who is to do what: assignments of cases and tasks."""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area
from db.schema.base import Base, Code


class Assignment(Base):
    """A case given to an officer or a group, with instructions. The open one has no `ended_at`."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index(None, "debtor_id", "area"),
        Index(None, "user_id", "ended_at"),
        Index(None, "group_id", "ended_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"))
    instructions: Mapped[str] = mapped_column(default="")
    due_on: Mapped[date | None]
    assigned_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    assigned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Task(Base):
    """Something a person has to look at: a broken promise, returned mail, a call whose outcome is unknown.

    For one user, for one group, or (neither) for anyone of the area. `subject_id` is the row that it is about. A rule that
    raises a task once for ever gives it a `rule_key`. `word` is what whoever closed it said of it.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index(None, "done_at", "due_on"),
        Index(None, "debtor_id", "area"),
        Index(None, "user_id", "done_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    debtor_id: Mapped[int | None] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    subject_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"))
    due_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    instruction: Mapped[str] = mapped_column(default="")
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    rule_key: Mapped[str | None] = mapped_column(unique=True)
    word: Mapped[str] = mapped_column(default="")


class TaskStep(Base):
    """One step of a task from hand to hand: who took it, or gave it to whom, and with which words."""

    __tablename__ = "task_step"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("task.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"))
    word: Mapped[str] = mapped_column(default="")


class Message(Base):
    """A note from one of the staff to another, or to a group, about a case (連絡). Never changed; a reply names it."""

    __tablename__ = "message"
    __table_args__ = (
        Index(None, "user_id", "sent_at"),
        Index(None, "group_id", "sent_at"),
        Index(None, "from_id", "sent_at"),
        Index(None, "debtor_id", "area"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    from_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"))
    body: Mapped[str]
    sent_at: Mapped[datetime]
    reply_to: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id"))


class MessageRead(Base):
    """A receiver has read a message: what its sender sees."""

    __tablename__ = "message_read"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    read_at: Mapped[datetime]
