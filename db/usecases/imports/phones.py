"""Telephone numbers. What the office learned of a number (wrong person, refused) outlives every import of it."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from db.rules.imports.targets import SEPARATOR
from db.rules.terms import PhoneKind, PhoneOwner, PhoneStatus
from db.schema.people import Debtor, Phone
from db.usecases.imports.context import Context, Effect, StagedRow, owners


def apply(tx: Connection, context: Context, rows: Sequence[StagedRow]) -> Effect:
    """Take one step of numbers."""
    effect = Effect()
    query = select(Phone).where(Phone.debtor_id.in_({row[2] for row in rows}))
    known = {(row.debtor_id, row.number): row for row in tx.execute(query)}
    fresh, changes = [], []
    for row in rows:
        values = context.values(row)
        number, kind = str(values["phone"]).split("/")
        owner, rank = PhoneOwner(values["owner"] or PhoneOwner.SELF), values["rank"] or 1
        found = known.get((row[2], number))
        if found is None:
            fresh.append({
                "debtor_id": row[2], "number": number, "kind": PhoneKind(kind), "status": PhoneStatus.UNVERIFIED,
                "owner": owner, "rank": rank, "source": context.mapping.system,
            })  # fmt: skip
        else:
            back = found.status is PhoneStatus.WITHDRAWN
            status = PhoneStatus.UNVERIFIED if back else found.status
            new = {"key": found.id, "b_owner": owner, "b_rank": rank, "b_status": status}
            if (found.owner, found.rank, found.status) == (owner, rank, status):
                effect.unchanged += 1
            else:
                changes.append(new)
        effect.touched.add(row[2])
    if fresh:
        tx.execute(insert(Phone), fresh)
    if changes:
        statement = update(Phone).where(Phone.id == bindparam("key"))
        names = ("owner", "rank", "status")
        tx.execute(statement.values({name: bindparam(f"b_{name}") for name in names}), changes)
    effect.added += len(fresh)
    effect.changed += len(changes)
    return effect


def open_rows(tx: Connection, context: Context, after: int, limit: int) -> list[tuple[int, str]]:
    """Numbers that came from this system and are still listed."""
    query = (
        select(Phone.id, Debtor.number, Phone.number.label("phone"), Phone.kind)
        .join(Debtor, Debtor.id == Phone.debtor_id)
        .where(Phone.id > after, Phone.source == context.mapping.system, Phone.status != PhoneStatus.WITHDRAWN)
        .order_by(Phone.id)
        .limit(limit)
    )
    return [(row.id, f"{row.number}{SEPARATOR}{row.phone}/{row.kind}") for row in tx.execute(query)]


def end_rows(tx: Connection, context: Context, ids: Collection[int]) -> Effect:  # noqa: ARG001
    """Withdraw numbers: they stay on the record and are not dialled. What the office found out about one is kept."""
    usable = (PhoneStatus.USABLE, PhoneStatus.UNVERIFIED)
    withdrawing = update(Phone).where(Phone.id.in_(ids), Phone.status.in_(usable))
    ended = tx.execute(withdrawing.values(status=PhoneStatus.WITHDRAWN)).rowcount
    return Effect(changed=ended, touched=owners(tx, Phone, ids))
