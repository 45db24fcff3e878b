"""Which condition of a tree makes no sense, and why: told beside the condition before anything is searched."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any, Final

from db.rules.condition_words import Words, clause
from db.rules.conditions import (
    Age,
    Amount,
    Assigned,
    Condition,
    DebtAge,
    District,
    Flagged,
    Group,
    HouseholdAmount,
    HouseholdCases,
    InArea,
    Joining,
    Language,
    LastContact,
    LastLetter,
    Leaf,
    LetterKind,
    Letters,
    Levy,
    OpenCount,
    Path,
    PersonIs,
    PromiseIs,
    Reachable,
    StateIs,
    walk,
)
from db.rules.duedates import fiscal_year
from db.rules.terms import PersonKind

DEEPEST: Final = 4
"""How deep groups may stand in groups; beyond it nobody reads the sentence any more."""

MOST: Final = 40
"""How many conditions a tree may have."""

_LIMITS: Final[dict[type[Any], tuple[int, int, str]]] = {
    Amount: (0, 10**12, "円"),
    HouseholdAmount: (0, 10**12, "円"),
    OpenCount: (0, 10_000, "期"),
    HouseholdCases: (0, 1_000, "人"),
    Letters: (0, 10_000, "回"),
    Age: (0, 130, "歳"),
    DebtAge: (0, 1_200, "か月"),
    LastContact: (0, 36_500, "日"),
    LastLetter: (0, 36_500, "日"),
    Reachable: (0, 24, "時"),
}
_NEED_A_BOUND: Final = (Amount, HouseholdAmount, OpenCount, HouseholdCases, Letters, Age, DebtAge, Reachable)
_FIRST_YEAR: Final = 1950
_MOST_NUMBERS: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the node at `path`; `field` is the input it belongs beside, "" for the node as a whole."""

    path: Path
    field: str
    message: str


def problems(tree: Condition, words: Words, today: date) -> list[Problem]:
    """Everything about a tree that cannot be meant, the outermost first; nothing if it can be searched for."""
    found: list[Problem] = []
    leaves = 0
    for path, node in walk(tree):
        if isinstance(node, Group):
            found += _group(path, node, words)
            continue
        leaves += 1
        found += (Problem(path, name, message) for name, message in _leaf(node, words, today))
    if leaves > MOST:
        found.insert(0, Problem((), "", f"条件は{MOST}個までです（現在{leaves}個）。条件を減らしてください。"))
    return found


def _group(path: Path, group: Group, words: Words) -> Iterator[Problem]:
    if len(path) > DEEPEST:
        yield Problem(path, "", f"グループの入れ子は{DEEPEST}段までです。")
    if path and not group.parts:
        yield Problem(path, "", "グループに条件がありません。条件を追加するか、グループを削除してください。")
    if group.how is Joining.ALL:
        leaves = [(place, part) for place, part in enumerate(group.parts) if not isinstance(part, Group)]
        for (_, first), (place, second) in combinations(leaves, 2):
            if reason := _clash(first, second, words):
                yield Problem((*path, place), "", reason)


def _leaf(leaf: Leaf, words: Words, today: date) -> Iterator[tuple[str, str]]:
    yield from _bounds(leaf)
    yield from _choices(leaf, words)
    if isinstance(leaf, Levy):
        yield from _levy(leaf, words, today)


def _bounds(leaf: Any) -> Iterator[tuple[str, str]]:
    """Numbers within what can be, and the right way round."""
    if type(leaf) not in _LIMITS:
        return
    least, most, unit = _LIMITS[type(leaf)]
    outside = False
    for name in ("low", "high"):
        value = getattr(leaf, name)
        if value is not None and not least <= value <= most:
            outside = True
            yield name, f"{least:,}から{most:,}{unit}の間で入力してください。"
    if outside:
        return
    if isinstance(leaf, _NEED_A_BOUND) and leaf.low is None and leaf.high is None:
        if not (isinstance(leaf, Reachable) and leaf.weekend is not None):
            yield "low", "上限か下限を入力してください。"
    elif leaf.low is not None and leaf.high is not None:
        if leaf.low > leaf.high:
            yield (
                "high",
                f"上限（{leaf.high:,}{unit}）が下限（{leaf.low:,}{unit}）より小さいため、当てはまる案件がありません。",
            )
        elif isinstance(leaf, Reachable) and leaf.low == leaf.high:
            yield "high", "開始と終了が同じ時刻です。終了は開始より後の時刻にしてください。"


