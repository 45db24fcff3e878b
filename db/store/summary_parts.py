"""What a case's summary is made of, as one SELECT: a part a subject, joined to the cases of some people.

Every part names its people by itself (`Scope`), so that the database reads only theirs, whichever index serves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.rules import bits
from db.rules.officetime import JST
from db.rules.terms import AddressKind, Channel, FlagKind, PhoneStatus
from db.rules.workflow import ENTITLED
from db.schema.claims import Assessment, Installment
from db.schema.contacts import Contact, Dispatch
from db.schema.people import Address, CaseFile, Debtor, Flag, Phone
from db.schema.summaries import SummaryCode, SummaryLot
from db.schema.work import Assignment
from db.store.many import among
from db.store.moments import bit, day_number, epoch_seconds

LOT_COLUMNS: Final = 3
"""How many `lots_` columns there are."""
YEAR_COLUMNS: Final = bits.YEARS // bits.YEARS_OF_SET
"""How many `year_numbers_` columns there are."""

_JST_SECONDS: Final = int(JST.utcoffset(None).total_seconds())
_HOUR, _DAY = 3_600, 86_400
_THURSDAY: Final = 4  # 1 January 1970, counted from Sunday
_NUMBERS: Final = 60
_USABLE: Final = (PhoneStatus.USABLE, PhoneStatus.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class Scope:
    """Some people, as a condition on any column that holds their ids; `values` are bound at execution, so that a statement
    is made and compiled once for all scopes of a kind."""

    ranged: bool
    values: Mapping[str, Any] = field(hash=False, compare=False)

    def __call__(self, column: InstrumentedAttribute[int]) -> ColumnElement[bool]:
        """The condition on `column`."""
        if self.ranged:
            return column.between(bindparam("first_id", type_=BigInteger()), bindparam("last_id", type_=BigInteger()))
        return among(column, "some_ids")

    @classmethod
    def of(cls, ids: Collection[int]) -> "Scope":
        """These people."""
        return cls(False, {"some_ids": list(ids)})

    @classmethod
    def between(cls, first: int, last: int) -> "Scope":
        """People with ids from `first` to `last`."""
        return cls(True, {"first_id": first, "last_id": last})


TODAY: Final = bindparam("on_day", type_=Date())
"""The day as of which a summary stands, bound at execution."""


def rows(scope: Scope) -> Select[*tuple[Any, ...]]:
    """A row a case, with the columns of `COLUMNS` in their order."""
    parts = {
        "money": _money(scope),
        "contact": _contacts(scope),
        "letter": _letters(scope),
        "flag": _flags(scope),
        "phone": _phones(scope),
        "place": _districts(scope),
        "assigned": _assigned(scope),
    }
    words = aliased(SummaryCode)
    columns = _columns(parts, words)
    query = select(*(columns[name].label(name) for name in COLUMNS)).join(Debtor, Debtor.id == CaseFile.debtor_id)
    for part in parts.values():
        same = [part.c[name] == getattr(CaseFile, name) for name in ("debtor_id", "area") if name in part.c]
        query = query.outerjoin(part, and_(*same))
    query = query.outerjoin(words, and_(words.family == "language", words.code == Debtor.language))
    return query.where(scope(CaseFile.debtor_id), scope(Debtor.id))


def contact_rows(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Only what contacts say: a row for each case that has any, with its `CONTACT_COLUMNS`."""
    part = _contacts(scope)
    return select(part.c.debtor_id, part.c.area, *(_or_0(part.c[name]).label(name) for name in CONTACT_COLUMNS))


def _columns(parts: Mapping[str, Subquery], words: type[SummaryCode]) -> dict[str, Any]:
    money, contact, letter = parts["money"].c, parts["contact"].c, parts["letter"].c
    flags = func.coalesce(parts["flag"].c.flags, 0)
    protected = flags.bitwise_and(bits.FLAGS[FlagKind.PROTECTED]) != 0
    principal = _or_0(money.principal)
    return {
        "case_id": CaseFile.id,
        "debtor_id": CaseFile.debtor_id,
        "area": CaseFile.area,
        "area_bit": _bits_of(bits.AREAS, CaseFile.area),
        "principal": principal,
        "oldest_due": _or_0(money.oldest_due),
        "open_count": _or_0(money.open_count),
        "numbers": _or_0(money.numbers),
        **{f"lots_{n}": _or_0(money[f"lots_{n}"]) for n in range(LOT_COLUMNS)},
        **{f"year_numbers_{n}": _or_0(money[f"year_numbers_{n}"]) for n in range(YEAR_COLUMNS)},
        "district": case((protected, 0), else_=_or_0(parts["place"].c.district)),
        "flags": flags,
        "phones": _or_0(parts["phone"].c.phones),
        **{name: _or_0(contact[name]) for name in CONTACT_COLUMNS},
        "letters": _or_0(letter.letters),
        "letter_kinds": _or_0(letter.letter_kinds),
        "last_letter": _or_0(letter.last_letter),
        "last_returned": _or_0(letter.last_returned),
        "birth": func.coalesce(day_number(Debtor.birth_date), 0),
        "language": _or_0(words.number),
        "kind": _bits_of(bits.PERSON_KINDS, Debtor.kind),
        "assigned_user": _or_0(parts["assigned"].c.user_id),
        "assigned_group": _or_0(parts["assigned"].c.group_id),
        "household_cases": case((principal > 0, 1), else_=0),
        "household_principal": principal,
        "household_id": case((protected, 0), else_=_or_0(Debtor.household_id)),
    }


