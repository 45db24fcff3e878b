"""People who are one under several numbers (名寄せ): pairs, what was decided on them, and who is one with whom."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import PairAct, PairState
from db.schema.base import Base, BigId, Code


class MergePair(Base):
    """Two people who may be one, or are. `score` is that of the day it was found (`db.rules.sameness`)."""

    __tablename__ = "merge_pair"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        CheckConstraint("first_id < second_id", "in_order"),
        Index(None, "state", "score", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    first_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    second_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"), index=True)
    state: Mapped[PairState] = mapped_column(Code(PairState))
    score: Mapped[int]
    found_at: Mapped[datetime]


class MergeDecision(Base):
    """What somebody decided on a pair. Rows are added, never changed."""

    __tablename__ = "merge_decision"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("merge_pair.id"), index=True)
    act: Mapped[PairAct] = mapped_column(Code(PairAct))
    note: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]


class MergedPerson(Base):
    """Who is one with whom: rows of one `person_id` are one person. Derived from merged pairs; no row, no merge.

    Nothing is moved by a merge, so that parting is exact: contacts, claims and phones stay under their own number.
    """

    __tablename__ = "merged_person"

    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(BigId, index=True)


class MergeSweep(Base):
    """How far the search for pairs has come through the register, in one row: the last debtor looked at."""

    __tablename__ = "merge_sweep"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    after: Mapped[int] = mapped_column(BigId)
