"""The history of contact and what was agreed in it: dispositions, contacts, dispatches, promises, recalls."""

import uuid
from datetime import date, datetime
from typing import Final

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, true
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import AnsweredBy, Area, Channel, Retry
from db.schema.base import Base, BigId, Code


class Disposition(Base):
    """A result of a contact: one table for calls, reports and rules. `key` is its digit on the result pad, if any."""

    __tablename__ = "disposition"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    channels: Mapped[str]
    answered_by: Mapped[AnsweredBy] = mapped_column(Code(AnsweredBy))
    retry: Mapped[Retry] = mapped_column(Code(Retry))
    key: Mapped[int | None]
    rank: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)


class Contact(Base):
    """One contact (T1). A row is never changed; a correction is a new row whose `corrects_id` names the old one."""

    __tablename__ = "contact"
    __table_args__ = (
        Index(None, "debtor_id", "area", "at"),
        Index(None, "area", "at"),
        Index(None, "number", "at"),
        Index(None, "recorded_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    channel: Mapped[Channel] = mapped_column(Code(Channel))
    at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    number: Mapped[str | None]
    answered_by: Mapped[AnsweredBy] = mapped_column(Code(AnsweredBy))
    disposition: Mapped[str] = mapped_column(ForeignKey("disposition.code"))
    note: Mapped[str] = mapped_column(default="")
    next_step: Mapped[str] = mapped_column(default="")
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("call.id"), index=True)
    answers_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"), index=True)
    corrects_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"), unique=True)
    recorded_at: Mapped[datetime]


ORIGINAL: Final[ColumnElement[bool]] = Contact.corrects_id.is_(None) == true()
"""Of contacts those that correct no other. Compared, so that SQLite, where it has no statistics yet, does not take the unique index
for it and reads all contacts there are."""


class PhraseUse(Base):
    """How often one of the office's phrases stands in the notes of an area, for the order in which they are offered."""

    __tablename__ = "phrase_use"

    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    phrase: Mapped[str] = mapped_column(primary_key=True)
    uses: Mapped[int]


class Dispatch(Base):
    """A paper that left the office (発送管理), and what became of it."""

    __tablename__ = "dispatch"
    __table_args__ = (Index(None, "debtor_id", "area"), Index(None, "returned_on"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    kind: Mapped[str]
    document_number: Mapped[str]
    sent_on: Mapped[date]
    amount: Mapped[int]
    returned_on: Mapped[date | None]
    return_reason: Mapped[str | None]


class Promise(Base):
    """A promise to pay. The newest one of a person and area is in force until it is kept, replaced or cancelled.

    `broken_line`: the line for whose breach a task was raised last, so that each is raised once.
    """

    __tablename__ = "promise"
    __table_args__ = (Index(None, "debtor_id", "area", "made_at"), Index(None, "made_at"), Index(None, "cancelled_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    approved_at: Mapped[datetime | None]
    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[int | None]
    cancel_reason: Mapped[str | None]
    broken_line: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")


class PromiseLine(Base):
    """One date and amount of a promise. Yen."""

    __tablename__ = "promise_line"
    __table_args__ = (CheckConstraint("amount > 0", "amount_positive"), Index(None, "due_on"))

    promise_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promise.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    due_on: Mapped[date]
    amount: Mapped[int]


class Recall(Base):
    """A booked call (再コール予約): for its `user_id`, or without one for anyone. Open until `closed_at`.

    It is closed by the contact `closed_by`, or cancelled for a reason. `escalated_at`: nobody called in time, and all were told.
    """

    __tablename__ = "recall"
    __table_args__ = (Index(None, "closed_at", "due_at"), Index(None, "debtor_id", "area"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    due_at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    phone_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("phone.id"))
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    cancel_reason: Mapped[str | None]
    escalated_at: Mapped[datetime | None]


class RecallPutAway(Base):
    """A user has put a recall that popped up out of sight, until a moment or (None) for good. Gone when it is moved."""

    __tablename__ = "recall_put_away"

    recall_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("recall.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    until: Mapped[datetime | None]


class ReachModel(Base):
    """What the city's dials have taught about reaching people (T2; `db.rules.reach.City`). The newest row is in force."""

    __tablename__ = "reach_model"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    slots: Mapped[list[float]] = mapped_column(JSON)
    weights: Mapped[list[float]] = mapped_column(JSON)
    dials: Mapped[int]
    numbers: Mapped[int]
