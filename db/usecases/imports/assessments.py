"""Assessments and their installments. What stays unpaid follows from `rules.payments.outstanding`, in any order of files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Final, cast

from sqlalchemy import Connection, String, Table, bindparam, func, select, update
from sqlalchemy import cast as cast_to

from db.rules.imports.targets import target
from db.rules.payments import outstanding
from db.rules.terms import Area
from db.schema.claims import Allocation, Assessment, Installment, Payment, TaxItem
from db.schema.people import CaseFile
from db.store.bulk import insert_rows, next_ids
from db.store.many import among
from db.usecases.imports.context import Context, Effect, StagedRow, owners
from db.usecases.imports.waiting import allocate_waiting, any_waiting

_ASSESSMENT: Final = ("id", "debtor_id", "area", "item_code", "fiscal_year", "notice_number")
_INSTALLMENT: Final = (
    "id", "assessment_id", "debtor_id", "area", "number", "due_on", "principal", "outstanding", "reminder_sent_on",
    "stated", "stated_on",
)  # fmt: skip

Key = tuple[str, int, str]


@dataclass(slots=True)
class _Known:
    """What the register has of the assessments of a step: ids by key, installments by assessment and number."""

    assessments: dict[Key, Any]
    installments: dict[tuple[int, int], Any]
    paid: defaultdict[int, list[tuple[date, int]]]


def apply(tx: Connection, context: Context, rows: Sequence[StagedRow]) -> Effect:
    """Take one step: whole people with all their lines."""
    effect = Effect()
    areas = _areas(tx)
    known = _known(tx, {row[6] for row in rows})
    payers = {_key(row): row[2] for row in rows}
    _open_cases(tx, {(row[2], areas[row[4]]) for row in rows})
    _move(tx, known, payers, effect)
    ids = _new_assessments(tx, known, payers, areas)
    fresh, changes = [], []
    for row in rows:
        assessment_id = ids[_key(row)]
        found = known.installments.get((assessment_id, row[7])) if known.installments else None
        if found is None:
            fresh.append((assessment_id, row))
        elif change := _changed(row, found, known, context):
            changes.append(change)
            effect.touched.add(row[2])
        else:
            effect.unchanged += 1
    _add(tx, fresh, areas, context, effect)
    if changes:
        tx.execute(_UPDATE, changes)
    effect.changed += len(changes)
    return effect


def open_rows(tx: Connection, context: Context, after: int, limit: int) -> list[tuple[int, str]]:
    """Installments that a full file of these areas should hold, with the keys of their lines."""
    query = (
        select(
            Installment.id, Assessment.item_code, Assessment.fiscal_year, Assessment.notice_number, Installment.number
        )
        .join(Assessment, Assessment.id == Installment.assessment_id)
        .where(Installment.id > after, Installment.area.in_(context.mapping.areas))
        .where(Installment.outstanding > 0, Installment.closed_on.is_(None))
        .order_by(Installment.id)
        .limit(limit)
    )
    return [(row.id, target(*row[1:])) for row in tx.execute(query)]


def end_rows(tx: Connection, context: Context, ids: Collection[int]) -> Effect:
    """Close installments that the core system does not list any more: nothing is outstanding; the rows stay."""
    closing = update(Installment).where(Installment.id.in_(ids), Installment.closed_on.is_(None))
    ended = tx.execute(closing.values(outstanding=0, closed_on=context.day)).rowcount
    return Effect(changed=ended, touched=owners(tx, Installment, ids))


_UPDATE: Final = (
    update(Installment)
    .where(Installment.id == bindparam("key"))
    .values({
        name: bindparam(name)
        for name in ("due_on", "principal", "outstanding", "reminder_sent_on", "stated", "stated_on", "closed_on")
    })
)  # fmt: skip


# asked of every step with lists of ids: made once, the lists bound as one value, so that nothing is looked through each time
_ASSESSMENTS: Final = select(
    Assessment.id, Assessment.debtor_id, Assessment.item_code, Assessment.fiscal_year, Assessment.notice_number
).where(among(Assessment.notice_number, "some"))
_INSTALLMENTS: Final = select(
    Installment.id,
    Installment.assessment_id,
    Installment.number,
    Installment.principal,
    # days as text, as files have them: most rows are only compared
    *(cast_to(column, String).label(column.key) for column in (Installment.due_on, Installment.reminder_sent_on)),
    Installment.outstanding,
    Installment.closed_on.is_not(None).label("closed"),
).where(among(Installment.assessment_id, "some"))
_PAID: Final = (
    select(Allocation.installment_id, Payment.reported_on, func.sum(Allocation.principal))
    .join(Payment, Payment.id == Allocation.payment_id)
    .join(Installment, Installment.id == Allocation.installment_id)
    .where(among(Installment.assessment_id, "some"))
    .group_by(Allocation.installment_id, Payment.reported_on)
)
_CASES: Final = select(CaseFile.debtor_id, CaseFile.area).where(among(CaseFile.debtor_id, "some"))


_key = cast("Any", itemgetter(4, 5, 6))
"""Item, fiscal year and notice number of a staged line."""


def _areas(tx: Connection) -> dict[str, Area]:
    return {row.code: row.area for row in tx.execute(select(TaxItem.code, TaxItem.area))}


def _known(tx: Connection, notices: Collection[str]) -> _Known:
    found = tx.execute(_ASSESSMENTS, {"some": list(notices)})
    assessments: dict[Key, Any] = {(row.item_code, row.fiscal_year, row.notice_number): row for row in found}
    known = _Known(assessments, {}, defaultdict(list))
    if assessments:
        ids = {"some": [row.id for row in assessments.values()]}
        known.installments = {(row.assessment_id, row.number): row for row in tx.execute(_INSTALLMENTS, ids)}
        for installment_id, reported, yen in tx.execute(_PAID, ids):
            known.paid[installment_id].append((reported, int(yen)))
    return known


def _open_cases(tx: Connection, wanted: set[tuple[int, Area]]) -> None:
    found = tx.execute(_CASES, {"some": list({one for one, _ in wanted})})
    missing = wanted - {(row.debtor_id, row.area) for row in found}
    insert_rows(tx, _table(CaseFile), ("debtor_id", "area"), [(one, area.value) for one, area in sorted(missing)])


def _move(tx: Connection, known: _Known, payers: dict[Key, int], effect: Effect) -> None:
    """An assessment that the core system now has under another person goes there with its installments."""
    moved = [
        {"key": found.id, "debtor": payers[key]}
        for key, found in known.assessments.items()
        if key in payers and found.debtor_id != payers[key]
    ]
    if moved:
        tx.execute(
            update(Assessment).where(Assessment.id == bindparam("key")).values(debtor_id=bindparam("debtor")), moved
        )
        belonging = update(Installment).where(Installment.assessment_id == bindparam("key"))
        tx.execute(belonging.values(debtor_id=bindparam("debtor")), moved)
        parts = select(Installment.id).where(Installment.assessment_id == bindparam("key"))
        paid = select(Allocation.payment_id).where(Allocation.installment_id.in_(parts))
        tx.execute(update(Payment).where(Payment.id.in_(paid)).values(debtor_id=bindparam("debtor")), moved)
        effect.note("賦課の対象者が変わったもの", len(moved))
        effect.touched.update(one["debtor"] for one in moved)


def _new_assessments(tx: Connection, known: _Known, payers: dict[Key, int], areas: dict[str, Area]) -> dict[Key, int]:
    ids = {key: found.id for key, found in known.assessments.items()}
    new = [key for key in payers if key not in ids]
    ids |= dict(zip(new, next_ids(tx, _table(Assessment), len(new)), strict=True))
    codes = _codes(areas)
    rows = [(ids[key], payers[key], codes[key[0]], *key) for key in new]
    insert_rows(tx, _table(Assessment), _ASSESSMENT, rows)
    return ids


def _changed(row: StagedRow, found: Any, known: _Known, context: Context) -> dict[str, object] | None:
    """The new values of an installment that is not as the file has it. What the core system stated is replaced only
    when it makes a difference, so that an unchanged file writes nothing."""
    due, principal, stated, reminder = row[8:12]
    open_now = _outstanding(principal, stated, context.day, known.paid.get(found.id, ()))
    same = (found.due_on, found.principal, found.outstanding) == (due, principal, open_now) and not found.closed
    if same and (reminder is None or reminder == found.reminder_sent_on):
        return None
    reminded = reminder or found.reminder_sent_on
    return {
        "key": found.id,
        "due_on": date.fromisoformat(due),
        "principal": principal,
        "outstanding": open_now,
        "reminder_sent_on": date.fromisoformat(reminded) if reminded else None,
        "stated": stated,
        "stated_on": context.day if stated is not None else None,
        "closed_on": None,
    }


def _outstanding(principal: int, stated: int | None, day: date, paid: Iterable[tuple[date, int]]) -> int:
    return outstanding(principal, stated, day if stated is not None else None, paid)


def _add(
    tx: Connection, fresh: Sequence[tuple[int, StagedRow]], areas: dict[str, Area], context: Context, effect: Effect
) -> None:
    ids = next_ids(tx, _table(Installment), len(fresh))
    day, codes = context.day.isoformat(), _codes(areas)
    insert_rows(tx, _table(Installment), _INSTALLMENT, [
        (
            made, assessment_id, row[2], codes[row[4]], row[7], row[8], row[9],
            row[9] if row[10] is None else row[10], row[11], row[10], None if row[10] is None else day,
        )
        for made, (assessment_id, row) in zip(ids, fresh, strict=True)
    ])  # fmt: skip
    effect.added += len(fresh)
    effect.touched.update([row[2] for _, row in fresh])
    if not fresh or not any_waiting(tx):
        return
    named = {target(*row[4:8]): made for made, (_, row) in zip(ids, fresh, strict=True)}
    effect.note("先に届いていた収納を充当したもの", allocate_waiting(tx, named))


def _codes(areas: dict[str, Area]) -> dict[str, str]:
    """The areas of the items as they are stored."""
    return {item: area.value for item, area in areas.items()}


def _table(model: type[Any]) -> Table:
    return cast("Table", model.__table__)
