"""What a list of cases shows of each: from the summary, with the names and texts that its numbers stand for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from db.rules import bits
from db.rules.condition_words import Words
from db.rules.conditions import PromiseStanding
from db.rules.terms import Area, Channel, FlagKind, PersonKind, PhoneKind, Right
from db.rules.viewer import Viewer
from db.schema.claims import TaxItem
from db.schema.contacts import Disposition
from db.schema.people import Debtor, Flag
from db.schema.staff import Staff, StaffGroup
from db.schema.summaries import CaseSummary
from db.store import summary_codes
from db.store.extraction import visible


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of a list. Yen. `district` is None where none may show (支援措置) or none is known.

    `masked`: the viewer is on a call with the person, who has not proved who they are: amounts and reasons are left out.
    """

    case_id: int
    debtor_id: int
    number: str
    name: str
    kana: str
    kind: PersonKind
    area: Area
    principal: int | None
    oldest_due: date | None
    open_count: int | None
    district: str | None
    promise: PromiseStanding | None
    last_at: datetime | None
    last_channel: Channel | None
    last_disposition: str | None
    phones: Sequence[PhoneKind]
    flags: Sequence[FlagKind]
    masked: bool = False


def words(tx: Connection, viewer: Viewer) -> Words:
    """What the office calls things, as far as the viewer's areas go."""
    areas = viewer.areas(Right.ARREARS_VIEW)
    items = tx.execute(
        select(TaxItem.code, TaxItem.name, TaxItem.area).where(TaxItem.area.in_(areas)).order_by(TaxItem.rank)
    ).all()
    dispositions = tx.execute(select(Disposition.code, Disposition.name).order_by(Disposition.rank))
    staff = tx.execute(select(Staff.id, Staff.name).where(Staff.disabled_at.is_(None)).order_by(Staff.name))
    groups = tx.execute(select(StaffGroup.id, StaffGroup.name).order_by(StaffGroup.name))
    return Words(
        items={row.code: row.name for row in items},
        item_areas={row.code: row.area for row in items},
        districts=sorted(summary_codes.numbers(tx, summary_codes.DISTRICT)),
        languages=sorted(summary_codes.numbers(tx, summary_codes.LANGUAGE), key=lambda code: (code != "ja", code)),
        dispositions={row.code: row.name for row in dispositions},
        letter_kinds=sorted(summary_codes.numbers(tx, summary_codes.LETTER)),
        staff={row.id: row.name for row in staff},
        groups={row.id: row.name for row in groups},
    )


def rows(
    tx: Connection, viewer: Viewer, case_ids: Sequence[int], known: Words, today: date, last_due_over: date
) -> list[CaseRow]:
    """The cases of a page in the order of their ids given; those that are gone or not the viewer's are left out."""
    query = (
        select(CaseSummary, Debtor.number, Debtor.name, Debtor.kana, Debtor.kind.label("person_kind"))
        .join(Debtor, Debtor.id == CaseSummary.debtor_id)
        .where(CaseSummary.case_id.in_(case_ids), visible(viewer))
    )
    found = {row.case_id: row for row in tx.execute(query)}
    texts = _Texts(
        {number: code for code, number in summary_codes.numbers(tx, summary_codes.DISTRICT).items()},
        {
            number: known.dispositions.get(code, code)
            for code, number in summary_codes.numbers(tx, summary_codes.DISPOSITION).items()
        },
        _protected(tx, {row.debtor_id for row in found.values()}, today),
        last_due_over.toordinal(),
    )
    return [texts.row(found[case_id]) for case_id in case_ids if case_id in found]


def masked(row: CaseRow) -> CaseRow:
    """The row of somebody who is on the line and has not proved who they are: no amounts, reasons or places."""
    return replace(
        row, principal=None, oldest_due=None, open_count=None, district=None, promise=None, last_disposition=None,
        flags=(), masked=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Texts:
    """What numbers of a summary stand for, and who is protected."""

    districts: Mapping[int, str]
    results: Mapping[int, str]
    protected: frozenset[int]
    over: int

    def row(self, row: Any) -> CaseRow:
        return CaseRow(
            case_id=row.case_id,
            debtor_id=row.debtor_id,
            number=row.number,
            name=row.name,
            kana=row.kana,
            kind=row.person_kind,
            area=row.area,
            principal=row.principal,
            oldest_due=date.fromordinal(row.oldest_due) if row.oldest_due else None,
            open_count=row.open_count,
            district=None if row.debtor_id in self.protected else self.districts.get(row.district),
            promise=_standing(row, self.over),
            last_at=datetime.fromtimestamp(row.last_at, UTC) if row.last_at else None,
            last_channel=next(iter(bits.members(bits.CHANNELS, row.last_channel)), None),
            last_disposition=self.results.get(row.last_disposition),
            phones=bits.members(bits.PHONE_KINDS, row.phones),
            flags=bits.members(bits.FLAGS, row.flags),
        )


def _standing(row: Any, over: int) -> PromiseStanding:
    if not row.promise_total:
        return PromiseStanding.NONE
    if not row.promise_open_due:
        return PromiseStanding.KEPT
    if row.promise_open_due <= over:
        return PromiseStanding.BROKEN
    return PromiseStanding.PARTLY if row.promise_paid else PromiseStanding.PENDING


def _protected(tx: Connection, debtor_ids: Collection[int], today: date) -> frozenset[int]:
    """Whose flag 支援措置 is in force or to come, asked of the flags themselves: nobody's address hangs on a summary."""
    return frozenset(
        tx.execute(
            select(Flag.debtor_id).where(
                Flag.debtor_id.in_(debtor_ids),
                Flag.kind == FlagKind.PROTECTED,
                or_(Flag.valid_to.is_(None), Flag.valid_to >= today),
            )
        ).scalars()
    )
