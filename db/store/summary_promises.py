"""The part of a summary that tells of the promise in force: how much, how much of it came in, which line is open.

Which promise is in force and which payments count is what `db.rules.promises` says; what is kept here does not change
with the calendar, so that a promise breaks on its day without anybody writing a row.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate, groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from db.rules import promises as rules
from db.rules.officetime import office_time
from db.rules.payments import Payment as Paid
from db.rules.payments import net, paid_between
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
    query = (
        select(Promise.id, Promise.debtor_id, Promise.area, Promise.made_at, Promise.approved_by)
        .where(scope(Promise.debtor_id), Promise.cancelled_at.is_(None))
        .order_by(Promise.debtor_id, Promise.area, Promise.made_at, Promise.id)
    )
    rows = tx.execute(query, scope.values).all()
    if not rows:
        return
    lines, paid = _lines(tx, scope), _payments(tx, scope)
    for (debtor_id, area), mine in groupby(rows, key=lambda row: (row.debtor_id, row.area)):
        made = [
            rules.Promise(office_time(row.made_at).date(), tuple(lines[row.id]), approved=row.approved_by is not None)
            for row in mine
        ]
        binding = rules.in_force(made)
        if binding:
            yield {"of_debtor": debtor_id, "of_area": area, **_summed(binding, paid[debtor_id, area])}


def _summed(promise: rules.Promise, payments: Sequence[Paid]) -> dict[str, int]:
    covered = paid_between(payments, promise.made_on, date.max)
    so_far = accumulate(line.yen for line in promise.lines)
    opened = next((line for line, wanted in zip(promise.lines, so_far, strict=True) if wanted > covered), None)
    return {
        "promise_total": promise.total,
        "promise_paid": covered,
        "promise_open_due": opened.due.toordinal() if opened else 0,
    }


def _lines(tx: Connection, scope: Scope) -> defaultdict[uuid.UUID, list[rules.PromiseLine]]:
    query = (
        select(PromiseLine.promise_id, PromiseLine.due_on, PromiseLine.amount)
        .join(Promise, Promise.id == PromiseLine.promise_id)
        .where(scope(Promise.debtor_id))
        .order_by(PromiseLine.promise_id, PromiseLine.number)
    )
    found: defaultdict[uuid.UUID, list[rules.PromiseLine]] = defaultdict(list)
    for promise_id, due_on, amount in tx.execute(query, scope.values):
        found[promise_id].append(rules.PromiseLine(due_on, amount))
    return found


def _payments(tx: Connection, scope: Scope) -> defaultdict[tuple[int, Any], list[Paid]]:
    promised = select(Promise.debtor_id).where(scope(Promise.debtor_id))
    query = select(Payment.debtor_id, Payment.area, Payment.paid_on, Payment.amount).where(
        scope(Payment.debtor_id), Payment.debtor_id.in_(promised)
    )
    told: defaultdict[tuple[int, Any], list[tuple[date, int]]] = defaultdict(list)
    for debtor_id, area, paid_on, amount in tx.execute(query, scope.values):
        told[debtor_id, area].append((paid_on, amount))
    found: defaultdict[tuple[int, Any], list[Paid]] = defaultdict(list)
    found.update({case: net(amounts) for case, amounts in told.items()})
    return found
