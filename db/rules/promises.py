"""Payment promises (納付約束・分納): how one is split into lines, and whether payments have kept it so far."""

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
    """A promise made on a day: its lines in order of their due dates."""

    made_on: date
    lines: tuple[PromiseLine, ...]

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
    return max(reversed(promises), key=lambda promise: promise.made_on, default=None)


def deadline(line: PromiseLine, grace_days: int, is_closed: IsClosed) -> date:
    """Return the last day on which paying `line` still keeps it: due date moved off closed days, plus grace days."""
    return open_day_from(line.due, is_closed) + timedelta(days=grace_days)


def judge(
    promise: Promise, payments: Iterable[Payment], today: date, grace_days: int, is_closed: IsClosed
) -> PromiseStatus:
    """Judge `promise` on `today` by the payments since the day it was made (that day included).

    Broken: a line's deadline is past and the payments do not cover all that was due so far. Money that came late but
    covers it mends the promise. Grace days are calendar days.
    """
    paid = paid_between(payments, promise.made_on, today)
    due = sum(line.yen for line in promise.lines if deadline(line, grace_days, is_closed) < today)
    covered = accumulate(line.yen for line in promise.lines)
    open_lines = (line for line, sum_to_here in zip(promise.lines, covered, strict=True) if sum_to_here > paid)
    following = next(open_lines, None)
    next_due = open_day_from(following.due, is_closed) if following else None
    return PromiseStatus(_outcome(promise.total, due, paid), due, paid, next_due)


def _outcome(total: int, due: int, paid: int) -> PromiseOutcome:
    if paid >= total:
        return PromiseOutcome.KEPT
    if paid < due:
        return PromiseOutcome.BROKEN
    return PromiseOutcome.PARTLY if paid else PromiseOutcome.PENDING
