"""What is known of every case, gathered in one narrow row, so that questions over a whole city are answered in one pass.

Nothing here is typed in and nothing is the truth: `db.store.summaries.refresh` derives it from the other tables, and
whoever changes those refreshes the people concerned in the same transaction. Codes are small numbers and sets are bits
(`db.rules.bits`, `SummaryCode`, `SummaryLot`), days are `date.toordinal()`, and 0 stands for "none": a pass over a
million rows that are half as wide takes half the time, and no condition meets a NULL.
"""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area
from db.schema.base import Base, BigId, Code

Wide = BigInteger
"""64 bits for yen and for sets of up to 62 members."""


class CaseSummary(Base):
    """One case (a person in one business area) as of `SummaryDay`. The most asked columns come first. Yen.

    `principal`, `oldest_due`, `open_count`, `lots_*`, `numbers`, `year_numbers_*` (`bits.year_number`): installments past
    due and open. `promise_*`: the newest
    uncancelled promise; `promise_open_due` is the (raw) due date of its first line that payments do not cover yet.
    `last_*`: the newest contact that was not corrected, `last_at` in seconds since 1970. `reached_hours`: hours (0 to 23
    on weekdays, 24 to 47 at weekends) in which the person answered a call of ours. `household_*` counts the protected
    (支援措置) under no household, and `district` is 0 for them. `state` (a bit of `bits.CASE_STATES`) and `state_since`
    are kept by `db.usecases.case_states`; 0 until it first came to the case.
    """

    __tablename__ = "case_summary"
    __table_args__ = (
        UniqueConstraint("debtor_id", "area"),
        Index(None, "principal", "case_id"),
        Index(None, "oldest_due", "case_id"),
        Index(None, "last_at", "case_id"),
        Index(None, "household_id", "area"),
        Index(None, "state", "principal", "case_id"),
        Index(None, "state", "oldest_due", "case_id"),
        Index(None, "state", "last_at", "case_id"),
        Index(None, "state", "state_since", "case_id"),
    )

    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("case_file.id"), primary_key=True, autoincrement=False)
    area_bit: Mapped[int]
    principal: Mapped[int] = mapped_column(Wide, default=0)
    oldest_due: Mapped[int] = mapped_column(default=0)
    lots_0: Mapped[int] = mapped_column(Wide, default=0)
    lots_1: Mapped[int] = mapped_column(Wide, default=0)
    lots_2: Mapped[int] = mapped_column(Wide, default=0)
    numbers: Mapped[int] = mapped_column(Wide, default=0)
    year_numbers_0: Mapped[int] = mapped_column(Wide, default=0)
    year_numbers_1: Mapped[int] = mapped_column(Wide, default=0)
    open_count: Mapped[int] = mapped_column(default=0)
    district: Mapped[int] = mapped_column(default=0)
    flags: Mapped[int] = mapped_column(default=0)
    phones: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[int] = mapped_column(Wide, default=0)
    last_channel: Mapped[int] = mapped_column(default=0)
    last_answered_by: Mapped[int] = mapped_column(default=0)
    last_disposition: Mapped[int] = mapped_column(default=0)
    reached: Mapped[int] = mapped_column(default=0)
    reached_hours: Mapped[int] = mapped_column(Wide, default=0)
    promise_total: Mapped[int] = mapped_column(Wide, default=0)
    promise_paid: Mapped[int] = mapped_column(Wide, default=0)
    promise_open_due: Mapped[int] = mapped_column(default=0)
    letters: Mapped[int] = mapped_column(default=0)
    letter_kinds: Mapped[int] = mapped_column(Wide, default=0)
    last_letter: Mapped[int] = mapped_column(default=0)
    last_returned: Mapped[int] = mapped_column(default=0)
    birth: Mapped[int] = mapped_column(default=0)
    language: Mapped[int] = mapped_column(default=0)
    kind: Mapped[int] = mapped_column(default=0)
    assigned_user: Mapped[int] = mapped_column(default=0)
    assigned_group: Mapped[int] = mapped_column(default=0)
    household_cases: Mapped[int] = mapped_column(default=0)
    household_principal: Mapped[int] = mapped_column(Wide, default=0)
    household_id: Mapped[int] = mapped_column(BigId, default=0)
    debtor_id: Mapped[int] = mapped_column(BigId, ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    state: Mapped[int] = mapped_column(default=0)
    state_since: Mapped[int] = mapped_column(default=0)


class SummaryLot(Base):
    """The bit that an item of a fiscal year has in an area: bit `number` % 62 of `lots_` `number` // 62, if there is one."""

    __tablename__ = "summary_lot"
    __table_args__ = (UniqueConstraint("area", "number"),)

    area: Mapped[Area] = mapped_column(Code(Area), primary_key=True)
    item_code: Mapped[str] = mapped_column(ForeignKey("tax_item.code"), primary_key=True)
    fiscal_year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]


class SummaryCode(Base):
    """The number, from 1, that stands for a text in summaries: a language, a district, a disposition, a kind of letter."""

    __tablename__ = "summary_code"
    __table_args__ = (UniqueConstraint("family", "number"),)

    family: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class SummaryDay(Base):
    """As of which day the summaries stand: installments fall due and flags begin and end with the calendar."""

    __tablename__ = "summary_day"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date]
