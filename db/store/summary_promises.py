"""The part of a summary that tells of the promise in force: how much, how much of it came in, which line is open.

Which promise is in force and which payments count is what `db.rules.promises` says; what is kept here does not change
with the calendar, so that a promise breaks on its day without anybody writing a row.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from db.rules.officetime import office_time
from db.rules.payments import Payment as Paid
from db.rules.payments import paid_between
from db.rules.promises import PromiseLine as Line
from db.schema.claims import Payment
from db.schema.contacts import Promise, PromiseLine
from db.schema.summaries import CaseSummary
from db.store.summary_parts import Scope

_NOTHING = {"promise_total": 0, "promise_paid": 0, "promise_open_due": 0}


def apply(tx: Connection, scope: Scope) -> None:
    """Write the promises of some people into their summaries."""
    stale = update(CaseSummary).where(scope(CaseSummary.debtor_id), CaseSummary.promise_total > 0)
    tx.execute(stale.values(_NOTHING), scope.values)
    found = list(_promises(tx, scope))
    if found:
        tx.execute(
            update(CaseSummary)
            .where(CaseSummary.debtor_id == bindparam("of_debtor"), CaseSummary.area == bindparam("of_area"))
            .values({name: bindparam(name) for name in _NOTHING}),
            found,
        )


def _promises(tx: Connection, scope: Scope) -> Iterator[dict[str, Any]]:
    place = func.row_number().over(
        partition_by=(Promise.debtor_id, Promise.area), order_by=(Promise.made_at.desc(), Promise.id.desc())
    )
    ranked = (
        select(Promise.id, Promise.debtor_id, Promise.area, Promise.made_at, place.label("place"))
        .where(scope(Promise.debtor_id), Promise.cancelled_at.is_(None))
        .subquery()
    )
    newest = tx.execute(
        select(ranked.c.id, ranked.c.debtor_id, ranked.c.area, ranked.c.made_at).where(ranked.c.place == 1),
        scope.values,
    ).all()
    if not newest:
        return
    lines = _lines(tx, scope)
    paid = _payments(tx, scope)
    for promise_id, debtor_id, area, made_at in newest:
        made_on = office_time(made_at).date()
        payments = paid[debtor_id, area]
        latest = max((payment.on for payment in payments), default=made_on)
        covered = paid_between(payments, made_on, latest)
        mine = lines[promise_id]
        sums = accumulate(line.yen for line in mine)
        opened = next((line.due for line, so_far in zip(mine, sums, strict=True) if so_far > covered), None)
        yield {
            "of_debtor": debtor_id,
            "of_area": area,
            "promise_total": sum(line.yen for line in mine),
            "promise_paid": covered,
            "promise_open_due": opened.toordinal() if opened else 0,
        }


def _lines(tx: Connection, scope: Scope) -> defaultdict[uuid.UUID, list[Line]]:
    query = (
        select(PromiseLine.promise_id, PromiseLine.due_on, PromiseLine.amount)
        .join(Promise, Promise.id == PromiseLine.promise_id)
        .where(scope(Promise.debtor_id))
        .order_by(PromiseLine.promise_id, PromiseLine.number)
    )
    found: defaultdict[uuid.UUID, list[Line]] = defaultdict(list)
    for promise_id, due_on, amount in tx.execute(query, scope.values):
        found[promise_id].append(Line(due_on, amount))
    return found


def _payments(tx: Connection, scope: Scope) -> defaultdict[tuple[int, Any], list[Paid]]:
    promised = select(Promise.debtor_id).where(scope(Promise.debtor_id))
    query = select(Payment.debtor_id, Payment.area, Payment.paid_on, Payment.amount).where(
        scope(Payment.debtor_id), Payment.debtor_id.in_(promised), Payment.amount > 0
    )
    found: defaultdict[tuple[int, Any], list[Paid]] = defaultdict(list)
    for debtor_id, area, paid_on, amount in tx.execute(query, scope.values):
        found[debtor_id, area].append(Paid(paid_on, amount))
    return found
