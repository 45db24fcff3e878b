"""The state of a case (T10): one person in one business area, always derived from facts and never typed in."""

from dataclasses import dataclass

from db.rules.promises import PromiseOutcome, PromiseStatus
from db.rules.terms import AnsweredBy, CaseState, FlagKind

EXCLUDING_FLAGS = frozenset(
    {FlagKind.SUSPENDED, FlagKind.BANKRUPT, FlagKind.DECEASED, FlagKind.WRITTEN_OFF, FlagKind.EXCLUDED}
)
"""Circumstances under which what is owed is not pursued with the person."""

ENTITLED = frozenset({AnsweredBy.SELF})
"""Who may be told about the debt and so counts as having been reached; others only take a message."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the state follows from.

    `owed`: yen still open by the payments known (principal and late charge). `flags`: kinds valid today. `promise`:
    how the newest uncancelled promise stands today (`promises.in_force` and `judge`), None without one. `reached`:
    someone entitled was ever reached about it.
    """

    owed: int
    flags: frozenset[FlagKind] = frozenset()
    promise: PromiseStatus | None = None
    reached: bool = False


def case_state(facts: CaseFacts) -> CaseState:
    """Return the first state that holds, in the order 完納, 除外, 約束不履行, 納付約束, 未約束, 未交渉.

    A promise that was kept while money is still owed is no longer in force.
    """
    outcome = facts.promise.outcome if facts.promise else None
    if facts.owed <= 0:
        return CaseState.PAID
    if facts.flags & EXCLUDING_FLAGS:
        return CaseState.EXCLUDED
    if outcome is PromiseOutcome.BROKEN:
        return CaseState.BROKEN
    if outcome in {PromiseOutcome.PENDING, PromiseOutcome.PARTLY}:
        return CaseState.PROMISED
    return CaseState.NO_PROMISE if facts.reached else CaseState.NOT_CONTACTED
