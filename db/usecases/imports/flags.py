"""Circumstances of people. A full file ends those of the same origin that it does not list; the office's own stay."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from db.rules.imports.targets import SEPARATOR
from db.rules.terms import Area, FlagKind
from db.schema.people import Debtor, Flag
from db.usecases.imports.context import Context, Effect, StagedRow, owners


def apply(tx: Connection, context: Context, rows: Sequence[StagedRow]) -> Effect:
    """Take one step of flags."""
    effect = Effect()
    query = select(Flag).where(Flag.debtor_id.in_({row[2] for row in rows}), Flag.source == context.mapping.system)
    known = {(row.debtor_id, row.kind, row.area, row.valid_from): row for row in tx.execute(query)}
    fresh, changes = [], []
    for row in rows:
        values = context.values(row)
        area = Area(values["area"]) if values["area"] else None
        kind, begins, ends = FlagKind(values["flag"]), _day(values["valid_from"]), _day(values["valid_to"])
        found = known.get((row[2], kind, area, begins))
        note = values["note"] or ""
        effect.touched.add(row[2])
        if found is None:
            fresh.append({
                "debtor_id": row[2], "area": area, "kind": kind, "valid_from": begins, "valid_to": ends, "note": note,
                "source": context.mapping.system,
            })  # fmt: skip
        elif (found.valid_to, found.note) == (ends, note):
            effect.unchanged += 1
        else:
            changes.append({"key": found.id, "b_to": ends, "b_note": note})
    if fresh:
        tx.execute(insert(Flag), fresh)
    if changes:
        statement = update(Flag).where(Flag.id == bindparam("key"))
        tx.execute(statement.values(valid_to=bindparam("b_to"), note=bindparam("b_note")), changes)
    effect.added += len(fresh)
    effect.changed += len(changes)
    return effect


def open_rows(tx: Connection, context: Context, after: int, limit: int) -> list[tuple[int, str]]:
    """Flags that came from this system and have not ended."""
    query = (
        select(Flag.id, Debtor.number, Flag.kind, Flag.area, Flag.valid_from)
        .join(Debtor, Debtor.id == Flag.debtor_id)
        .where(Flag.id > after, Flag.source == context.mapping.system)
        .where(or_(Flag.valid_to.is_(None), Flag.valid_to >= context.day))
        .order_by(Flag.id)
        .limit(limit)
    )
    return [(row.id, SEPARATOR.join(_text(value) for value in row[1:])) for row in tx.execute(query)]


def end_rows(tx: Connection, context: Context, ids: Collection[int]) -> Effect:
    """Let flags end on the day before."""
    ending = update(Flag).where(Flag.id.in_(ids), or_(Flag.valid_to.is_(None), Flag.valid_to >= context.day))
    ended = tx.execute(ending.values(valid_to=context.day - timedelta(days=1))).rowcount
    return Effect(changed=ended, touched=owners(tx, Flag, ids))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(value: Any) -> str:
    return "" if value is None else str(value)
