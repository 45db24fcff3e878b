"""What a person owes and paid: installments with their late charges, payments with what they went to."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select

from db.rules.latecharge import LateCharge, RateProfile, Rounding, YearRates, late_charge
from db.rules.payments import Payment as PaidPrincipal
from db.rules.payments import net
from db.rules.terms import Area, LegalClass
from db.rules.viewer import Viewer
from db.schema import claims
from db.schema.claims import Allocation, Assessment, Installment, Payment, TaxItem
from db.schema.people import CaseFile
from db.store.bound import AREAS, DEBTOR_ID, DEBTOR_IDS


@dataclass(frozen=True, slots=True)
class ArrearsLine:
    """One installment that is past due and not settled. Yen. `charge` is the late charge as of the day asked for."""

    installment_id: int
    area: Area
    legal_class: LegalClass
    item_name: str
    fiscal_year: int
    notice_number: str
    number: int
    due_on: date
    principal: int
    outstanding: int
    reminder_sent_on: date | None
    charge: LateCharge
    charge_paid: int

    @property
    def charge_due(self) -> int:
        """Late charge still to pay, in yen."""
        return max(0, self.charge.yen - self.charge_paid)

    @property
    def total(self) -> int:
        """Principal and late charge still to pay, in yen."""
        return self.outstanding + self.charge_due


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One line of 収納履歴. Yen."""

    area: Area
    paid_on: date
    reported_on: date
    place: str
    item_name: str
    fiscal_year: int
    number: int
    principal: int
    late_charge: int


def profiles(tx: Connection) -> Mapping[str, RateProfile]:
    """The office's rate profiles by code."""
    return {code: _profile(list(rows)) for code, rows in groupby(tx.execute(_RATES), key=attrgetter("code"))}


_RATES: Final = (
    select(claims.RateProfile, claims.RateYears)
    .outerjoin(claims.RateYears, claims.RateYears.profile_code == claims.RateProfile.code)
    .order_by(claims.RateProfile.code, claims.RateYears.first_year)
)


def _profile(rows: Sequence[Row[*tuple[Any, ...]]]) -> RateProfile:
    """A profile from its rows, one for each of its spans of years."""
    spans = (row for row in rows if row.first_year is not None)
    return RateProfile(
        rates=tuple(YearRates(row.first_year, row.last_year, row.first_band, row.second_band) for row in spans),
        min_principal=rows[0].min_principal,
        base_unit=rows[0].base_unit,
        cut_unit=rows[0].cut_unit,
        floor=rows[0].floor,
        rounding=Rounding(rows[0].rounding),
        first_band_months=rows[0].first_band_months,
    )


def lines(tx: Connection, viewer: Viewer, debtor_id: int, on: date) -> list[ArrearsLine]:
    """What is past due on a day, oldest first: principal still owed, or principal paid late and its charge still owed."""
    known = profiles(tx)
    paid, charge_paid = _paid(tx, [debtor_id])
    found = []
    for row in tx.execute(_LINES, {"debtor_id": debtor_id, "areas": viewer.areas(), "on": on}):
        charge = _charge(row.outstanding, row.due_on, on, known[row.rate_profile], paid[row.id])
        line = ArrearsLine(
            installment_id=row.id,
            area=row.area,
            legal_class=row.legal_class,
            item_name=row.item_name,
            fiscal_year=row.fiscal_year,
            notice_number=row.notice_number,
            number=row.number,
            due_on=row.due_on,
            principal=row.principal,
            outstanding=row.outstanding,
            reminder_sent_on=row.reminder_sent_on,
            charge=charge,
            charge_paid=charge_paid[row.id],
        )
        if line.total:
            found.append(line)
    return found


_LINES: Final = (
    select(Installment, Assessment.fiscal_year, Assessment.notice_number)
    .add_columns(TaxItem.name.label("item_name"), TaxItem.legal_class, TaxItem.rate_profile)
    .join(Assessment, Assessment.id == Installment.assessment_id)
    .join(TaxItem, TaxItem.code == Assessment.item_code)
    .where(Installment.debtor_id == DEBTOR_ID, Installment.area.in_(AREAS), Installment.due_on < bindparam("on"))
    .order_by(Installment.due_on, TaxItem.rank, Installment.id)
)


