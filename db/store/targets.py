"""Lists of targets (対象者名簿): the cases on one, as far as the viewer's areas go."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, select

from db.rules import bits
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.extraction import Target
from db.schema.people import Debtor
from db.schema.summaries import CaseSummary
from db.store.extraction import visible


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case on a list as it stands now. `principal` in yen."""

    debtor_id: int
    area: Area
    number: str
    name: str
    kana: str
    principal: int


def fill(tx: Connection, viewer: Viewer, list_id: uuid.UUID, condition: ColumnElement[bool]) -> None:
    """Put all cases that the viewer may search and that come under a condition onto a list."""
    found = select(
        literal(list_id, Target.list_id.type), CaseSummary.debtor_id, CaseSummary.area, CaseSummary.principal
    ).where(condition, visible(viewer))
    tx.execute(insert(Target).from_select(["list_id", "debtor_id", "area", "principal"], found))


def totals(tx: Connection, list_id: uuid.UUID) -> tuple[int, int, int]:
    """Cases, people, and principal in yen, of a list that was just filled."""
    query = select(
        func.count(), func.count(Target.debtor_id.distinct()), func.coalesce(func.sum(Target.principal), 0)
    ).where(Target.list_id == list_id)
    cases, people, principal = tx.execute(query).one()
    return cases, people, int(principal)


def areas(tx: Connection, list_id: uuid.UUID) -> int:
    """The business areas of a list's cases, as a set of `db.rules.bits.AREAS`."""
    found = tx.execute(select(Target.area).where(Target.list_id == list_id).distinct()).scalars()
    return bits.mask(bits.AREAS, found)


def members(tx: Connection, viewer: Viewer, list_id: uuid.UUID) -> list[tuple[int, Area]]:
    """Who is on a list, person and area, in the order of ids; only cases of the viewer's areas."""
    query = (
        select(Target.debtor_id, Target.area)
        .where(Target.list_id == list_id, Target.area.in_(viewer.areas()))
        .order_by(Target.debtor_id, Target.area)
    )
    return [(row.debtor_id, row.area) for row in tx.execute(query)]


def page(tx: Connection, viewer: Viewer, list_id: uuid.UUID, size: int, after: int) -> Sequence[tuple[int, int]]:
    """`size` cases after a case's id, and one more if there is one: (case, principal when the list was fixed)."""
    areas = viewer.areas(Right.DEBTOR_VIEW) & viewer.areas(Right.ARREARS_VIEW)
    query = (
        select(CaseSummary.case_id, Target.principal)
        .join(Target, and_(Target.debtor_id == CaseSummary.debtor_id, Target.area == CaseSummary.area))
        .where(Target.list_id == list_id, Target.area.in_(areas), CaseSummary.case_id > after)
        .order_by(CaseSummary.case_id)
        .limit(size + 1)
    )
    return [(row[0], row[1]) for row in tx.execute(query)]


def portion(
    tx: Connection, viewer: Viewer, list_id: uuid.UUID, size: int, after: int
) -> tuple[list[ListedCase], int | None]:
    """Some `size` cases after a person's id, all of a person's together, and where the next begin (None: that was all).

    Cases that are no more, or not the viewer's, are left out.
    """
    query = (
        select(Target.debtor_id, Target.area)
        .where(Target.list_id == list_id, Target.area.in_(viewer.areas()), Target.debtor_id > after)
        .order_by(Target.debtor_id, Target.area)
        .limit(size + len(Area))
    )
    keys = [(row.debtor_id, row.area) for row in tx.execute(query)]
    more = len(keys) == size + len(Area)
    if more:  # the last person may have further cases, and is left to the next portion
        keys = [key for key in keys if key[0] != keys[-1][0]]
    found = (
        select(CaseSummary.area, CaseSummary.principal, Debtor.id, Debtor.number, Debtor.name, Debtor.kana)
        .join(Debtor, Debtor.id == CaseSummary.debtor_id)
        .where(CaseSummary.debtor_id.in_({key[0] for key in keys}), visible(viewer))
    )
    cases = {
        (row.id, row.area): ListedCase(row.id, row.area, row.number, row.name, row.kana, row.principal)
        for row in tx.execute(found)
    }
    return [cases[key] for key in keys if key in cases], keys[-1][0] if more else None
