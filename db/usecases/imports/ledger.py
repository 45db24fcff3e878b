"""Allocating payments to the installments that they name, and what is outstanding after that; used by payments as they
come, and by installments for which a payment was waiting.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, bindparam, insert, select, update

from db.rules.imports.targets import target
from db.rules.latecharge import RateProfile, late_charge
from db.rules.payments import Payable, Share, allocate, net, outstanding
from db.schema.claims import Allocation, Assessment, Installment, Payment, TaxItem
from db.store import arrears


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment to allocate, in yen."""

    payment_id: int
    paid_on: date
    reported_on: date
    amount: int
    late_charge: int | None


@dataclass(slots=True)
class _Account:
    """An installment with all that was paid for it: (paid on, reported on, principal, late charge)."""

    id: int
    debtor_id: int
    due_on: date
    principal: int
    outstanding: int
    stated: int | None
    stated_on: date | None
    closed: bool
    profile: RateProfile
    entries: list[tuple[date, date, int, int]] = field(default_factory=list)

    @property
    def principal_paid(self) -> int:
        return sum(entry[2] for entry in self.entries)

    @property
    def charge_paid(self) -> int:
        return sum(entry[3] for entry in self.entries)

    def payable(self, on: date) -> Payable:
        """How a payment of a day meets it."""
        paid = self.principal_paid
        before = net((entry[0], entry[2]) for entry in self.entries if entry[2])
        due = late_charge(self.principal, self.due_on, max(on, self.due_on), self.profile, before).yen
        return Payable(self.id, self.principal - paid, max(0, due - self.charge_paid), paid, self.charge_paid)

    def open_now(self) -> int:
        """What is outstanding after all entries."""
        if self.closed:
            return 0
        return outstanding(
            self.principal, self.stated, self.stated_on, ((entry[1], entry[2]) for entry in self.entries)
        )


class Ledger:
    """The installments that some payments name, by target. Load, allocate, save: all in one transaction."""

    def __init__(self, tx: Connection, notices: Collection[str], *, without: Collection[int] = ()) -> None:
        """Load every installment of these notice numbers. `without`: payments whose allocations do not count (they are
        allocated again)."""
        self._tx = tx
        known = arrears.profiles(tx)
        self.accounts: dict[str, _Account] = {}
        by_id: dict[int, _Account] = {}
        query = (
            select(Installment, Assessment.item_code, Assessment.fiscal_year, Assessment.notice_number)
            .add_columns(TaxItem.rate_profile)
            .join(Assessment, Assessment.id == Installment.assessment_id)
            .join(TaxItem, TaxItem.code == Assessment.item_code)
            .where(Assessment.notice_number.in_(notices))
        )
        for row in tx.execute(query):
            account = _Account(
                row.id, row.debtor_id, row.due_on, row.principal, row.outstanding, row.stated, row.stated_on,
                row.closed_on is not None, known[row.rate_profile],
            )  # fmt: skip
            by_id[row.id] = account
            self.accounts[target(row.item_code, row.fiscal_year, row.notice_number, row.number)] = account
        self._load_entries(by_id, without)
        self._shares: list[tuple[int, Share]] = []

    def pay(self, name: str, paid: Paid) -> int:
        """Allocate a payment to the installment it names; returns what is left over (過誤納), in yen."""
        account = self.accounts[name]
        shares, left = allocate(paid.amount, paid.late_charge, [account.payable(paid.paid_on)])
        for share in shares:
            account.entries.append((paid.paid_on, paid.reported_on, share.principal, share.late_charge))
            self._shares.append((paid.payment_id, share))
        return left

    def save(self) -> set[int]:
        """Write the allocations and what is outstanding now; returns whose installments changed."""
        if self._shares:
            self._tx.execute(insert(Allocation), [_allocation(payment_id, share) for payment_id, share in self._shares])
        changed = [account for account in self.accounts.values() if account.open_now() != account.outstanding]
        if changed:
            values = [{"key": account.id, "left": account.open_now()} for account in changed]
            statement = update(Installment).where(Installment.id == bindparam("key"))
            self._tx.execute(statement.values(outstanding=bindparam("left")), values)
        return {account.debtor_id for account in changed}

    def _load_entries(self, by_id: Mapping[int, _Account], without: Collection[int]) -> None:
        query = (
            select(Allocation, Payment.paid_on, Payment.reported_on)
            .join(Payment, Payment.id == Allocation.payment_id)
            .where(Allocation.installment_id.in_(by_id))
            .order_by(Payment.paid_on, Payment.id)
        )
        if not by_id:
            return
        skipped = set(without)
        for row in self._tx.execute(query):
            if row.payment_id not in skipped:
                entry = (row.paid_on, row.reported_on, row.principal, row.late_charge)
                by_id[row.installment_id].entries.append(entry)


def _allocation(payment_id: int, share: Share) -> dict[str, int]:
    return {
        "payment_id": payment_id,
        "installment_id": share.installment_id,
        "principal": share.principal,
        "late_charge": share.late_charge,
    }


def waiting(tx: Connection, targets: Iterable[str]) -> Sequence[tuple[str, Paid]]:
    """Payments that came before the installments they name, in the order in which they were paid."""
    columns = (Payment.target, Payment.id, Payment.paid_on, Payment.reported_on, Payment.amount, Payment.late_charge)
    query = select(*columns).where(Payment.target.in_(targets)).order_by(Payment.paid_on, Payment.id)
    return [(str(row[0]), Paid(*row[1:])) for row in tx.execute(query)]
