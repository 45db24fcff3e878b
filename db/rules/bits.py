"""Members of the field's enumerations as bits, so that a set of them is one whole number that a database can test.

A bit, once released, stays: members are only ever added at the end of these tables.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from db.rules.terms import AnsweredBy, Area, CaseState, Channel, FlagKind, PersonKind, PhoneKind, Term

LARGEST_SET: Final = 62
"""How many bits a set may have, so that it stays a positive 64-bit number on every database."""

YEARS: Final = 8
"""Fiscal years whose installment numbers are told apart; the ninth shares the place of the first."""
NUMBERS: Final = 14
"""Installment numbers (期別) that are told apart within a year; all others share a place."""
YEARS_OF_SET: Final = LARGEST_SET // (NUMBERS + 1)

T = TypeVar("T", bound=Term)


def _numbered(*members: T) -> Mapping[T, int]:
    return MappingProxyType({member: 1 << place for place, member in enumerate(members)})


AREAS: Final = _numbered(Area.TAX, Area.PUBLIC, Area.PRIVATE, Area.HEALTH, Area.SURVEY)
CHANNELS: Final = _numbered(
    Channel.CALL_OUT, Channel.CALL_IN, Channel.SMS, Channel.LETTER, Channel.VISIT, Channel.COUNTER
)
ANSWERED_BY: Final = _numbered(
    AnsweredBy.SELF,
    AnsweredBy.SPOUSE,
    AnsweredBy.FAMILY,
    AnsweredBy.THIRD_PARTY,
    AnsweredBy.UNKNOWN,
    AnsweredBy.NOBODY,
)
PHONE_KINDS: Final = _numbered(
    PhoneKind.MOBILE,
    PhoneKind.LANDLINE,
    PhoneKind.IP,
    PhoneKind.TOLL_FREE,
    PhoneKind.SHARED_COST,
    PhoneKind.FOREIGN,
    PhoneKind.OTHER,
)
PERSON_KINDS: Final = _numbered(PersonKind.PERSON, PersonKind.COMPANY)
FLAGS: Final = _numbered(
    FlagKind.PROTECTED,
    FlagKind.LAWYER,
    FlagKind.BANKRUPT,
    FlagKind.DECEASED,
    FlagKind.DEFERRED,
    FlagKind.SUSPENDED,
    FlagKind.WRITTEN_OFF,
    FlagKind.EXCLUDED,
    FlagKind.NO_CALLS,
    FlagKind.NO_SMS,
    FlagKind.INTERPRETER,
    FlagKind.CAUTION,
)
CASE_STATES: Final = _numbered(
    CaseState.PAID,
    CaseState.EXCLUDED,
    CaseState.BROKEN,
    CaseState.PROMISED,
    CaseState.NO_PROMISE,
    CaseState.NOT_CONTACTED,
)


def mask(table: Mapping[T, int], members: Iterable[T]) -> int:
    """The set of `members` as one number."""
    found = 0
    for member in members:
        found |= table[member]
    return found


def members(table: Mapping[T, int], found: int) -> tuple[T, ...]:
    """The members of the set that is the number `found`."""
    return tuple(member for member, bit in table.items() if found & bit)


def year_number(fiscal_year: int, number: int) -> tuple[int, int]:
    """The set (of `YEARS // YEARS_OF_SET`) and the bit of an installment number of a fiscal year."""
    place, year = divmod(fiscal_year % YEARS, YEARS_OF_SET)
    return place, 1 << year * (NUMBERS + 1) + (number if 1 <= number <= NUMBERS else 0)
