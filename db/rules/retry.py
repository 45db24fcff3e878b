"""When to try again: what a hang-up cause means, and the time of the next attempt (T4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from db.rules.duedates import IsClosed
from db.rules.officetime import JST, office_time
from db.rules.telephony import AttemptResult
from db.rules.terms import Retry

_SEARCH_DAYS = 14

_BY_CAUSE: Mapping[int, AttemptResult] = {
    1: AttemptResult.UNALLOCATED,  # unallocated number
    3: AttemptResult.TRUNK_FAULT,  # no route to destination
    16: AttemptResult.NO_ANSWER,  # normal clearing before anyone answered
    17: AttemptResult.BUSY,  # user busy
    18: AttemptResult.NO_ANSWER,  # no user responding
    19: AttemptResult.NO_ANSWER,  # no answer
    20: AttemptResult.NO_ANSWER,  # subscriber absent: out of range, switched off
    21: AttemptResult.REJECTED,  # call rejected
    22: AttemptResult.CHANGED,  # number changed
    27: AttemptResult.TRUNK_FAULT,  # destination out of order
    28: AttemptResult.BAD_NUMBER,  # invalid number format
    34: AttemptResult.TRUNK_FAULT,  # no circuit available
    38: AttemptResult.TRUNK_FAULT,  # network out of order
    41: AttemptResult.TRUNK_FAULT,  # temporary failure
    42: AttemptResult.TRUNK_FAULT,  # switching equipment congestion
    44: AttemptResult.TRUNK_FAULT,  # requested channel not available
    47: AttemptResult.TRUNK_FAULT,  # resource unavailable
    127: AttemptResult.CANCELLED,  # interworking: usually our own cancel
}

RETRIES: Mapping[AttemptResult, Retry] = {
    AttemptResult.ANSWERED: Retry.NONE,  # what was said decides, by its disposition
    AttemptResult.BUSY: Retry.SOON,
    AttemptResult.NO_ANSWER: Retry.LATER,
    AttemptResult.REJECTED: Retry.OTHER_BAND,
    AttemptResult.UNALLOCATED: Retry.NUMBER_RESEARCH,
    AttemptResult.CHANGED: Retry.NUMBER_RESEARCH,
    AttemptResult.BAD_NUMBER: Retry.NUMBER_RESEARCH,
    AttemptResult.TRUNK_FAULT: Retry.SOON,
    AttemptResult.CANCELLED: Retry.LATER,
    AttemptResult.FAILED: Retry.LATER,
}
"""What each result means for the next attempt. A dial whose outcome is unknown has no result and no retry."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The times behind `Retry`, as the office has set them.

    `soon` after a busy line, at most `soon_times` within `later`; `later` after the first unanswered call; then
    another weekday and another of the `bands` (office time, in order, from the first until before the second time).
    """

    soon: timedelta = timedelta(minutes=5)
    soon_times: int = 3
    later: timedelta = timedelta(hours=1)
    bands: tuple[tuple[time, time], ...] = (
        (time(9), time(12)),
        (time(12), time(15)),
        (time(15), time(18)),
        (time(18), time(20)),
    )


def result_of(cause: int | None, *, answered: bool) -> AttemptResult:
    """Return what the Q.850 `cause` of the Hangup event means; an answered call is answered however it ended."""
    if answered:
        return AttemptResult.ANSWERED
    return _BY_CAUSE.get(cause or 0, AttemptResult.FAILED)


def counts_against_caps(result: AttemptResult, *, rang: bool) -> bool:
    """Tell whether the person may have been disturbed: not by a fault of our own lines, nor by a call we took back
    before it rang.
    """
    if result is AttemptResult.CANCELLED:
        return rang
    return result is not AttemptResult.TRUNK_FAULT


def next_attempt_at(
    retry: Retry, ended_at: datetime, earlier: Sequence[datetime], policy: RetryPolicy, is_closed: IsClosed
) -> datetime | None:
    """Return when (UTC) the person may be tried again after a miss that ended at `ended_at`, None for no more.

    `earlier` are the moments of the misses before it since the person was last reached. A time outside the bands or
    on a closed day becomes another weekday and band. `is_closed` tells the days on which nobody is called.
    """
    if retry in {Retry.NONE, Retry.NUMBER_RESEARCH}:
        return None
    wait = _short_wait(retry, ended_at, earlier, policy)
    if wait is not None and _is_open(ended_at + wait, policy, is_closed):
        return (ended_at + wait).astimezone(UTC)
    return _another_slot(office_time(ended_at), [office_time(at) for at in earlier], policy, is_closed)


def _short_wait(retry: Retry, ended_at: datetime, earlier: Sequence[datetime], policy: RetryPolicy) -> timedelta | None:
    lately = sum(ended_at - at <= policy.later for at in earlier)
    if retry is Retry.SOON and lately < policy.soon_times:
        return policy.soon
    return policy.later if retry is Retry.LATER and not earlier else None


def _is_open(at: datetime, policy: RetryPolicy, is_closed: IsClosed) -> bool:
    local = office_time(at)
    return _band(local, policy) is not None and not is_closed(local.date())


def _band(local: datetime, policy: RetryPolicy) -> int | None:
    return next((i for i, (first, end) in enumerate(policy.bands) if first <= local.time() < end), None)


def _another_slot(
    last: datetime, earlier: Sequence[datetime], policy: RetryPolicy, is_closed: IsClosed
) -> datetime | None:
    """Find the next weekday and band least tried so far, not those of `last` while there are others."""
    tried = [*earlier, last]
    weekdays = Counter(at.weekday() for at in tried)
    bands = Counter(_band(at, policy) for at in tried)

    def preference(slot: tuple[date, int]) -> tuple[bool, bool, int, date, int]:
        day, band = slot
        tries = weekdays[day.weekday()] + bands[band]
        return day.weekday() == last.weekday(), band == _band(last, policy), tries, day, band

    days = (last.date() + timedelta(days=n) for n in range(1, _SEARCH_DAYS + 1))
    slots = [(day, band) for day in days if not is_closed(day) for band in range(len(policy.bands))]
    best = min(slots, key=preference, default=None)
    return datetime.combine(best[0], policy.bands[best[1]][0], JST).astimezone(UTC) if best else None
