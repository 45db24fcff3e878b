"""Who lives together: membership of households. Whoever a full file does not list belongs to none any more."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from db.schema.people import Debtor, Household
from db.usecases.imports.context import Context, Effect, StagedRow


def apply(tx: Connection, context: Context, rows: Sequence[StagedRow]) -> Effect:
    """Take one step of memberships."""
    effect = Effect()
    told = {row[2]: context.values(row) for row in rows}
    households = _households(tx, {one["household"] for one in told.values()})
    query = select(Debtor.id, Debtor.household_id, Debtor.household_role).where(Debtor.id.in_(told))
    known = {row.id: (row.household_id, row.household_role) for row in tx.execute(query)}
    changes = []
    for one, values in told.items():
        new = (households[values["household"]], values["role"])
        if known[one] == new:
            effect.unchanged += 1
        else:
            changes.append({"key": one, "household": new[0], "role": new[1]})
            effect.touched.add(one)
    if changes:
        joining = update(Debtor).where(Debtor.id == bindparam("key"))
        tx.execute(joining.values(household_id=bindparam("household"), household_role=bindparam("role")), changes)
    joined = sum(known[int(change["key"])][0] is None for change in changes)
    effect.added += joined
    effect.changed += len(changes) - joined
    return effect


def open_rows(tx: Connection, context: Context, after: int, limit: int) -> list[tuple[int, str]]:  # noqa: ARG001
    """People who belong to a household."""
    query = select(Debtor.id, Debtor.number).where(Debtor.id > after, Debtor.household_id.is_not(None))
    return [(row.id, row.number) for row in tx.execute(query.order_by(Debtor.id).limit(limit))]


def end_rows(tx: Connection, context: Context, ids: Collection[int]) -> Effect:  # noqa: ARG001
    """End memberships; the households stay."""
    leaving = update(Debtor).where(Debtor.id.in_(ids), Debtor.household_id.is_not(None))
    ended = tx.execute(leaving.values(household_id=None, household_role=None)).rowcount
    return Effect(changed=ended, touched=set(ids))


def _households(tx: Connection, numbers: Collection[str]) -> dict[str, int]:
    query = select(Household.number, Household.id).where(Household.number.in_(numbers))
    known: dict[str, int] = {row.number: row.id for row in tx.execute(query)}
    missing = sorted(set(numbers) - set(known))
    if missing:
        tx.execute(insert(Household), [{"number": number} for number in missing])
        known |= {row.number: row.id for row in tx.execute(query)}
    return known
