"""Trees of conditions for Hypothesis: any that can be written down, and those that make sense."""

from typing import Any

from hypothesis import strategies as st

from db.rules import conditions as c
from db.rules.conditions import Condition, Group, Joining, PromiseStanding
from db.rules.terms import AnsweredBy, Area, CaseState, Channel, FlagKind, PersonKind, PhoneKind

ITEMS = ("resident_ordinary", "property", "light_vehicle", "health_tax", "corporate", "care", "water")
DISTRICTS = ("中央地区", "北野地区", "港地区", "丘上地区")
DISPOSITIONS = ("no_answer", "talked_self", "letter_sent", "sms_sent", "voicemail")
LETTERS = ("催告書", "納付書", "最終催告書")


def ranged(most: int, at_least_one: bool = True) -> st.SearchStrategy[dict[str, int | None]]:
    """Bounds the right way round."""
    bound = st.one_of(st.none(), st.integers(0, most))
    ordered = st.tuples(bound, bound).map(_ordered)
    return ordered.filter(lambda one: not at_least_one or any(v is not None for v in one.values()))


def _ordered(pair: tuple[int | None, int | None]) -> dict[str, int | None]:
    low, high = pair
    if low is not None and high is not None and low > high:
        low, high = high, low
    return {"low": low, "high": high}


def some(values: Any, least: int = 1) -> st.SearchStrategy[tuple[Any, ...]]:
    """A few of them, each once."""
    return st.lists(st.sampled_from(list(values)), min_size=least, max_size=3, unique=True).map(tuple)


def _of(kind: type[Any], most: int) -> st.SearchStrategy[Any]:
    return ranged(most).map(lambda bounds: kind(**bounds))


def _years() -> st.SearchStrategy[tuple[int | None, int | None]]:
    year = st.one_of(st.none(), st.integers(2019, 2027))
    return st.tuples(year, year).map(lambda pair: tuple(sorted(pair)) if None not in pair else pair)  # type: ignore[type-var]


@st.composite
def _levies(draw: st.DrawFn) -> c.Levy:
    first, last = draw(_years())
    made = c.Levy(draw(some(ITEMS, 0)), first, last, draw(some(range(1, 9), 0)))
    return made if made != c.Levy() else c.Levy(items=("property",))


@st.composite
def _last_contacts(draw: st.DrawFn) -> c.LastContact:
    bounds = draw(ranged(400, at_least_one=False))
    return c.LastContact(
        **bounds, channels=draw(some(Channel, 0)), dispositions=draw(some(DISPOSITIONS, 0)),
        answered_by=draw(some(AnsweredBy, 0)),
    )  # fmt: skip


@st.composite
def _hours(draw: st.DrawFn) -> c.Reachable:
    first, last = sorted(draw(st.lists(st.integers(0, 24), min_size=2, max_size=2, unique=True)))
    return c.Reachable(first, last, draw(st.sampled_from((None, True, False))))


LEAVES = st.one_of(
    _of(c.Amount, 200_000),
    _of(c.DebtAge, 72),
    _of(c.OpenCount, 12),
    _levies(),
    some(DISTRICTS).map(c.District),
    _of(c.HouseholdCases, 4),
    _of(c.HouseholdAmount, 300_000),
    some(PromiseStanding).map(c.PromiseIs),
    some(CaseState).map(c.StateIs),
    _last_contacts(),
    some(PhoneKind, 0).map(c.Phone),
    _hours(),
    _of(c.Age, 100),
    some(("ja", "vi", "zh", "en")).map(c.Language),
    some(PersonKind).map(c.PersonIs),
    _of(c.Letters, 5),
    some(LETTERS).map(c.LetterKind),
    st.tuples(ranged(400, at_least_one=False), st.sampled_from((None, True, False))).map(
        lambda one: c.LastLetter(**one[0], returned=one[1])
    ),
    some(FlagKind).map(c.Flagged),
    some(Area).map(c.InArea),
    st.tuples(some((1, 2), 0), some((1, 2), 0)).map(lambda one: c.Assigned(*one)),
)
"""Every kind of leaf."""


def _groups(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.builds(Group, st.sampled_from(Joining), st.lists(parts, min_size=1, max_size=3).map(tuple))


TREES: st.SearchStrategy[Condition] = st.recursive(LEAVES, _groups, max_leaves=6)
"""Trees whose leaves each make sense."""
