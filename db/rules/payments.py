"""What was paid and when: the value that late charges, promises and workflow states are computed from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Payment:
    """`yen` (positive) received `on` a day. Corrections are netted out before they reach the rules."""

    on: date
    yen: int

    def __post_init__(self) -> None:
        """Refuse amounts that are no payment."""
        if self.yen <= 0:
            raise ValueError(f"a payment is positive yen, not {self.yen}")


def paid_between(payments: Iterable[Payment], first: date, last: date) -> int:
    """Sum the yen paid from `first` through `last`."""
    return sum(payment.yen for payment in payments if first <= payment.on <= last)
