"""How many cases stand in each state, and how much they owe: what the workflow screen reads instead of a million rows.

Only `db.usecases.case_states` writes here. Yen are principal past due.
"""

from datetime import date
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area, CaseState
from db.schema.base import Base, BigId, Code
from db.schema.summaries import Wide


class StateTally(Base):
    """Cases and yen of one state, counted along one dimension (`db.usecases.case_states.Dimension`) under one of its keys."""

    __tablename__ = "state_tally"

    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[CaseState] = mapped_column(Code(CaseState), primary_key=True)
    people: Mapped[int]
    yen: Mapped[int] = mapped_column(Wide)


class StateDay(Base):
    """Cases and yen of one state at the end of a day, of today as they stand now."""

    __tablename__ = "state_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    state: Mapped[CaseState] = mapped_column(Code(CaseState), primary_key=True)
    people: Mapped[int]
    yen: Mapped[int] = mapped_column(Wide)


class CaseCount(Base):
    """What a case adds to the tallies at present (`[dimension, key, yen]`), so that it can be taken out again exactly."""

    __tablename__ = "case_count"

    case_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    debtor_id: Mapped[int] = mapped_column(BigId, index=True)
    area: Mapped[Area] = mapped_column(Code(Area))
    state: Mapped[CaseState] = mapped_column(Code(CaseState))
    counted: Mapped[list[Any]] = mapped_column(JSON)


class StateSweep(Base):
    """How far the states are: the outbox read up to (`xid`, `seq`), and for `day` everybody up to the id `done_to`.

    `first`: the sweep that makes all states of a register anew, and counts the weeks before it.
    """

    __tablename__ = "state_sweep"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    xid: Mapped[int] = mapped_column(Wide)
    seq: Mapped[int] = mapped_column(Wide)
    day: Mapped[date]
    done_to: Mapped[int] = mapped_column(Wide)
    finished: Mapped[bool]
    first: Mapped[bool]