def charges_due(tx: Connection, viewer: Viewer, case_ids: Collection[int], on: date) -> int:
    """Late charge still to pay in some cases, in yen: the sum of `ArrearsLine.charge_due`."""
    known = profiles(tx)
    query = (
        select(Installment.id, Installment.debtor_id, Installment.due_on, Installment.outstanding, TaxItem.rate_profile)
        .join(Assessment, Assessment.id == Installment.assessment_id)
        .join(TaxItem, TaxItem.code == Assessment.item_code)
        .join(CaseFile, and_(CaseFile.debtor_id == Installment.debtor_id, CaseFile.area == Installment.area))
        .where(CaseFile.id.in_(case_ids), Installment.area.in_(viewer.areas()), Installment.due_on < on)
    )
    rows = tx.execute(query).all()
    paid, charge_paid = _paid(tx, {row.debtor_id for row in rows})
    total = 0
    for row in rows:
        charge = _charge(row.outstanding, row.due_on, on, known[row.rate_profile], paid[row.id])
        total += max(0, charge.yen - charge_paid[row.id])
    return total


def _charge(
    outstanding: int, due_on: date, on: date, profile: RateProfile, paid: Sequence[PaidPrincipal]
) -> LateCharge:
    """Principal that no payment explains (written off, or paid before the data begins) bears no charge."""
    return late_charge(outstanding + sum(payment.yen for payment in paid), due_on, on, profile, paid)


def owed(tx: Connection, viewer: Viewer, debtor_id: int, area: Area, on: date) -> int:
    """Principal past due in one area, in yen."""
    if area not in viewer.areas():
        return 0
    query = select(func.coalesce(func.sum(Installment.outstanding), 0)).where(
        Installment.debtor_id == debtor_id, Installment.area == area, Installment.due_on < on
    )
    return tx.execute(query).scalar_one()


def payments(tx: Connection, viewer: Viewer, debtor_id: int) -> list[PaymentRow]:
    """What came in, newest first."""
    return [PaymentRow(*row) for row in tx.execute(_PAYMENTS, {"debtor_id": debtor_id, "areas": viewer.areas()})]


_PAYMENTS: Final = (
    select(
        Payment.area,
        Payment.paid_on,
        Payment.reported_on,
        Payment.place,
        TaxItem.name,
        Assessment.fiscal_year,
        Installment.number,
        Allocation.principal,
        Allocation.late_charge,
    )
    .join(Allocation, Allocation.payment_id == Payment.id)
    .join(Installment, Installment.id == Allocation.installment_id)
    .join(Assessment, Assessment.id == Installment.assessment_id)
    .join(TaxItem, TaxItem.code == Assessment.item_code)
    .where(Payment.debtor_id == DEBTOR_ID, Payment.area.in_(AREAS))
    .order_by(Payment.paid_on.desc(), Payment.id.desc(), Installment.due_on)
    .limit(300)
)


def paid_since(tx: Connection, viewer: Viewer, debtor_id: int, area: Area, since: date) -> list[PaidPrincipal]:
    """What came in on or after a day in one area, oldest first."""
    if area not in viewer.areas():
        return []
    query = (
        select(Payment.paid_on, Payment.amount)
        .where(Payment.debtor_id == debtor_id, Payment.area == area, Payment.paid_on >= since)
        .order_by(Payment.paid_on, Payment.id)
    )
    return net((row.paid_on, row.amount) for row in tx.execute(query))


def _paid(
    tx: Connection, debtor_ids: Collection[int]
) -> tuple[defaultdict[int, list[PaidPrincipal]], defaultdict[int, int]]:
    """By installment: payments of the principal, and the sum of late charge paid."""
    told: defaultdict[int, list[tuple[date, int]]] = defaultdict(list)
    charges: defaultdict[int, int] = defaultdict(int)
    for row in tx.execute(_PAID, {"debtor_ids": debtor_ids}):
        if row.principal:
            told[row.installment_id].append((row.paid_on, row.principal))
        charges[row.installment_id] += row.late_charge
    principal: defaultdict[int, list[PaidPrincipal]] = defaultdict(list)
    principal.update({installment_id: net(amounts) for installment_id, amounts in told.items()})
    return principal, charges


_PAID: Final = (
    select(Allocation.installment_id, Payment.paid_on, Allocation.principal, Allocation.late_charge)
    .join(Payment, Payment.id == Allocation.payment_id)
    .where(Payment.debtor_id.in_(DEBTOR_IDS), or_(Allocation.principal != 0, Allocation.late_charge != 0))
    .order_by(Payment.paid_on)
)