def _choices(leaf: Leaf, words: Words) -> Iterator[tuple[str, str]]:
    """Something chosen where a choice is the condition, and nothing that the office does not have."""
    match leaf:
        case District():
            yield from _chosen("districts", leaf.districts, words.districts, "地区")
        case Language():
            yield from _chosen("languages", leaf.languages, words.languages, "言語")
        case LetterKind():
            yield from _chosen("kinds", leaf.kinds, words.letter_kinds, "文書の種類")
        case PromiseIs():
            yield from _chosen("states", leaf.states, leaf.states, "約束の状態")
        case StateIs():
            yield from _chosen("states", leaf.states, leaf.states, "状態")
        case PersonIs() | Flagged():
            yield from _chosen("kinds", leaf.kinds, leaf.kinds, leaf.label)
        case InArea():
            yield from _chosen("areas", leaf.areas, leaf.areas, "業務区分")
        case LastContact():
            yield from _known("dispositions", leaf.dispositions, words.dispositions, "結果")
        case Assigned():
            yield from _known("users", leaf.users, words.staff, "担当者")
            yield from _known("groups", leaf.groups, words.groups, "グループ")


def _chosen(name: str, chosen: Any, known: Any, what: str) -> Iterator[tuple[str, str]]:
    if not chosen:
        yield name, f"{what}を1つ以上選んでください。"
    yield from _known(name, chosen, known, what)


def _known(name: str, chosen: Any, known: Any, what: str) -> Iterator[tuple[str, str]]:
    strange = [str(one) for one in chosen if one not in known]
    if strange:
        yield name, f"登録されていない{what}が含まれています（{'、'.join(strange)}）。選び直してください。"


def _levy(leaf: Levy, words: Words, today: date) -> Iterator[tuple[str, str]]:
    if not (leaf.items or leaf.numbers) and leaf.year_from is None and leaf.year_to is None:
        yield "items", "税目・年度・期別のいずれかを指定してください。"
    yield from _known("items", leaf.items, words.items, "税目")
    last = fiscal_year(today) + 1
    for name in ("year_from", "year_to"):
        year = getattr(leaf, name)
        if year is not None and not _FIRST_YEAR <= year <= last:
            yield name, f"年度は{words.fiscal_year(_FIRST_YEAR)}から{words.fiscal_year(last)}までで選んでください。"
    if leaf.year_from is not None and leaf.year_to is not None and leaf.year_from > leaf.year_to:
        yield "year_to", "終わりの年度が始めの年度より前のため、当てはまる案件がありません。"
    if any(not 0 <= number <= _MOST_NUMBERS for number in leaf.numbers):
        yield "numbers", f"期別は0から{_MOST_NUMBERS}までの数字で入力してください。"


def _clash(first: Leaf, second: Leaf, words: Words) -> str:
    """Why two conditions cannot hold of one case, "" if they can."""
    both = f"「{clause(first, words)}」と「{clause(second, words)}」は同時に成り立ちません"
    if type(first) is type(second) and isinstance(first, _NEED_A_BOUND) and not isinstance(first, Reachable):
        lows = [one.low for one in (first, second) if one.low is not None]  # type: ignore[union-attr]
        highs = [one.high for one in (first, second) if one.high is not None]  # type: ignore[union-attr]
        if lows and highs and max(lows) > min(highs):
            return f"{both}。どちらかを直すか、「いずれかに当てはまる」グループに入れてください。"
    for one, other in ((first, second), (second, first)):
        if isinstance(one, PersonIs) and one.kinds == (PersonKind.COMPANY,) and isinstance(other, Age):
            return f"{both}。法人に年齢はありません。"
        if isinstance(one, InArea) and one.areas and isinstance(other, Levy) and other.items:
            areas = {words.item_areas.get(item) for item in other.items}
            if not areas & set(one.areas):
                names = "・".join(sorted(area.label for area in areas if area))
                return f"{both}。この税目の業務区分は{names}です。"
        if isinstance(one, Amount) and one.high == 0 and isinstance(other, DebtAge | Levy):
            return f"{both}。滞納額が0円の案件に滞納はありません。"
    return ""
