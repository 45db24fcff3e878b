"""Payment promises (納付約束・分納): how one is split into lines, which one counts, and whether payments have kept it.

The rule of fulfilment: what a person paid from the day of the promise on fills its lines in the order of their dates,
whatever it was paid for. A line is kept once it is full, even late; it is broken when its deadline (the date moved off
closed days, and the grace days after it) is past and it is not full.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, pairwise

from db.rules.duedates import IsClosed, open_day_from
from db.rules.months import same_day_of_month
from db.rules.payments import Payment, paid_between
from db.rules.terms import Term

_MOST_INSTALLMENTS = 120


class PromiseOutcome(Term):
    """How a promise stands on a day, judged from payments."""

    PENDING = "pending", "履行待ち"
    PARTLY = "partly", "一部履行"
    KEPT = "kept", "履行済み"
    BROKEN = "broken", "不履行"


class Footing(Term):
    """Where a promise stands among the others of the same person and area."""

    IN_FORCE = "in_force", "有効"
    OFFERED = "offered", "申出（承認待ち）"
    REPLACED = "replaced", "変更前"
    CANCELLED = "cancelled", "取消"


class PromiseError(ValueError):
    """A promise that cannot be written down.

    `code` is no_amount, too_many, no_lines or order; the message is Japanese, for the screen.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the stable `code` beside the sentence."""
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """`yen` promised by the end of `due`."""

    due: date
    yen: int

    def __post_init__(self) -> None:
        """Refuse a line about nothing."""
        if self.yen <= 0:
            raise PromiseError("no_amount", "約束金額は1円以上で入力してください。")


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise made on a day: its lines in order of their due dates.

    `approved`: somebody who may decide on instalments (分納) agreed to it; `cancelled`: the office took it back.
    """

    made_on: date
    lines: tuple[PromiseLine, ...]
    approved: bool = True
    cancelled: bool = False

    def __post_init__(self) -> None:
        """Refuse a promise without lines or with lines out of order."""
        if not self.lines:
            raise PromiseError("no_lines", "納付約束には納付予定日と金額が必要です。")
        if any(later.due <= earlier.due for earlier, later in pairwise(self.lines)):
            raise PromiseError("order", "納付予定日は早い順に、重ならないように入力してください。")

    @property
    def total(self) -> int:
        """Sum its lines, in yen."""
        return sum(line.yen for line in self.lines)

    @property
    def needs_decision(self) -> bool:
        """Whether it takes an officer: instalments do (公権力の行使), paying all on one day does not."""
        return len(self.lines) > 1

    @property
    def counts(self) -> bool:
        """Whether it binds: not cancelled, and decided where that is needed. Until then it is an offer."""
        return not self.cancelled and (self.approved or not self.needs_decision)


@dataclass(frozen=True, slots=True)
class LineStatus:
    """How one line stands: `deadline` is the last day to pay it, `paid` the yen that filled it, `kept_on` when it was full."""

    line: PromiseLine
    deadline: date
    paid: int
    kept_on: date | None
    outcome: PromiseOutcome

    @property
    def late(self) -> bool:
        """Whether it was kept, but after its deadline."""
        return self.kept_on is not None and self.kept_on > self.deadline


@dataclass(frozen=True, slots=True)
class PromiseStatus:
    """How a promise stands.

    `due_so_far` is what lines past their deadline ask for, `paid_so_far` what came in since the promise, `next_due`
    the day (moved off closed days) of the first line that is not covered yet, None once all are.
    """

    outcome: PromiseOutcome
    due_so_far: int
    paid_so_far: int
    next_due: date | None

    @property
    def missing(self) -> int:
        """Return the yen by which payments fall short of what was due so far."""
        return max(self.due_so_far - self.paid_so_far, 0)


def split_installments(
    total: int, count: int, first_due: date, is_closed: IsClosed | None = None, unit: int = 1
) -> tuple[PromiseLine, ...]:
    """Split `total` yen into `count` equal monthly lines, each cut to `unit` yen; the last one takes the remainder.

    Lines fall on the day of `first_due` in each month, on its last day where a month lacks it (民法143条2項), and move
    to the next open day. Raises `PromiseError` when there is not a unit for every line.
    """
    if not 1 <= count <= _MOST_INSTALLMENTS:
        raise PromiseError("too_many", f"分割回数は1回から{_MOST_INSTALLMENTS}回までにしてください。")
    each = total // count // unit * unit
    if each < 1:
        raise PromiseError("no_amount", f"{total:,}円は{count}回に分けられません。回数を減らしてください。")
    days = [same_day_of_month(first_due, months) for months in range(count)]
    dues = [open_day_from(day, is_closed) if is_closed else day for day in days]
    amounts = [each] * (count - 1) + [total - each * (count - 1)]
    return tuple(PromiseLine(due, yen) for due, yen in zip(dues, amounts, strict=True))


