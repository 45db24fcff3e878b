"""As of when the data are, by kind and business area: what a case shows, and what contact is refused on when it is old."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select

from db.rules.eligibility import DEBT_AREAS
from db.rules.terms import Area, ImportKind
from db.schema.exchange import Freshness


def of_area(tx: Connection, area: Area) -> Mapping[ImportKind, datetime]:
    """The newest moment that each kind of data of an area stands for; kinds that were never imported are not there."""
    return {row.kind: row.as_of for row in tx.execute(_OF_AREA, {"area": area})}


_OF_AREA: Final = select(Freshness.kind, Freshness.as_of).where(Freshness.area == bindparam("area"))


def everything(tx: Connection) -> Mapping[tuple[ImportKind, Area], datetime]:
    """The same for all areas."""
    query = select(Freshness.kind, Freshness.area, Freshness.as_of)
    return {(row.kind, row.area): row.as_of for row in tx.execute(query)}


def of_areas(tx: Connection, areas: Collection[Area], otherwise: datetime) -> Mapping[ImportKind, datetime]:
    """The same over several areas of a person: of each kind the oldest, because a case is as old as its oldest part.

    `otherwise` stands for the payments of an area of debts for which they were never imported.
    """
    known = {area: dict(of_area(tx, area)) for area in areas}
    for area in known.keys() & DEBT_AREAS:
        known[area].setdefault(ImportKind.PAYMENTS, otherwise)
    kinds = {kind for fresh in known.values() for kind in fresh}
    return {kind: min(fresh[kind] for fresh in known.values() if kind in fresh) for kind in ImportKind if kind in kinds}


def payments_as_of(tx: Connection, area: Area) -> datetime | None:
    """As of when what came in in an area is known; None where payments were never imported."""
    return tx.execute(_PAYMENTS, {"area": area}).scalar_one_or_none()


_PAYMENTS: Final = select(Freshness.as_of).where(
    Freshness.area == bindparam("area"), Freshness.kind == ImportKind.PAYMENTS
)


def money_as_of(tx: Connection, area: Area, otherwise: datetime) -> datetime:
    """As of when what a person owes and paid in an area is known; `otherwise` where payments were never imported."""
    return payments_as_of(tx, area) or otherwise
