"""The state of a case on any day, against a replay that takes one event after the other, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.case_history import (
    CaseHistory,
    Due,
    FlagSpan,
    PromiseMade,
    Standing,
    Terms,
    standing,
    state_on,
)
from db.rules.latecharge import NO_CHARGE
from db.rules.payments import Payment
from db.rules.promises import Promise, PromiseLine
from db.rules.terms import CaseState, FlagKind

START = date(2026, 4, 1)
GRACE = 3
SPAN = 60


def closed(day: date) -> bool:
    """Weekends."""
    return day.weekday() >= 5


TERMS = Terms(GRACE, closed)


def on(day: int) -> date:
    """A day of the generated histories."""
    return START + timedelta(days=day)


# -- events as they might be told, one after the other; `day` counts from START


@dataclass(frozen=True)
class Levied:
    due: int
    yen: int


@dataclass(frozen=True)
class Paid:
    day: int
    installment: int
    yen: int


@dataclass(frozen=True)
class Flagged:
    day: int
    kind: FlagKind
    days: int | None


@dataclass(frozen=True)
class Talked:
    day: int
    entitled: bool


@dataclass(frozen=True)
class Promised:
    day: int
    lines: tuple[tuple[int, int], ...]
    approved_after: int | None
    cancelled_after: int | None


@dataclass(frozen=True)
class Story:
    levied: tuple[Levied, ...]
    paid: tuple[Paid, ...]
    flagged: tuple[Flagged, ...]
    talked: tuple[Talked, ...]
    promised: tuple[Promised, ...]

    def payments(self) -> list[Payment]:
        """What was paid, by installment: never more than is open, in the order of the days."""
        return [Payment(on(day), yen) for day, _, yen in self.allocated()]

    def allocated(self) -> list[tuple[int, int, int]]:
        """(day, installment, yen) of what found something to pay."""
        left = [levied.yen for levied in self.levied]
        found = []
        for paid in sorted(self.paid, key=lambda paid: paid.day):
            if self.levied:
                to = paid.installment % len(self.levied)
                yen = min(paid.yen, left[to])
                left[to] -= yen
                if yen:
                    found.append((paid.day, to, yen))
        return found


DAYS = st.integers(0, SPAN)
YEN = st.integers(1, 30)
STORIES = st.builds(
    Story,
    levied=st.lists(st.builds(Levied, DAYS, YEN), max_size=3).map(tuple),
    paid=st.lists(st.builds(Paid, DAYS, st.integers(0, 2), YEN), max_size=5).map(tuple),
    flagged=st.lists(
        st.builds(
            Flagged,
            DAYS,
            st.sampled_from([FlagKind.DECEASED, FlagKind.EXCLUDED, FlagKind.LAWYER]),
            st.none() | st.integers(0, 20),
        ),
        max_size=2,
    ).map(tuple),
    talked=st.lists(st.builds(Talked, DAYS, st.booleans()), max_size=3).map(tuple),
    promised=st.lists(
        st.builds(
            Promised,
            DAYS,
            st.lists(st.tuples(st.integers(0, 30), YEN), min_size=1, max_size=3, unique_by=lambda line: line[0]).map(
                lambda lines: tuple(sorted(lines))
            ),
            st.none() | st.integers(0, 10),
            st.none() | st.integers(0, 20),
        ),
        max_size=3,
        unique_by=lambda promised: promised.day,
    ).map(tuple),
)


def as_history(story: Story) -> CaseHistory:
    """The story as the register would hand it over."""
    paid = story.allocated()
    return CaseHistory(
        dues=tuple(
            Due(
                on(levied.due),
                levied.yen,
                tuple(Payment(on(day), yen) for day, to, yen in paid if to == number),
                profile=NO_CHARGE,
            )
            for number, levied in enumerate(story.levied)
        ),
        payments=tuple(story.payments()),
        flags=tuple(
            FlagSpan(flag.kind, on(flag.day), None if flag.days is None else on(flag.day + flag.days))
            for flag in story.flagged
        ),
        promises=tuple(
            PromiseMade(
                Promise(on(made.day), tuple(PromiseLine(on(made.day + after), yen) for after, yen in made.lines)),
                None if made.approved_after is None else on(made.day + made.approved_after),
                None if made.cancelled_after is None else on(made.day + made.cancelled_after),
            )
            for made in sorted(story.promised, key=lambda made: made.day)
        ),
        reached_on=min((on(talk.day) for talk in story.talked if talk.entitled), default=None),
    )


@dataclass
class Replay:
    """An officer with a card box, who on every evening writes down what happened and looks at what stands."""

    story: Story
    balance: dict[int, int] = field(default_factory=dict)
    cash: list[tuple[int, int]] = field(default_factory=list)
    reached: bool = False

    def evenings(self, days: int) -> list[CaseState]:
        """The state on every evening."""
        found = []
        for day in range(days):
            for number, levied in enumerate(self.story.levied):
                if levied.due + 1 == day or (day == 0 and levied.due < 0):
                    self.balance[number] = levied.yen - sum(
                        yen for when, to, yen in self.story.allocated() if to == number and when < day
                    )
            for when, to, yen in self.story.allocated():
                if when == day:
                    self.cash.append((day, yen))
                    if to in self.balance:
                        self.balance[to] -= yen
            self.reached = self.reached or any(t.day == day and t.entitled for t in self.story.talked)
            found.append(self.look(day))
        return found

    def look(self, day: int) -> CaseState:
        """Which card the case belongs under."""
        if sum(self.balance.values()) == 0:
            return CaseState.PAID
        for flag in self.story.flagged:
            over = flag.days is not None and flag.day + flag.days < day
            if flag.kind is not FlagKind.LAWYER and flag.day <= day and not over:
                return CaseState.EXCLUDED
        promise = self.counting(day)
        if promise is not None:
            came = sum(yen for when, yen in self.cash if when >= promise.day)
            due = 0
            for after, yen in promise.lines:
                last = on(promise.day + after)
                while closed(last):
                    last += timedelta(days=1)
                if last + timedelta(days=GRACE) < on(day):
                    due += yen
            if came < due:
                return CaseState.BROKEN
            if came < sum(yen for _, yen in promise.lines):
                return CaseState.PROMISED
        return CaseState.NO_PROMISE if self.reached else CaseState.NOT_CONTACTED

    def counting(self, day: int) -> Promised | None:
        """The newest promise that binds on a day."""
        for made in sorted(self.story.promised, key=lambda made: made.day, reverse=True):
            cancelled = made.cancelled_after is not None and made.day + made.cancelled_after <= day
            approved = made.approved_after is not None and made.day + made.approved_after <= day
            if made.day <= day and not cancelled and (approved or len(made.lines) == 1):
                return made
        return None


@pytest.mark.req("T10", "T12")
@given(STORIES)
def test_the_derivation_is_what_a_replay_day_by_day_finds(story: Story) -> None:
    history, last = as_history(story), SPAN + 40
    evenings = Replay(story).evenings(last)
    derived = [state_on(history, on(day), TERMS) for day in range(last)]
    assert derived == evenings
    assert standing(history, on(last - 1), TERMS) == Standing(evenings[-1], since(evenings))


def since(evenings: Sequence[CaseState]) -> date | None:
    """The first evening of the last run of one state; None if it never was another."""
    for day in range(len(evenings) - 1, 0, -1):
        if evenings[day - 1] is not evenings[day]:
            return on(day)
    return None


@pytest.mark.req("T10")
def test_a_late_charge_alone_still_is_owed_until_it_is_paid() -> None:
    due = Due(date(2025, 6, 30), 500_000, (Payment(date(2026, 1, 31), 500_000),))
    assert (due.open(date(2026, 2, 1)), due.charge(date(2026, 2, 1))) == (0, 23_100)
    history = CaseHistory(dues=(due,))
    assert standing(history, date(2026, 6, 1), TERMS) == Standing(CaseState.NOT_CONTACTED, date(2025, 7, 1))
    settled = Due(due.on, due.bearing, due.paid, (Payment(date(2026, 3, 3), 23_100),))
    history = CaseHistory(dues=(settled,))
    assert standing(history, date(2026, 6, 1), TERMS) == Standing(CaseState.PAID, date(2026, 3, 3))


def test_what_is_paid_in_time_bears_no_charge_and_was_never_owed() -> None:
    history = CaseHistory(dues=(Due(START, 500_000, (Payment(START, 500_000),)),))
    assert standing(history, on(30), TERMS) == Standing(CaseState.PAID, None)
    assert standing(CaseHistory(), on(30), TERMS) == Standing(CaseState.PAID, None)
