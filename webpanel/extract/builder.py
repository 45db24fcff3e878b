"""What the builder shows of each condition: its inputs with their words and what can be chosen, filled with what is asked."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from db.rules import conditions as c
from db.rules.condition_words import Words
from db.rules.conditions import Leaf
from db.rules.duedates import fiscal_year
from db.rules.eligibility import DEBT_AREAS
from db.rules.terms import AnsweredBy, Area, CaseState, Channel, FlagKind, PersonKind, PhoneKind, Term

_YEARS_BACK: Final = 15


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a condition. `type`: int, ints (numbers with commas), codes or ids (choices), bool or year (a list to
    choose one from). `before` and `after` are the words around it."""

    name: str
    type: str
    before: str = ""
    after: str = ""
    options: Sequence[tuple[Any, str]] = ()


Inputs = Callable[[Words, date], list[Input]]


def inputs_of(kind: str, words: Words, today: date) -> list[Input]:
    """The inputs of a kind of condition."""
    return _INPUTS[kind](words, today)


def choices(areas: Collection[Area]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The conditions that can be added, under the headings of the list; those of debts only to whom `areas` has any."""
    indebted = not DEBT_AREAS.isdisjoint(areas)
    offered = ((heading, [kind for kind in kinds if indebted or kind not in _OF_DEBTS]) for heading, kinds in _HEADINGS)
    return [(heading, [(kind.kind, kind.label) for kind in kinds]) for heading, kinds in offered if kinds]


def value_of(leaf: Leaf, name: str) -> Any:
    """What a condition asks in one of its inputs."""
    return getattr(leaf, name)


_HEADINGS: Final[tuple[tuple[str, tuple[type[Leaf], ...]], ...]] = (
    ("滞納", (c.Amount, c.DebtAge, c.OpenCount, c.Levy)),
    ("経過", (c.StateIs, c.PromiseIs, c.LastContact, c.Assigned)),
    ("対象者", (c.InArea, c.District, c.Age, c.PersonIs, c.Language, c.Flagged)),
    ("世帯", (c.HouseholdCases, c.HouseholdAmount)),
    ("電話", (c.Phone, c.Reachable)),
    ("文書", (c.Letters, c.LetterKind, c.LastLetter)),
)
_OF_DEBTS: Final = frozenset(
    {c.Amount, c.DebtAge, c.OpenCount, c.Levy, c.StateIs, c.PromiseIs, c.HouseholdCases, c.HouseholdAmount}
)


def _range(unit: str, before: str = "") -> Inputs:
    return lambda _, __: [Input("low", "int", before, f"{unit}以上"), Input("high", "int", "", f"{unit}以下")]


def _terms(name: str, terms: Iterable[Term], before: str = "") -> Inputs:
    return lambda _, __: [_choice(name, terms, before)]


def _choice(name: str, terms: Iterable[Term], before: str = "") -> Input:
    return Input(name, "codes", before, options=[(term.value, term.label) for term in terms])


def _pairs(mapping: Mapping[Any, str]) -> list[tuple[Any, str]]:
    return list(mapping.items())


def _levy(words: Words, today: date) -> list[Input]:
    last = fiscal_year(today)
    years = [(year, words.fiscal_year(year)) for year in range(last, last - _YEARS_BACK, -1)]
    return [
        Input("items", "codes", "税目", options=_pairs(words.items)),
        Input("year_from", "year", "年度", "から", years),
        Input("year_to", "year", "", "まで", years),
        Input("numbers", "ints", "期別", "期（例：1,2）"),
    ]


def _last_contact(words: Words, _: date) -> list[Input]:
    return [
        Input("low", "int", "", "日以上前"),
        Input("high", "int", "", "日以下前"),
        _choice("channels", Channel, "手段"),
        Input("dispositions", "codes", "結果", options=_pairs(words.dispositions)),
        _choice("answered_by", AnsweredBy, "相手"),
    ]


def _reachable(_: Words, __: date) -> list[Input]:
    return [
        Input("low", "int", "", "時から"),
        Input("high", "int", "", "時まで"),
        Input("weekend", "bool", "曜日", options=(("", "指定なし"), ("false", "平日"), ("true", "土日"))),
    ]


def _last_letter(_: Words, __: date) -> list[Input]:
    return [
        Input("low", "int", "", "日以上前"),
        Input("high", "int", "", "日以下前"),
        Input("returned", "bool", "返戻", options=(("", "指定なし"), ("true", "あり"), ("false", "なし"))),
    ]


def _assigned(words: Words, _: date) -> list[Input]:
    return [
        Input("users", "ids", "担当者", options=_pairs(words.staff)),
        Input("groups", "ids", "グループ", options=_pairs(words.groups)),
    ]


def _texts(name: str, texts: Callable[[Words], Sequence[str]]) -> Inputs:
    return lambda words, _: [Input(name, "codes", options=[(text, text) for text in texts(words)])]


_INPUTS: Final[Mapping[str, Inputs]] = {
    c.Amount.kind: _range("円"),
    c.DebtAge.kind: _range("か月"),
    c.OpenCount.kind: _range("期"),
    c.Levy.kind: _levy,
    c.District.kind: _texts("districts", lambda words: words.districts),
    c.HouseholdCases.kind: _range("人"),
    c.HouseholdAmount.kind: _range("円"),
    c.PromiseIs.kind: _terms("states", c.PromiseStanding),
    c.StateIs.kind: _terms("states", tuple(reversed(CaseState))),  # as the workflow screen has them
    c.LastContact.kind: _last_contact,
    c.Phone.kind: _terms("kinds", PhoneKind, "架電できる番号（種類を問わないときは選ばない）"),
    c.Reachable.kind: _reachable,
    c.Age.kind: _range("歳"),
    c.Language.kind: lambda words, _: [
        Input("languages", "codes", options=[(code, words.language(code)) for code in words.languages])
    ],
    c.PersonIs.kind: _terms("kinds", PersonKind),
    c.Letters.kind: _range("回"),
    c.LetterKind.kind: _texts("kinds", lambda words: words.letter_kinds),
    c.LastLetter.kind: _last_letter,
    c.Flagged.kind: _terms("kinds", FlagKind),
    c.InArea.kind: _terms("areas", Area),
    c.Assigned.kind: _assigned,
}
