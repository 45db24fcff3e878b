"""Payments, each once by its reference, allocated to the installment that it names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from db.rules.imports.targets import payment_reference, target
from db.rules.terms import Area
from db.schema.claims import Allocation, Payment, TaxItem
from db.store.bulk import next_ids
from db.usecases.imports.context import Context, Effect, StagedRow
from db.usecases.imports.ledger import Ledger, Paid


@dataclass(frozen=True, slots=True)
class _Told:
    """One line of payments."""

    debtor_id: int
    area: Area
    reference: str
    target: str
    notice: str
    paid_on: date
    reported_on: date | None
    amount: int
    late_charge: int | None
    place: str


def apply(tx: Connection, context: Context, rows: Sequence[StagedRow]) -> Effect:
    """Take one step: whole people with all their lines, in the order in which they paid."""
    effect = Effect()
    areas = {row.code: row.area for row in tx.execute(select(TaxItem.code, TaxItem.area))}
    told = sorted(
        (_told(context.values(row), row[2], areas) for row in rows), key=lambda one: (one.paid_on, one.reference)
    )
    known = _known(tx, [one.reference for one in told])
    corrected = [one for one in told if one.reference in known and not _same(one, known[one.reference])]
    fresh = [one for one in told if one.reference not in known]
    effect.unchanged += len(told) - len(fresh) - len(corrected)
    if fresh or corrected:
        _take(tx, context, fresh, corrected, known, effect)
    return effect


def _take(
    tx: Connection,
    context: Context,
    fresh: Sequence[_Told],
    corrected: Sequence[_Told],
    known: dict[str, Row[Any]],
    effect: Effect,
) -> None:
    again = [known[one.reference].id for one in corrected]
    if again:
        tx.execute(delete(Allocation).where(Allocation.payment_id.in_(again)))
    ledger = Ledger(tx, {one.notice for one in (*fresh, *corrected)})
    table: Table = Payment.__table__  # type: ignore[assignment]
    ids = dict(zip((one.reference for one in fresh), next_ids(tx, table, len(fresh)), strict=True))
    ids |= {one.reference: known[one.reference].id for one in corrected}
    rows = [_row(ids[one.reference], one, context, ledger) for one in fresh]
    if rows:
        tx.execute(insert(Payment), rows)
    if corrected:
        changes = [_row(ids[one.reference], one, context, ledger) for one in corrected]
        tx.execute(_CORRECT, [{f"b_{name}": value for name, value in row.items()} for row in changes])
    for one in sorted((*fresh, *corrected), key=lambda one: (one.paid_on, one.reference)):
        _allocate(ledger, one, ids[one.reference], context, effect)
    effect.touched |= ledger.save() | {one.debtor_id for one in (*fresh, *corrected)}
    effect.added += len(fresh)
    effect.changed += len(corrected)


def _allocate(ledger: Ledger, one: _Told, payment_id: int, context: Context, effect: Effect) -> None:
    if one.target not in ledger.accounts:
        effect.note("期別がまだ登録されていない収納（登録され次第、充当します）")
        return
    paid = Paid(payment_id, one.paid_on, one.reported_on or context.day, one.amount, one.late_charge)
    if ledger.pay(one.target, paid):
        effect.note("充当しきれない額がある収納（過誤納の疑い）")


_COLUMNS = ("debtor_id", "area", "paid_on", "reported_on", "amount", "late_charge", "place", "target")
_CORRECT = (
    update(Payment).where(Payment.id == bindparam("b_id")).values({name: bindparam(f"b_{name}") for name in _COLUMNS})
)


def _row(payment_id: int, one: _Told, context: Context, ledger: Ledger) -> dict[str, object]:
    """A payment belongs to whoever owes the installment: the arrears of a person are counted from their payments."""
    account = ledger.accounts.get(one.target)
    return {
        "id": payment_id,
        "debtor_id": account.debtor_id if account else one.debtor_id,
        "area": one.area,
        "reference": one.reference,
        "paid_on": one.paid_on,
        "reported_on": one.reported_on or context.day,
        "amount": one.amount,
        "late_charge": one.late_charge,
        "place": one.place,
        "target": None if account else one.target,
    }


def _told(values: dict[str, Any], debtor_id: int, areas: dict[str, Area]) -> _Told:
    name = target(values["item"], values["fiscal_year"], values["notice_number"], values["number"])
    reported = values["reported_on"]
    return _Told(
        debtor_id=debtor_id,
        area=areas[values["item"]],
        reference=values["reference"] or payment_reference(name, values["paid_on"], values["amount"]),
        target=name,
        notice=values["notice_number"],
        paid_on=date.fromisoformat(values["paid_on"]),
        reported_on=date.fromisoformat(reported) if reported else None,
        amount=values["amount"],
        late_charge=values["late_charge"],
        place=values["place"] or "",
    )


def _known(tx: Connection, references: Iterable[str]) -> dict[str, Row[Any]]:
    return {row.reference: row for row in tx.execute(select(Payment).where(Payment.reference.in_(references)))}


def _same(one: _Told, row: Row[Any]) -> bool:
    told = (one.paid_on, one.amount, one.late_charge, one.place)
    return told == (row.paid_on, row.amount, row.late_charge, row.place)
