"""As of when the data are, by kind and business area: what a case shows, and what contact is refused on when it is old."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from db.rules.terms import Area, ImportKind
from db.schema.exchange import Freshness


def of_area(tx: Connection, area: Area) -> Mapping[ImportKind, datetime]:
    """The newest moment that each kind of data of an area stands for; kinds that were never imported are not there."""
    query = select(Freshness.kind, Freshness.as_of).where(Freshness.area == area)
    return {row.kind: row.as_of for row in tx.execute(query)}


def everything(tx: Connection) -> Mapping[tuple[ImportKind, Area], datetime]:
    """The same for all areas."""
    query = select(Freshness.kind, Freshness.area, Freshness.as_of)
    return {(row.kind, row.area): row.as_of for row in tx.execute(query)}


def money_as_of(tx: Connection, area: Area, otherwise: datetime) -> datetime:
    """As of when what a person owes and paid in an area is known; `otherwise` where payments were never imported."""
    query = select(Freshness.as_of).where(Freshness.area == area, Freshness.kind == ImportKind.PAYMENTS)
    return tx.execute(query).scalar_one_or_none() or otherwise
