"""Payments that came before the installments they name are allocated as soon as these come."""

from collections.abc import Mapping

from sqlalchemy import Connection, exists, select, update

from db.schema.claims import Assessment, Installment, Payment
from db.usecases.imports.ledger import Ledger, waiting


def any_waiting(tx: Connection) -> bool:
    """Whether there is any such payment."""
    return bool(tx.execute(select(exists().where(Payment.target.is_not(None)))).scalar_one())


def allocate_waiting(tx: Connection, new: Mapping[str, int]) -> int:
    """Allocate what was waiting for `new` installments (ids by target); returns how many payments that were."""
    found = waiting(tx, list(new))
    if not found:
        return 0
    ids = [new[name] for name, _ in found]
    notices = select(Assessment.notice_number).join(Installment, Installment.assessment_id == Assessment.id)
    ledger = Ledger(tx, set(tx.execute(notices.where(Installment.id.in_(ids))).scalars()))
    for name, paid in found:
        ledger.pay(name, paid)
    ledger.save()
    done = update(Payment).where(Payment.id.in_([paid.payment_id for _, paid in found]))
    tx.execute(done.values(target=None))
    return len(found)
