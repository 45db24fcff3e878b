"""The one way to write which row a line is about: what a payment names, and what makes a second line the same line."""

from collections.abc import Sequence
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


def line_key(kind: ImportKind, values: Sequence[object]) -> str:
    """What names a line of a kind; `values` in the order of the kind's fields."""
    if kind is ImportKind.ASSESSMENTS:
        _, item, year, notice, number, *_ = values
        return f"{item}/{year}/{notice}/{number}"
    if kind is ImportKind.PAYMENTS:
        _, reference, item, year, notice, number, paid_on, _, amount, *_ = values
        return str(reference) if reference else f"{item}/{year}/{notice}/{number}/{paid_on}/{amount}"
    of_kind = KINDS[kind]
    parts = [values[of_kind.position(name)] for name in of_kind.key]
    return SEPARATOR.join("" if part is None else str(part) for part in parts)