CONTACT_COLUMNS: Final = (
    "last_at", "last_channel", "last_answered_by", "last_disposition", "reached", "reached_hours",
)  # fmt: skip
"""Those that only contacts change."""

COLUMNS: Final = (
    "case_id", "debtor_id", "area", "area_bit", "principal", "oldest_due", "open_count", "numbers",
    *(f"lots_{n}" for n in range(LOT_COLUMNS)), *(f"year_numbers_{n}" for n in range(YEAR_COLUMNS)),
    "district", "flags", "phones", *CONTACT_COLUMNS, "letters", "letter_kinds", "last_letter", "last_returned", "birth",
    "language", "kind",
    "assigned_user", "assigned_group", "household_cases", "household_principal", "household_id",
)  # fmt: skip
"""The columns that a refresh writes; those of promises follow."""


# -- parts: each has debtor_id, and area where it differs by area


def _money(scope: Scope) -> Subquery:
    lots = {
        f"lots_{n}": _union(
            case(
                (
                    SummaryLot.number.between(n * bits.LARGEST_SET, (n + 1) * bits.LARGEST_SET - 1),
                    bit(SummaryLot.number - n * bits.LARGEST_SET),
                ),
                else_=0,
            )
        )
        for n in range(LOT_COLUMNS)
    }
    place, number = _year_number(Assessment.fiscal_year, Installment.number)
    year_numbers = {f"year_numbers_{n}": _union(case((place == n, bit(number)), else_=0)) for n in range(YEAR_COLUMNS)}
    same_lot = and_(
        SummaryLot.area == Assessment.area,
        SummaryLot.item_code == Assessment.item_code,
        SummaryLot.fiscal_year == Assessment.fiscal_year,
    )
    return (
        select(
            Installment.debtor_id,
            Installment.area,
            cast(func.sum(Installment.outstanding), BigInteger).label("principal"),
            func.min(day_number(Installment.due_on)).label("oldest_due"),
            func.count().label("open_count"),
            _union(case((Installment.number.between(0, _NUMBERS), bit(Installment.number)), else_=0)).label("numbers"),
            *(column.label(name) for name, column in (lots | year_numbers).items()),
        )
        .join(Assessment, Assessment.id == Installment.assessment_id)
        .outerjoin(SummaryLot, same_lot)
        .where(scope(Installment.debtor_id), Installment.outstanding > 0, Installment.due_on < TODAY)
        .group_by(Installment.debtor_id, Installment.area)
        .subquery("money")
    )


def _year_number(fiscal_year: Any, number: Any) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """`bits.year_number` on columns: the set, and the place of the bit."""
    year = fiscal_year % bits.YEARS
    told = case((number.between(1, bits.NUMBERS), number), else_=0)
    return year // bits.YEARS_OF_SET, year % bits.YEARS_OF_SET * (bits.NUMBERS + 1) + told


def _uncorrected() -> ColumnElement[bool]:
    newer = aliased(Contact)
    return ~exists().where(newer.corrects_id == Contact.id).correlate(Contact)


