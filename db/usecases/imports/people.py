"""People and companies with their addresses. Whoever a full file does not list any more is closed, never deleted."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, bindparam, exists, insert, select, update

from db.reference.kana import fold_kana, fold_name
from db.rules.terms import AddressKind, PersonKind
from db.schema.people import Address, CaseFile, Debtor
from db.store.bulk import next_ids
from db.usecases.imports.context import Context, Effect, StagedRow

_OWN: Final = ("kind", "name", "kana", "birth_date", "language", "closed_on")
_PLACE: Final = ("postal_code", "town", "block", "building", "district")


def apply(tx: Connection, context: Context, rows: Sequence[StagedRow]) -> Effect:
    """Take one step of people."""
    effect = Effect()
    told = {row[1]: context.values(row) for row in rows}
    known = {row.number: row for row in tx.execute(select(Debtor).where(Debtor.number.in_(told)))}
    ids = _add(tx, context, {number: one for number, one in told.items() if number not in known}, effect)
    changes = [_change(known[number], one, context) for number, one in told.items() if number in known]
    changed = [change for change in changes if change]
    if changed:
        tx.execute(_UPDATE, changed)
    ids |= {number: row.id for number, row in known.items()}
    moved = _addresses(tx, context, {ids[number]: one for number, one in told.items()})
    altered = {int(change["b_id"]) for change in changed} | (moved & {row.id for row in known.values()})  # type: ignore[call-overload]
    effect.changed += len(altered)
    effect.unchanged += len(known) - len(altered)
    effect.touched |= altered | set(ids.values()) - {row.id for row in known.values()}
    _open_cases(tx, context, ids.values())
    return effect


def open_rows(tx: Connection, context: Context, after: int, limit: int) -> list[tuple[int, str]]:
    """People that a full file should hold: those with a case in its areas, or all if it names none."""
    query = select(Debtor.id, Debtor.number).where(Debtor.id > after, Debtor.closed_on.is_(None))
    if context.mapping.areas:
        case = exists().where(CaseFile.debtor_id == Debtor.id, CaseFile.area.in_(context.mapping.areas))
        query = query.where(case)
    return [(row.id, row.number) for row in tx.execute(query.order_by(Debtor.id).limit(limit))]


def end_rows(tx: Connection, context: Context, ids: Collection[int]) -> Effect:
    """Say of people that the core system does not list them any more."""
    closing = update(Debtor).where(Debtor.id.in_(ids), Debtor.closed_on.is_(None))
    return Effect(changed=tx.execute(closing.values(closed_on=context.day)).rowcount, touched=set(ids))


def _add(tx: Connection, context: Context, told: Mapping[str, Mapping[str, Any]], effect: Effect) -> dict[str, int]:
    table: Table = Debtor.__table__  # type: ignore[assignment]
    ids = dict(zip(told, next_ids(tx, table, len(told)), strict=True))
    if told:
        tx.execute(
            insert(Debtor),
            [
                {"id": ids[number], "number": number, "data_as_of": context.as_of, **_own(one)}
                for number, one in told.items()
            ],
        )
    effect.added += len(told)
    return ids


def _own(one: Mapping[str, Any]) -> dict[str, Any]:
    born = one["birth_date"]
    return {
        "kind": PersonKind(one["kind"] or PersonKind.PERSON),
        "name": one["name"],
        "kana": one["kana"] or "",
        "name_folded": fold_name(one["name"]),
        "kana_folded": fold_kana(one["kana"] or ""),
        "birth_date": date.fromisoformat(born) if born else None,
        "language": one["language"] or "ja",
        "closed_on": None,
    }


_UPDATE: Final = (
    update(Debtor)
    .where(Debtor.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in (*_OWN, "name_folded", "kana_folded", "data_as_of")})
)


def _change(known: Row[Any], one: Mapping[str, Any], context: Context) -> dict[str, object] | None:
    """What a mapping does not bring (kana, birth date, language) stays as the register has it."""
    columns = context.mapping.columns
    own = _own(one)
    kept = {"kind": "kind", "kana": "kana", "birth_date": "birth_date", "language": "language", "kana_folded": "kana"}
    own |= {name: getattr(known, name) for name, field in kept.items() if field not in columns}
    if all(getattr(known, name) == own[name] for name in _OWN):
        return None
    return {"b_id": known.id, "b_data_as_of": context.as_of, **{f"b_{name}": value for name, value in own.items()}}


def _addresses(tx: Connection, context: Context, told: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Bring addresses up to date: one that changed becomes the former one. Returns whose changed."""
    moved: set[int] = set()
    for kind, prefix in ((AddressKind.REGISTERED, ""), (AddressKind.MAILING, "mailing_")):
        if f"{prefix}town" not in context.mapping.columns:
            continue
        present = _present(tx, list(told), kind)
        new = [(one, _place(context, values, prefix, present.get(one))) for one, values in told.items()]
        changed = [(one, place) for one, place in new if place != _place_of(present.get(one))]
        old = [present[one].id for one, _ in changed if one in present]
        if old:
            ended = context.day - timedelta(days=1)
            former = {"valid_to": ended, "kind": AddressKind.FORMER}
            tx.execute(update(Address).where(Address.id.in_(old)).values(former))
        fresh = [{"debtor_id": one, "kind": kind, **place} for one, place in changed if place]
        if fresh:
            tx.execute(insert(Address), fresh)
        moved |= {one for one, _ in changed}
    return moved


def _present(tx: Connection, people: Sequence[int], kind: AddressKind) -> dict[int, Row[Any]]:
    query = select(Address).where(Address.debtor_id.in_(people), Address.kind == kind, Address.valid_to.is_(None))
    return {row.debtor_id: row for row in tx.execute(query.order_by(Address.id))}


def _place(context: Context, values: Mapping[str, Any], prefix: str, present: Row[Any] | None) -> dict[str, str] | None:
    """The address that a line tells; what the mapping does not bring stays as it is."""
    kept = _place_of(present) or dict.fromkeys(_PLACE, "")
    told = {name: values[f"{prefix}{name}"] or "" for name in _PLACE if f"{prefix}{name}" in context.mapping.columns}
    place = kept | told
    place["postal_code"] = place["postal_code"].replace("-", "")
    return place if place["town"] else None


def _place_of(row: Row[Any] | None) -> dict[str, str] | None:
    return {name: getattr(row, name) for name in _PLACE} if row is not None else None


def _open_cases(tx: Connection, context: Context, people: Collection[int]) -> None:
    """A file of people that names areas opens a case there for each of them."""
    for area in sorted(context.mapping.areas):
        query = select(CaseFile.debtor_id).where(CaseFile.debtor_id.in_(people), CaseFile.area == area)
        missing = set(people) - set(tx.execute(query).scalars())
        if missing:
            tx.execute(insert(CaseFile), [{"debtor_id": one, "area": area} for one in sorted(missing)])
