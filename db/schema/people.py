"""People and companies, their households, addresses, phones, flags, and the case that each has in an area."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import AddressKind, Area, FlagKind, PersonKind, PhoneKind, PhoneOwner, PhoneStatus
from db.schema.base import Base, BigId, Code, Folded


class Household(Base):
    """People who live together under one household number (世帯番号)."""

    __tablename__ = "household"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)


class Debtor(Base):
    """A person or company the office may have to contact. Belongs to no area by itself: see CaseFile.

    `closed_on`: since then the core system has not listed the person any more, so what is known of them may be wrong.
    """

    __tablename__ = "debtor"
    __table_args__ = (Index(None, "name_folded", "birth_date"), Index(None, "kana_folded", "birth_date"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(Folded, unique=True)
    kind: Mapped[PersonKind] = mapped_column(Code(PersonKind))
    name: Mapped[str]
    kana: Mapped[str]
    name_folded: Mapped[str] = mapped_column(Folded)
    kana_folded: Mapped[str] = mapped_column(Folded)
    birth_date: Mapped[date | None] = mapped_column(index=True)
    language: Mapped[str] = mapped_column(default="ja")
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"), index=True)
    household_role: Mapped[str | None]
    data_as_of: Mapped[datetime]
    closed_on: Mapped[date | None]


class CaseFile(Base):
    """A person's file in one business area: without one, the people of that area do not see the person at all."""

    __tablename__ = "case_file"
    __table_args__ = (UniqueConstraint("debtor_id", "area"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area] = mapped_column(Code(Area))


class Address(Base):
    """Where a person is or was, by what the address is for. `district` is the office's own area code (地区)."""

    __tablename__ = "address"
    __table_args__ = (Index(None, "town", "block"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"), index=True)
    kind: Mapped[AddressKind] = mapped_column(Code(AddressKind))
    postal_code: Mapped[str]
    town: Mapped[str]
    block: Mapped[str]
    building: Mapped[str] = mapped_column(default="")
    district: Mapped[str] = mapped_column(index=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class Phone(Base):
    """A number on the record: only these can be dialled or texted. `number` is E.164."""

    __tablename__ = "phone"
    __table_args__ = (UniqueConstraint("debtor_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    number: Mapped[str] = mapped_column(Folded, index=True)
    kind: Mapped[PhoneKind] = mapped_column(Code(PhoneKind))
    status: Mapped[PhoneStatus] = mapped_column(Code(PhoneStatus))
    owner: Mapped[PhoneOwner] = mapped_column(Code(PhoneOwner))
    rank: Mapped[int] = mapped_column(default=1)
    source: Mapped[str] = mapped_column(default="")


class Flag(Base):
    """A circumstance of a person, for one area or (without one) for all, within its days of validity.

    `source` names the system that it was imported from; empty for those that the office set itself.
    """

    __tablename__ = "flag"
    __table_args__ = (Index(None, "debtor_id", "kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtor.id"))
    area: Mapped[Area | None] = mapped_column(Code(Area))
    kind: Mapped[FlagKind] = mapped_column(Code(FlagKind))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="", server_default="")
