"""What is owed and what came in: tax items, rate profiles, assessments, installments, payments and their allocation."""

from datetime import date

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area, LegalClass
from db.schema.base import Base, BigId, Code, Folded


class RateProfile(Base):
    """How late charges are counted for some items; see `db.rules.latecharge.RateProfile`. Yen."""

    __tablename__ = "rate_profile"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    min_principal: Mapped[int]
    base_unit: Mapped[int]
    cut_unit: Mapped[int]
    floor: Mapped[int]
    rounding: Mapped[str]
    first_band_months: Mapped[int]


class RateYears(Base):
    """The two rates of some calendar years, in hundredths of a percent a year (2.4 % = 240)."""

    __tablename__ = "rate_years"

    profile_code: Mapped[str] = mapped_column(ForeignKey("rate_profile.code"), primary_key=True)
    first_year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_year: Mapped[int]
    first_band: Mapped[int]
    second_band: Mapped[int]


class TaxItem(Base):
    """A tax, fee or claim (税目・料目): its business area, legal class and rate profile."""

    __tablename__ = "tax_item"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    area: Mapped[Area] = mapped_column(Code(Area))
    legal_class: Mapped[LegalClass] = mapped_column(Code(LegalClass))
    rate_profile: Mapped[str] = mapped_column(ForeignKey("rate_profile.code"))
    limitation_years: Mapped[int]
    rank: Mapped[int]


class Assessment(Base):
    """One levy on one person: an item, a fiscal year (賦課年度) and its notice number (通知書番号)."""

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("item_code", "fiscal_year", "notice_number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"), index=True)
    area: Mapped[Area] = mapped_column(Code(Area))
    item_code: Mapped[str] = mapped_column(ForeignKey("tax_item.code"))
    fiscal_year: Mapped[int]
    notice_number: Mapped[str] = mapped_column(Folded, index=True)


class Installment(Base):
    """A part of an assessment with its own due date (期別). Yen.

    `outstanding` is principal not yet paid or written off; only imports change it, by `rules.payments.outstanding` from
    `principal`, what the core system stated (`stated` yen unpaid as of `stated_on`) and the payments allocated.
    `closed_on`: since then the core system has not listed it any more; then nothing is outstanding.
    """

    __tablename__ = "installment"
    __table_args__ = (UniqueConstraint("assessment_id", "number"), Index(None, "debtor_id", "area"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    number: Mapped[int]
    due_on: Mapped[date]
    principal: Mapped[int]
    outstanding: Mapped[int]
    reminder_sent_on: Mapped[date | None]
    stated: Mapped[int | None]
    stated_on: Mapped[date | None]
    closed_on: Mapped[date | None]


class Payment(Base):
    """Money that came in, as the core tax system reported it. `reference` makes a second import of it harmless.

    A payment that was taken back is a row of its own with a negative amount. `target` is the installment that the core
    system named (`rules.imports.targets`), kept while we do not have that installment yet.
    """

    __tablename__ = "payment"
    __table_args__ = (
        Index(None, "debtor_id", "area", "paid_on"),
        Index(None, "target", sqlite_where=text("target IS NOT NULL"), postgresql_where=text("target IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))
    reference: Mapped[str] = mapped_column(Folded, unique=True)
    paid_on: Mapped[date] = mapped_column(index=True)
    reported_on: Mapped[date]
    amount: Mapped[int]
    late_charge: Mapped[int | None]
    place: Mapped[str]
    target: Mapped[str | None]


class Allocation(Base):
    """Which installment a payment went to, as principal and as late charge. Yen."""

    __tablename__ = "allocation"

    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    installment_id: Mapped[int] = mapped_column(ForeignKey("installment.id"), primary_key=True, index=True)
    principal: Mapped[int]
    late_charge: Mapped[int] = mapped_column(default=0)
