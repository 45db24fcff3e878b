"""Messages to phones: what was queued, its parts at the carrier, receipts and replies."""

import uuid
from datetime import datetime, time

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.sms import SmsState
from db.rules.sms_batches import BatchState, NumberRule
from db.rules.terms import Area
from db.schema.base import Base, BigId, Code


class SmsMessage(Base):
    """One text for one number. Committed as SUBMITTING before anything of it is sent.

    `reference` counts the messages to the number, for the headers of parts; `units` is what the carrier charges.
    `user_id`: who wants it sent, and on whose rights it is asked again whether it may be. `batch_id`: None for a single one.
    """

    __tablename__ = "sms_message"
    __table_args__ = (
        Index("ix_sms_message_queue", "batch_id", "state", "not_before", "id"),
        Index(None, "submitting_at"),
        Index(
            "ix_sms_message_submitting", "submitting_at",
            sqlite_where=text("state = 'submitting'"), postgresql_where=text("state = 'submitting'"),
        ),
        Index(None, "number", "queued_at"),
        Index(None, "debtor_id", "area", "queued_at"),
        UniqueConstraint("batch_id", "number"),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    phone_id: Mapped[int] = mapped_column(BigId, ForeignKey("phone.id"))
    number: Mapped[str]
    body: Mapped[str]
    units: Mapped[int]
    reference: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[SmsState] = mapped_column(Code(SmsState))
    reason: Mapped[str] = mapped_column(default="")
    route: Mapped[str] = mapped_column(default="")
    queued_at: Mapped[datetime]
    not_before: Mapped[datetime]
    submitting_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]
    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    batch_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sms_batch.id"))


class SmsBatch(Base):
    """A text for the people on a list. `body` is merged when it is made: nothing in it differs from person to person.

    `place`: the last person who was looked at, so that preparing goes on there whatever breaks. `days`: weekdays as bits, Monday
    the first; `opens` until before `closes`: office time. `reason`: why it was stopped.
    """

    __tablename__ = "sms_batch"
    __table_args__ = (Index(None, "state"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    area: Mapped[Area] = mapped_column(Code(Area))
    list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("target_list.id"))
    template_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sms_template.id"))
    body: Mapped[str]
    units: Mapped[int]
    number_rule: Mapped[NumberRule] = mapped_column(Code(NumberRule))
    state: Mapped[BatchState] = mapped_column(Code(BatchState))
    starts_at: Mapped[datetime | None]
    days: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]
    per_minute: Mapped[int]
    place: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    approved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")


class SmsBatchTarget(Base):
    """What a batch made of a person on its list: a message, or the `reason` (a code) why there is none.

    `person_id` is the same for all numbers under which the register knows a person (名寄せ), and set for whom there is a message:
    a person gets one message of a batch, whatever breaks.
    """

    __tablename__ = "sms_batch_target"
    __table_args__ = (UniqueConstraint("batch_id", "person_id"), Index(None, "batch_id", "reason"))

    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sms_batch.id"), primary_key=True)
    debtor_id: Mapped[int] = mapped_column(BigId, ForeignKey("debtor.id"), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sms_message.id"))
    reason: Mapped[str] = mapped_column(default="")


class SmsTemplate(Base):
    """One version of a template (定型文): never changed, the newest of a `template_id` is in force.

    `retired`: with this version it is offered no more.
    """

    __tablename__ = "sms_template"
    __table_args__ = (Index(None, "area", "set_at"), Index(None, "template_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    template_id: Mapped[uuid.UUID]
    area: Mapped[Area] = mapped_column(Code(Area))
    name: Mapped[str]
    body: Mapped[str]
    retired: Mapped[bool]
    set_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    set_at: Mapped[datetime]


class SmsGone(Base):
    """A number that a carrier says exists no more (`db.rules.sms.NUMBER_GONE`): nothing is sent to it until somebody lifts it."""

    __tablename__ = "sms_gone"

    number: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sms_message.id"))
    since: Mapped[datetime]


class SmsPart(Base):
    """A part as the carrier knows it. `id_key` is the carrier's id as receipts are compared with it."""

    __tablename__ = "sms_part"
    __table_args__ = (
        Index(
            "ix_sms_part_open", "submitted_at",
            sqlite_where=text("state IN ('accepted', 'unknown')"), postgresql_where=text("state IN ('accepted', 'unknown')"),
        ),
    )  # fmt: skip

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sms_message.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[SmsState] = mapped_column(Code(SmsState))
    carrier_id: Mapped[str] = mapped_column(default="")
    id_key: Mapped[str] = mapped_column(default="", index=True)
    reason: Mapped[str] = mapped_column(default="")
    submitted_at: Mapped[datetime]
    final_at: Mapped[datetime | None]


class SmsReceipt(Base):
    """What the carrier said of a part, as it came. `message_id` stays empty until it is known whose it is."""

    __tablename__ = "sms_receipt"
    __table_args__ = (Index(None, "id_key", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    route: Mapped[str]
    carrier_id: Mapped[str]
    id_key: Mapped[str]
    number: Mapped[str]
    state: Mapped[SmsState] = mapped_column(Code(SmsState))
    reason: Mapped[str]
    received_at: Mapped[datetime]
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sms_message.id"), index=True)


class SmsReply(Base):
    """A message that somebody sent to us. Whose it is follows from the last message that went to the number."""

    __tablename__ = "sms_reply"
    __table_args__ = (Index(None, "number", "received_at"), Index(None, "debtor_id", "area", "received_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    route: Mapped[str]
    number: Mapped[str]
    body: Mapped[str]
    received_at: Mapped[datetime]
    opted_out: Mapped[bool]
    debtor_id: Mapped[int | None] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area | None] = mapped_column(Code(Area))
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sms_message.id"))