def in_force(promises: Sequence[Promise]) -> Promise | None:
    """Return the promise that counts: the newest replaces all before it; of one day, the last in the sequence."""
    binding = (promise for promise in reversed(promises) if promise.counts)
    return max(binding, key=lambda promise: promise.made_on, default=None)


def footings(newest_first: Iterable[Promise]) -> list[Footing]:
    """Return where each promise of a person and area stands, for promises from the newest to the oldest."""
    found: list[Footing] = []
    for promise in newest_first:
        if promise.cancelled:
            found.append(Footing.CANCELLED)
        elif Footing.IN_FORCE in found:
            found.append(Footing.REPLACED)
        else:
            found.append(Footing.IN_FORCE if promise.counts else Footing.OFFERED)
    return found


def deadline(line: PromiseLine, grace_days: int, is_closed: IsClosed) -> date:
    """Return the last day on which paying `line` still keeps it: due date moved off closed days, plus grace days."""
    return open_day_from(line.due, is_closed) + timedelta(days=grace_days)


def last_due_over(today: date, grace_days: int, is_closed: IsClosed) -> date:
    """Return the last due date whose deadline is past on `today`: a line is over if and only if it was due by then."""
    day = today - timedelta(days=grace_days + 1)
    while open_day_from(day, is_closed) + timedelta(days=grace_days) >= today:
        day -= timedelta(days=1)
    return day


def settle(
    promise: Promise, payments: Iterable[Payment], today: date, grace_days: int, is_closed: IsClosed
) -> tuple[LineStatus, ...]:
    """Fill the lines of `promise` with the payments since the day it was made (that day included), and judge each.

    Grace days are calendar days.
    """
    came = sorted((pay for pay in payments if promise.made_on <= pay.on <= today), key=lambda pay: pay.on)
    days = [(pay.on, so_far) for pay, so_far in zip(came, accumulate(pay.yen for pay in came), strict=True)]
    left = days[-1][1] if days else 0
    found, wanted = [], 0
    for line in promise.lines:
        wanted += line.yen
        filled = min(line.yen, left)
        left -= filled
        kept_on = next((day for day, so_far in days if so_far >= wanted), None)
        last = deadline(line, grace_days, is_closed)
        found.append(LineStatus(line, last, filled, kept_on, _line_outcome(line.yen, filled, over=last < today)))
    return tuple(found)


def judge(
    promise: Promise, payments: Iterable[Payment], today: date, grace_days: int, is_closed: IsClosed
) -> PromiseStatus:
    """Judge `promise` as a whole on `today`: broken while any line is, kept when all are (see `settle`)."""
    known = list(payments)
    lines = settle(promise, known, today, grace_days, is_closed)
    paid = paid_between(known, promise.made_on, today)
    due = sum(one.line.yen for one in lines if one.deadline < today)
    following = next((one.line for one in lines if one.kept_on is None), None)
    next_due = open_day_from(following.due, is_closed) if following else None
    return PromiseStatus(_outcome([one.outcome for one in lines], paid), due, paid, next_due)


def broken_line(lines: Sequence[LineStatus]) -> int | None:
    """Return the number (from 1) of the first line that is broken, None if none is: what a task is raised about."""
    return next((number for number, one in enumerate(lines, 1) if one.outcome is PromiseOutcome.BROKEN), None)


def _line_outcome(yen: int, paid: int, *, over: bool) -> PromiseOutcome:
    if paid >= yen:
        return PromiseOutcome.KEPT
    if over:
        return PromiseOutcome.BROKEN
    return PromiseOutcome.PARTLY if paid else PromiseOutcome.PENDING


def _outcome(lines: Sequence[PromiseOutcome], paid: int) -> PromiseOutcome:
    if PromiseOutcome.BROKEN in lines:
        return PromiseOutcome.BROKEN
    if all(line is PromiseOutcome.KEPT for line in lines):
        return PromiseOutcome.KEPT
    return PromiseOutcome.PARTLY if paid else PromiseOutcome.PENDING
