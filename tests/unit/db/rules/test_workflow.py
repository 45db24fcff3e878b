"""The six states, and that the first that holds is the one shown."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.promises import PromiseOutcome, PromiseStatus
from db.rules.terms import CaseState, FlagKind
from db.rules.workflow import EXCLUDING_FLAGS, CaseFacts, case_state

STATUSES = {outcome: PromiseStatus(outcome, 1, 1, date(2026, 12, 1)) for outcome in PromiseOutcome}
PENDING, BROKEN, KEPT = (
    STATUSES[outcome] for outcome in (PromiseOutcome.PENDING, PromiseOutcome.BROKEN, PromiseOutcome.KEPT)
)
DEAD = frozenset({FlagKind.DECEASED})
FACTS = st.builds(
    CaseFacts,
    owed=st.integers(-1, 2),
    flags=st.frozensets(st.sampled_from(FlagKind), max_size=3),
    promise=st.none() | st.sampled_from(list(STATUSES.values())),
    reached=st.booleans(),
)


@pytest.mark.req("T10")
@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (CaseFacts(0, DEAD, BROKEN, reached=True), CaseState.PAID),
        (CaseFacts(1, DEAD, BROKEN, reached=True), CaseState.EXCLUDED),
        (CaseFacts(1, frozenset(), BROKEN, reached=True), CaseState.BROKEN),
        (CaseFacts(1, frozenset(), PENDING, reached=True), CaseState.PROMISED),
        (CaseFacts(1, frozenset(), STATUSES[PromiseOutcome.PARTLY]), CaseState.PROMISED),
        (CaseFacts(1, frozenset(), KEPT, reached=True), CaseState.NO_PROMISE),
        (CaseFacts(1, reached=True), CaseState.NO_PROMISE),
        (CaseFacts(1), CaseState.NOT_CONTACTED),
        (CaseFacts(1, frozenset({FlagKind.PROTECTED, FlagKind.NO_CALLS})), CaseState.NOT_CONTACTED),
    ],
)
def test_the_first_state_that_holds(facts: CaseFacts, state: CaseState) -> None:
    assert case_state(facts) is state


@pytest.mark.req("T10")
@pytest.mark.parametrize("flag", ["suspended", "bankrupt", "deceased", "written_off", "excluded"])
def test_excluding_flags(flag: str) -> None:
    assert case_state(CaseFacts(1, frozenset({FlagKind(flag)}))) is CaseState.EXCLUDED
    assert len(EXCLUDING_FLAGS) == 5


@given(FACTS)
def test_paid_means_nothing_owed_and_only_that(facts: CaseFacts) -> None:
    assert (case_state(facts) is CaseState.PAID) == (facts.owed <= 0)


@given(FACTS)
def test_being_reached_matters_only_without_a_promise(facts: CaseFacts) -> None:
    reached, missed = (case_state(replace(facts, reached=reached)) for reached in (True, False))
    assert reached is missed or (reached, missed) == (CaseState.NO_PROMISE, CaseState.NOT_CONTACTED)
