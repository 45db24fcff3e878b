"""Telephony: seats, operators on duty, attempts, calls and recordings."""

import uuid
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.callers import CallerKind
from db.rules.opening import Opening
from db.rules.telephony import (
    AfterCall,
    AttemptResult,
    AttemptState,
    CallState,
    DialMode,
    Direction,
    DutyState,
    IncomingState,
    MonitorMode,
    RecordingState,
    TransferState,
)
from db.rules.terms import Area
from db.schema.base import Base, BigId, Code


class Seat(Base):
    """A desk with a phone. `channel` is what Asterisk calls it, such as PJSIP/1001."""

    __tablename__ = "seat"

    extension: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    channel: Mapped[str]
    pbx: Mapped[str] = mapped_column(default="main")


class Duty(Base):
    """An operator on duty: one row a user, one user a seat. An operator is reserved by one conditional UPDATE of it.

    `leg_id` is the Uniqueid of the standing leg (their phone, in its room); `call_id` is the call that they are on or
    owe a result for. `after`: what a supervisor (`after_by`) wants to follow once nothing is open, and why. `word`: what a
    supervisor has done with them, until they have seen it.
    """

    __tablename__ = "duty"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    seat: Mapped[str] = mapped_column(ForeignKey("seat.extension"), unique=True)
    state: Mapped[DutyState] = mapped_column(Code(DutyState))
    reason: Mapped[str] = mapped_column(default="")
    since: Mapped[datetime]
    leg_id: Mapped[uuid.UUID]
    leg_up: Mapped[bool] = mapped_column(default=False)
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("call.id"), unique=True)
    after: Mapped[AfterCall | None] = mapped_column(Code(AfterCall))
    after_reason: Mapped[str] = mapped_column(default="")
    after_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    word: Mapped[str] = mapped_column(default="")


class DutyLog(Base):
    """How long an operator was in which state: closed rows only. `word`: what a supervisor said who ended the duty by it."""

    __tablename__ = "duty_log"
    __table_args__ = (Index(None, "user_id", "began_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    seat: Mapped[str]
    state: Mapped[DutyState] = mapped_column(Code(DutyState))
    reason: Mapped[str] = mapped_column(default="")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    word: Mapped[str] = mapped_column(default="")


class Attempt(Base):
    """One dial of one number. `id` is the ChannelId and Uniqueid in Asterisk. Committed before anything is sent.

    `abandoned_at`: somebody answered a dial of a campaign, and nobody was free for them. `machine_at`: an answering machine did.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        Index(None, "debtor_id", "prepared_at"),
        Index(None, "state"),
        Index(None, "number", "prepared_at"),
        Index(None, "ended_at"),
        Index(None, "campaign_id", "prepared_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    phone_id: Mapped[int] = mapped_column(BigId, ForeignKey("phone.id"))
    number: Mapped[str]
    mode: Mapped[DialMode] = mapped_column(Code(DialMode))
    pbx: Mapped[str]
    state: Mapped[AttemptState] = mapped_column(Code(AttemptState))
    prepared_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    ringing_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cause: Mapped[int | None]
    result: Mapped[AttemptResult | None] = mapped_column(Code(AttemptResult))
    refusal: Mapped[str] = mapped_column(default="")
    deliberate: Mapped[bool] = mapped_column(default=False)
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaign.id"))
    abandoned_at: Mapped[datetime | None]
    machine_at: Mapped[datetime | None]


class Call(Base):
    """What an operator has on the screen and owes a result for. For a call out, `id` is that of its attempt.

    A result may be saved while they still talk (`result_at`); `wrapped_at` is set once the call has ended and has one.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index(None, "user_id", "started_at"),
        Index(None, "debtor_id", "started_at"),
        Index(
            "ix_call_open",
            "user_id",
            sqlite_where=text("wrapped_at IS NULL"),
            postgresql_where=text("wrapped_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    direction: Mapped[Direction] = mapped_column(Code(Direction))
    attempt_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attempt.id"), unique=True)
    debtor_id: Mapped[int | None] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    number: Mapped[str | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    seat: Mapped[str]
    state: Mapped[CallState] = mapped_column(Code(CallState))
    started_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    identity_confirmed_at: Mapped[datetime | None]
    identity_failures: Mapped[int] = mapped_column(default=0)
    result_at: Mapped[datetime | None]
    wrapped_at: Mapped[datetime | None]


class Monitor(Base):
    """A supervisor takes part in an operator's call, with the standing leg of their own seat; open until `ended_at`.

    `leg_id` and `seat` are the supervisor's, `of_user` and `of_seat` the operator's.
    """

    __tablename__ = "monitor"
    __table_args__ = (Index(None, "call_id", "ended_at"), Index(None, "user_id", "ended_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    leg_id: Mapped[uuid.UUID]
    seat: Mapped[str]
    of_user: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    of_seat: Mapped[str]
    mode: Mapped[MonitorMode] = mapped_column(Code(MonitorMode))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(default="")


class Transfer(Base):
    """A call that an operator takes to an officer: they speak about it first, then the call is the officer's."""

    __tablename__ = "transfer"
    __table_args__ = (Index(None, "call_id", "began_at"), Index(None, "to_user", "ended_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id"))
    from_user: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    to_user: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[TransferState] = mapped_column(Code(TransferState))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Incoming(Base):
    """A call that came in, from its first ring. `id` is also that of its `call`, which begins when an operator has it.

    `channel` is the Uniqueid in Asterisk. `candidates` (debtors, likeliest first) and `last_operator` are what the look-up
    said: proposals, never proofs, so they are no foreign keys. A call answers no contact older than `answers_since`.
    `left_number` is what a caller who wishes to be called back has keyed in, E.164 where it is a number at all.
    """

    __tablename__ = "incoming"
    __table_args__ = (Index(None, "pbx", "state"), Index(None, "number", "arrived_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    pbx: Mapped[str]
    channel: Mapped[str]
    kind: Mapped[CallerKind] = mapped_column(Code(CallerKind))
    number: Mapped[str | None]
    area: Mapped[Area] = mapped_column(Code(Area))
    candidates: Mapped[list[int]] = mapped_column(JSON)
    last_operator: Mapped[int | None] = mapped_column(BigId)
    answers_since: Mapped[datetime]
    state: Mapped[IncomingState] = mapped_column(Code(IncomingState))
    opening: Mapped[Opening] = mapped_column(Code(Opening))
    left_number: Mapped[str | None]
    arrived_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RecordingPause(Base):
    """A part of a call that is left out of its recording: silence in the file, from `began_at` until `ended_at`."""

    __tablename__ = "recording_pause"
    __table_args__ = (Index(None, "call_id", "began_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Recording(Base):
    """What is known of a recorded call's file. `path` is relative to the recordings directory."""

    __tablename__ = "recording"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id"), unique=True)
    debtor_id: Mapped[int | None] = mapped_column(ForeignKey("debtor.id"), index=True)
    area: Mapped[Area] = mapped_column(Code(Area))
    path: Mapped[str]
    state: Mapped[RecordingState] = mapped_column(Code(RecordingState))
    started_at: Mapped[datetime]
    milliseconds: Mapped[int | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    keep_until: Mapped[datetime | None]
    legal_hold: Mapped[bool] = mapped_column(default=False)
