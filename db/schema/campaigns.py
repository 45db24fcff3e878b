"""Campaigns: what they dial, how and when, for whom, and how far they have come with each person."""

import uuid
from datetime import datetime, time
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.campaigns import CampaignState, MachineRule, TargetOrder, TargetState
from db.rules.telephony import DialMode
from db.rules.terms import Area
from db.schema.base import Base, BigId, Code


class Campaign(Base):
    """A campaign over lists of targets in one area, dialled over one PBX.

    `days`: weekdays as bits, Monday the first. `opens` until before `closes`: office time. `tries`: dials of one person at
    most. `target_abandonment`, `cap`: shares of the people who answer. `retry`: `db.rules.campaigns.retry_to_json`.
    `group_id`: whose operators may join, None for anybody who may telephone in the area. `caller_id` "": the office's.
    """

    __tablename__ = "campaign"
    __table_args__ = (Index(None, "state"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    area: Mapped[Area] = mapped_column(Code(Area))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"))
    mode: Mapped[DialMode] = mapped_column(Code(DialMode))
    pbx: Mapped[str]
    state: Mapped[CampaignState] = mapped_column(Code(CampaignState))
    days: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]
    order: Mapped[TargetOrder] = mapped_column(Code(TargetOrder))
    tries: Mapped[int]
    lines: Mapped[int]
    calls_per_second: Mapped[float]
    target_abandonment: Mapped[float]
    cap: Mapped[float]
    ring_seconds: Mapped[int]
    caller_id: Mapped[str]
    script: Mapped[str]
    abandoned_prompt: Mapped[str]
    machines: Mapped[MachineRule] = mapped_column(Code(MachineRule), server_default="ignore")
    voicemail_prompt: Mapped[str] = mapped_column(server_default="")
    retry: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]
    changed_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    changed_at: Mapped[datetime]


class CampaignList(Base):
    """A list that a campaign works off, with its weight among the others. `taken`: targets of it that were claimed."""

    __tablename__ = "campaign_list"

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("target_list.id"), primary_key=True)
    weight: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)


class CampaignTarget(Base):
    """One case of a campaign, and how far the campaign has come with it.

    OPEN with `due_at` None: never looked at yet. OPEN with a `due_at`: not before then. CLAIMED by `attempt_id`, or (until
    `due_at`) reserved for the operator `user_id`. `reason` says why it was passed over, put off or given up, `last_result`
    what came of the last dial (the code of a disposition). `order_key`: the smallest first. `since`: in this state since.
    """

    __tablename__ = "campaign_target"
    __table_args__ = (
        Index("ix_campaign_target_queue", "campaign_id", "state", "list_id", "due_at", "order_key"),
        Index("ix_campaign_target_figures", "campaign_id", "state", "reason", "last_result"),
    )

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    debtor_id: Mapped[int] = mapped_column(BigId, ForeignKey("debtor.id"), primary_key=True)
    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("target_list.id"))
    state: Mapped[TargetState] = mapped_column(Code(TargetState))
    due_at: Mapped[datetime | None]
    order_key: Mapped[int] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(default=0)
    last_result: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    attempt_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attempt.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    since: Mapped[datetime]


class CampaignOperator(Base):
    """Who works on a campaign; an operator may be on several."""

    __tablename__ = "campaign_operator"

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    since: Mapped[datetime]
