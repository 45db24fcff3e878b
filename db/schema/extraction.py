"""Extractions that were saved (任意条件抽出), and lists of targets (対象者名簿) fixed from them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area
from db.schema.base import Base, BigId, Code


class Extraction(Base):
    """Conditions as their owner saved them, under a name; without one, those of a search that is not kept.

    `conditions` is what `db.rules.conditions.to_json` makes. Who is in `group_id` sees and uses it too.
    """

    __tablename__ = "extraction"
    __table_args__ = (Index(None, "user_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"), index=True)
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class TargetList(Base):
    """Cases fixed on a day, for campaigns, messages, papers and visits: who comes under the conditions later is not on it.

    `sentence` and `conditions` say how it came about; `cases`, `people` and `principal` (yen) are of that day.
    `area_bits` (`db.rules.bits.AREAS`): in which business areas its cases are; whoever lacks one does not see the list.
    """

    __tablename__ = "target_list"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"), index=True)
    area_bits: Mapped[int]
    sentence: Mapped[str]
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON)
    cases: Mapped[int]
    people: Mapped[int]
    principal: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]


class Target(Base):
    """One case on a list. `principal` (yen) is what it owed on that day."""

    __tablename__ = "target"
    __table_args__ = (Index(None, "debtor_id", "area"),)

    list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("target_list.id"), primary_key=True)
    debtor_id: Mapped[int] = mapped_column(BigId, ForeignKey("debtor.id"), primary_key=True)
    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    principal: Mapped[int] = mapped_column(BigInteger)
