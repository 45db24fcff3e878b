"""What happened in a case, and the state that follows from it on any day (T10).

A case is one person in one business area. Its state is never typed in: `state_on` derives it from the events known
today, for today and for any day before, and `standing` says since when it has been so. Only the events count, so that a
state that was derived late, or twice, comes out the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from db.rules.duedates import IsClosed
from db.rules.latecharge import STATUTORY, RateProfile, late_charge
from db.rules.payments import Payment, paid_between
from db.rules.promises import Promise, PromiseStatus, deadline, in_force, judge
from db.rules.terms import CaseState, FlagKind
from db.rules.workflow import CaseFacts, case_state

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """An installment: `bearing` yen of principal that bear a late charge from the day after `on`, and what was paid on it.

    Principal that no payment explains (written off, or paid before the data begin) is not in `bearing`. `paid` is what
    went to the principal, `charge_paid` what went to the late charge.
    """

    on: date
    bearing: int
    paid: tuple[Payment, ...] = ()
    charge_paid: tuple[Payment, ...] = ()
    profile: RateProfile = STATUTORY

    def open(self, day: date) -> int:
        """Return the principal still open at the end of `day`, in yen; what is not past due yet counts as none."""
        return self.bearing - paid_between(self.paid, date.min, day) if self.on < day else 0

    def charge(self, day: date) -> int:
        """Return the late charge still to pay at the end of `day`, in yen."""
        if self.on >= day or not self._was_late(day):
            return 0
        charge = late_charge(self.bearing, self.on, day, self.profile, self.paid).yen
        return max(0, charge - paid_between(self.charge_paid, date.min, day))

    def _was_late(self, day: date) -> bool:
        return bool(self.open(day)) or any(self.on < payment.on <= day for payment in self.paid)


@dataclass(frozen=True, slots=True)
class FlagSpan:
    """A circumstance and its days of validity, both included; None is without an end."""

    kind: FlagKind
    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it is in force on `day`."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """A promise with the days on which it was approved and taken back, if it was."""

    promise: Promise
    approved_on: date | None = None
    cancelled_on: date | None = None

    def as_of(self, day: date) -> Promise:
        """Return the promise as it was at the end of `day`."""
        approved = self.approved_on is not None and self.approved_on <= day
        cancelled = self.cancelled_on is not None and self.cancelled_on <= day
        return replace(self.promise, approved=approved, cancelled=cancelled)


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """All that a state follows from. `promises` from the oldest to the newest; `payments` are all that came in.

    `reached_on`: the first day on which someone entitled was reached (contacts that were corrected do not count).
    """

    dues: tuple[Due, ...] = ()
    payments: tuple[Payment, ...] = ()
    flags: tuple[FlagSpan, ...] = ()
    promises: tuple[PromiseMade, ...] = ()
    reached_on: date | None = None

    def principal(self, day: date) -> int:
        """Return the principal past due and open at the end of `day`, in yen."""
        return sum(due.open(day) for due in self.dues)

    def owed(self, day: date) -> int:
        """Return yen still to pay at the end of `day`: the principal, or where there is none the late charge alone."""
        return self.principal(day) or sum(due.charge(day) for due in self.dues)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a case and the day since when it has been so, None where it never was anything else."""

    state: CaseState
    since: date | None


@dataclass(frozen=True, slots=True)
class Terms:
    """How promises are judged: grace in calendar days, and which days are closed."""

    grace_days: int
    is_closed: IsClosed


def promise_on(history: CaseHistory, day: date, terms: Terms) -> PromiseStatus | None:
    """Return how the promise in force on `day` stands then, None without one."""
    known = [made.as_of(day) for made in history.promises if made.promise.made_on <= day]
    current = in_force(known)
    return judge(current, history.payments, day, terms.grace_days, terms.is_closed) if current else None


def state_on(history: CaseHistory, day: date, terms: Terms) -> CaseState:
    """Return the state at the end of `day`."""
    owed = history.owed(day)
    if owed <= 0:
        return CaseState.PAID
    return case_state(
        CaseFacts(
            owed=owed,
            flags=frozenset(flag.kind for flag in history.flags if flag.holds(day)),
            promise=promise_on(history, day, terms),
            reached=history.reached_on is not None and history.reached_on <= day,
        )
    )


def standing(history: CaseHistory, today: date, terms: Terms) -> Standing:
    """Return the state today and since when, by going back over the days on which it could have changed."""
    state = state_on(history, today, terms)
    turns = sorted({day for day in _turns(history, terms) if day <= today}, reverse=True)
    since = next((day for day in turns if state_on(history, day - _DAY, terms) is not state), None)
    return Standing(state, since)


def _turns(history: CaseHistory, terms: Terms) -> Iterator[date]:
    """Yield every day on which the state may differ from the day before."""
    for due in history.dues:
        yield due.on + _DAY
        yield from (payment.on for payment in (*due.paid, *due.charge_paid))
    yield from (payment.on for payment in history.payments)
    for flag in history.flags:
        if flag.first is not None:
            yield flag.first
        if flag.last is not None and flag.last < date.max:
            yield flag.last + _DAY
    for made in history.promises:
        yield made.promise.made_on
        yield from (day for day in (made.approved_on, made.cancelled_on) if day is not None)
        yield from (deadline(line, terms.grace_days, terms.is_closed) + _DAY for line in made.promise.lines)
    if history.reached_on is not None:
        yield history.reached_on
