"""The one way to write which row a line is about: what a payment names, and what makes a second line the same line."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from db.rules.imports.fields import KINDS
from db.rules.terms import ImportKind

SEPARATOR: Final = "\x1f"


def target(item: str, fiscal_year: int, notice_number: str, number: int) -> str:
    """Item, year, notice number and number of an installment as one key."""
    return f"{item}/{fiscal_year}/{notice_number}/{number}"


def payment_reference(name: str, paid_on: str, amount: int) -> str:
    """What names a payment that the core system gives no number: its installment, day and amount."""
    return f"{name}/{paid_on}/{amount}"


@cache
def key_of(kind: ImportKind) -> Callable[[Sequence[object]], str]:
    """What names a line of a kind, by its values in the order of the kind's fields."""
    if kind is ImportKind.ASSESSMENTS:
        return _assessment
    if kind is ImportKind.PAYMENTS:
        return _payment
    of_kind = KINDS[kind]
    places = [of_kind.position(name) for name in of_kind.key]
    return lambda values: SEPARATOR.join("" if values[at] is None else str(values[at]) for at in places)


def _assessment(values: Sequence[object]) -> str:
    return f"{values[1]}/{values[2]}/{values[3]}/{values[4]}"


def _payment(values: Sequence[object]) -> str:
    _, reference, item, year, notice, number, paid_on, _, amount, *_ = values
    return str(reference) if reference else f"{item}/{year}/{notice}/{number}/{paid_on}/{amount}"
