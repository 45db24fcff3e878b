"""What was paid, when, and for what: the value that late charges, promises and workflow states are computed from, and how
a payment is allocated. Principal goes before late charge.
"""

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payment goes to an installment, in yen; negative where a payment is taken back."""

    installment_id: int
    principal: int
    late_charge: int


@dataclass(frozen=True, slots=True)
class Payable:
    """An installment as a payment meets it, in yen: principal not yet paid by any payment known, late charge due that day,
    and what earlier payments brought of each (what can be taken back)."""

    installment_id: int
    principal: int
    late_charge: int = 0
    principal_paid: int = 0
    late_charge_paid: int = 0


def allocate(amount: int, stated_charge: int | None, lines: Sequence[Payable]) -> tuple[list[Share], int]:
    """Allocate `amount` yen to `lines` (the installment that was paid; or all, oldest due first), principal first.

    `stated_charge`: how much of it the core system took as late charge, where it says so; then that is followed. A
    negative amount takes back what was paid. Returns the shares and what is left over (過誤納).
    """
    if amount < 0:
        return _take_back(-amount, None if stated_charge is None else -stated_charge, lines)
    principal_money = amount if stated_charge is None else amount - stated_charge
    principals, left = _fill(principal_money, [line.principal for line in lines])
    if stated_charge is not None:
        charges = [stated_charge if number == 0 else 0 for number in range(len(lines))]
        left += 0 if lines else stated_charge
    else:
        charges, left = _fill(left, [line.late_charge for line in lines])
    return _shares(lines, principals, charges), left


def outstanding(principal: int, stated: int | None, stated_on: date | None, paid: Iterable[tuple[date, int]]) -> int:
    """What is still to pay of an installment's principal, in yen.

    `stated`: what the core system said was unpaid as of `stated_on`; payments reported later come off it. Without it, all
    payments come off the principal. `paid`: day reported and principal of each (negative where taken back).
    """
    if stated is None or stated_on is None:
        return max(0, principal - sum(yen for _, yen in paid))
    return max(0, stated - sum(yen for reported, yen in paid if reported > stated_on))


def net(payments: Iterable[tuple[date, int]]) -> list[Payment]:
    """Payments without those that were taken back: each negative amount comes off the latest ones before or on its day."""
    days: list[date] = []
    amounts: list[int] = []
    for on, yen in sorted(payments, key=lambda payment: payment[0]):
        if yen > 0:
            days.append(on)
            amounts.append(yen)
            continue
        taken, _ = _fill(-yen, amounts[::-1])
        amounts = [amount - back for amount, back in zip(amounts, taken[::-1], strict=True)]
    return [Payment(on, yen) for on, yen in zip(days, amounts, strict=True) if yen]


def _take_back(amount: int, stated_charge: int | None, lines: Sequence[Payable]) -> tuple[list[Share], int]:
    """Late charge goes first where nothing is said: it was the last to be paid."""
    if stated_charge is None:
        charges, left = _fill(amount, [line.late_charge_paid for line in reversed(lines)])
    else:
        charges, over = _fill(stated_charge, [line.late_charge_paid for line in reversed(lines)])
        left = amount - stated_charge + over
    principals, left = _fill(left, [line.principal_paid for line in reversed(lines)])
    taken = _shares(list(reversed(lines)), [-yen for yen in principals], [-yen for yen in charges])
    return taken[::-1], -left


def _fill(money: int, rooms: Sequence[int]) -> tuple[list[int], int]:
    filled = []
    for room in rooms:
        part = min(money, max(0, room))
        filled.append(part)
        money -= part
    return filled, money


def _shares(lines: Sequence[Payable], principals: Sequence[int], charges: Sequence[int]) -> list[Share]:
    each = zip(lines, principals, charges, strict=True)
    return [Share(line.installment_id, principal, charge) for line, principal, charge in each if principal or charge]