def _contacts(scope: Scope) -> Subquery:
    """The newest contact and all of them, in one pass."""
    place = func.row_number().over(
        partition_by=(Contact.debtor_id, Contact.area),
        order_by=(Contact.at.desc(), Contact.recorded_at.desc(), Contact.id.desc()),
    )
    newer = aliased(Contact)
    each = (
        select(
            Contact.debtor_id,
            Contact.area,
            epoch_seconds(Contact.at).label("seconds"),
            Contact.channel,
            Contact.answered_by,
            Contact.disposition,
            place.label("place"),
        )
        .where(scope(Contact.debtor_id), ~exists().where(newer.corrects_id == Contact.id).correlate(Contact))
        .subquery("each_contact")
    ).c
    local = each.seconds + _JST_SECONDS
    weekday = (local // _DAY + _THURSDAY) % 7
    hour = local // _HOUR % 24 + case((weekday.in_((0, 6)), 24), else_=0)
    entitled = each.answered_by.in_(ENTITLED)
    words = aliased(SummaryCode)
    return (
        select(
            each.debtor_id,
            each.area,
            _of_first(each.place, each.seconds).label("last_at"),
            _of_first(each.place, _bits_of(bits.CHANNELS, each.channel)).label("last_channel"),
            _of_first(each.place, _bits_of(bits.ANSWERED_BY, each.answered_by)).label("last_answered_by"),
            _of_first(each.place, words.number).label("last_disposition"),
            func.max(case((entitled, 1), else_=0)).label("reached"),
            _union(case((and_(each.channel == Channel.CALL_OUT, entitled), bit(hour)), else_=0)).label("reached_hours"),
        )
        .outerjoin(words, and_(words.family == "disposition", words.code == each.disposition))
        .group_by(each.debtor_id, each.area)
        .subquery("contact_part")
    )


def _letters(scope: Scope) -> Subquery:
    place = func.row_number().over(
        partition_by=(Dispatch.debtor_id, Dispatch.area), order_by=(Dispatch.sent_on.desc(), Dispatch.id.desc())
    )
    each = (
        select(
            Dispatch.debtor_id,
            Dispatch.area,
            Dispatch.kind,
            day_number(Dispatch.sent_on).label("sent"),
            case((Dispatch.returned_on.is_not(None), 1), else_=0).label("returned"),
            place.label("place"),
        )
        .where(scope(Dispatch.debtor_id))
        .subquery("each_letter")
    ).c
    words = aliased(SummaryCode)
    kind = case((words.number < bits.LARGEST_SET, bit(words.number)), else_=0)
    return (
        select(
            each.debtor_id,
            each.area,
            func.count().label("letters"),
            _union(kind).label("letter_kinds"),
            _of_first(each.place, each.sent).label("last_letter"),
            _of_first(each.place, each.returned).label("last_returned"),
        )
        .outerjoin(words, and_(words.family == "letter", words.code == each.kind))
        .group_by(each.debtor_id, each.area)
        .subquery("letter_part")
    )


def _flags(scope: Scope) -> Subquery:
    holding = aliased(CaseFile)
    return (
        select(Flag.debtor_id, holding.area, _union(_bits_of(bits.FLAGS, Flag.kind)).label("flags"))
        .join(holding, and_(holding.debtor_id == Flag.debtor_id, or_(Flag.area.is_(None), Flag.area == holding.area)))
        .where(
            scope(Flag.debtor_id),
            or_(Flag.valid_from.is_(None), Flag.valid_from <= TODAY),
            or_(Flag.valid_to.is_(None), Flag.valid_to >= TODAY),
        )
        .group_by(Flag.debtor_id, holding.area)
        .subquery("flag_part")
    )


def _phones(scope: Scope) -> Subquery:
    return (
        select(Phone.debtor_id, _union(_bits_of(bits.PHONE_KINDS, Phone.kind)).label("phones"))
        .where(scope(Phone.debtor_id), Phone.status.in_(_USABLE))
        .group_by(Phone.debtor_id)
        .subquery("phone_part")
    )


def _districts(scope: Scope) -> Subquery:
    """The district of the registered address (住民登録地) that holds today; the newest, should there be two."""
    words = aliased(SummaryCode)
    place = func.row_number().over(partition_by=Address.debtor_id, order_by=Address.id.desc())
    each = (
        select(Address.debtor_id, Address.district, place.label("place"))
        .where(
            scope(Address.debtor_id),
            Address.kind == AddressKind.REGISTERED,
            or_(Address.valid_to.is_(None), Address.valid_to >= TODAY),
        )
        .subquery("each_address")
    ).c
    return (
        select(each.debtor_id, _of_first(each.place, words.number).label("district"))
        .join(words, and_(words.family == "district", words.code == each.district))
        .group_by(each.debtor_id)
        .subquery("place_part")
    )


def _assigned(scope: Scope) -> Subquery:
    return (
        select(
            Assignment.debtor_id,
            Assignment.area,
            func.max(Assignment.user_id).label("user_id"),
            func.max(Assignment.group_id).label("group_id"),
        )
        .where(scope(Assignment.debtor_id), Assignment.ended_at.is_(None))
        .group_by(Assignment.debtor_id, Assignment.area)
        .subquery("assigned_part")
    )


# -- words of the above


def _or_0(column: Any) -> ColumnElement[Any]:
    return func.coalesce(column, 0)


def _of_first(place: ColumnElement[int], column: Any) -> ColumnElement[Any]:
    """Of a group, the value in the row whose place is 1."""
    return func.max(case((place == 1, column)))


def _union(column: ColumnElement[int]) -> ColumnElement[int]:
    """The union of sets of one bit each: SQLite has no bitwise aggregate, but the sum of different bits is their union."""
    return cast(func.sum(column.distinct()), BigInteger)


def _bits_of(table: Mapping[Any, int], column: Any) -> ColumnElement[int]:
    return case(*((column == member, bit_of) for member, bit_of in table.items()), else_=0)
