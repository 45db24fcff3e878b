"""A tree of conditions, read back as a Japanese sentence: what is shown while it is built, kept and logged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

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
    PersonIs,
    Phone,
    PromiseIs,
    Reachable,
    StateIs,
)
from db.rules.terms import Area, Term

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ja": "日本語", "en": "英語", "zh": "中国語", "ko": "韓国語", "vi": "ベトナム語", "pt": "ポルトガル語", "tl": "タガログ語",
        "ne": "ネパール語", "es": "スペイン語", "id": "インドネシア語", "th": "タイ語", "my": "ミャンマー語", "fr": "フランス語", "ru": "ロシア語",
    }
)  # fmt: skip
"""Names of languages by their ISO 639-1 codes; one that is not here is shown by its code."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the office calls things: names by code or id, in the order in which they are offered. `item_areas`: whose they are."""

    items: Mapping[str, str] = field(default_factory=dict)
    item_areas: Mapping[str, Area] = field(default_factory=dict)
    districts: Sequence[str] = ()
    languages: Sequence[str] = ()
    dispositions: Mapping[str, str] = field(default_factory=dict)
    letter_kinds: Sequence[str] = ()
    staff: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    fiscal_year: Callable[[int], str] = "{}年度".format

    def language(self, code: str) -> str:
        """The name of a language."""
        return LANGUAGES.get(code, code)


def sentence(tree: Condition, words: Words) -> str:
    """The whole tree as a sentence."""
    if isinstance(tree, Group) and not tree.parts:
        return "すべての案件。"
    return f"次の条件に当てはまる案件：{_clause(tree, words, outermost=True)}。"


def clause(leaf: Leaf, words: Words) -> str:
    """One condition, as it stands in the sentence."""
    return _CLAUSES[type(leaf)](leaf, words)


def _clause(tree: Condition, words: Words, *, outermost: bool = False) -> str:
    if not isinstance(tree, Group):
        return clause(tree, words)
    parts = [_clause(part, words) for part in tree.parts]
    if tree.how is Joining.NONE:
        return f"｛{'／'.join(parts)}｝のいずれにも当てはまらない"
    joined = "、かつ、".join(parts) if tree.how is Joining.ALL else "、または、".join(parts)
    return joined if outermost else f"｛{joined}｝"


def _levy(leaf: Levy, words: Words) -> str:
    items = _or([words.items.get(code, code) for code in leaf.items])
    years = _years(leaf.year_from, leaf.year_to, words.fiscal_year)
    numbers = _or([f"第{number}期" for number in leaf.numbers])
    of = "の".join(part for part in (items, years, numbers) if part)
    return f"{of}の滞納がある" if of else "滞納がある"


def _last_contact(leaf: LastContact, words: Words) -> str:
    asked = []
    if leaf.low is not None or leaf.high is not None:
        asked.append(f"{_between(leaf.low, leaf.high, '日')}前")
    if leaf.channels:
        asked.append(f"手段が{_labels(leaf.channels)}")
    if leaf.dispositions:
        asked.append(f"結果が{_or([words.dispositions.get(code, code) for code in leaf.dispositions])}")
    if leaf.answered_by:
        asked.append(f"相手が{_labels(leaf.answered_by)}")
    return f"最終接触が{'・'.join(asked)}" if asked else "接触したことがある"


def _last_letter(leaf: LastLetter) -> str:
    asked = []
    if leaf.low is not None or leaf.high is not None:
        asked.append(f"{_between(leaf.low, leaf.high, '日')}前")
    if leaf.returned is not None:
        asked.append("返戻あり" if leaf.returned else "返戻なし")
    return f"最終発送が{'・'.join(asked)}" if asked else "文書を発送したことがある"


def _between(low: int | None, high: int | None, unit: str) -> str:
    if low is not None and low == high:
        return f"ちょうど{low:,}{unit}"
    least = "" if low is None else f"{low:,}{unit}以上"
    most = "" if high is None else f"{high:,}{unit}以下"
    return least + most or "（未指定）"


def _between_hours(low: int | None, high: int | None) -> str:
    if low is None and high is None:
        return "いずれかの時間帯"
    return f"{0 if low is None else low}時から{24 if high is None else high}時の間"


def _years(first: int | None, last: int | None, name: Callable[[int], str]) -> str:
    if first is not None and first == last:
        return name(first)
    least = "" if first is None else f"{name(first)}以降"
    most = "" if last is None else f"{name(last)}以前"
    return least + most


def _labels(terms: Iterable[Term]) -> str:
    return _or([term.label for term in terms])


def _or(names: Sequence[str]) -> str:
    return "または".join(names)


def _range(unit: str) -> Callable[[Any, Words], str]:
    return lambda leaf, _: f"{leaf.label}が{_between(leaf.low, leaf.high, unit)}"


def _phone(leaf: Phone, _: Words) -> str:
    return f"架電できる{_labels(leaf.kinds) + 'の' if leaf.kinds else ''}番号がある"


def _reachable(leaf: Reachable, _: Words) -> str:
    days = {None: "", False: "平日の", True: "土日の"}[leaf.weekend]
    return f"{days}{_between_hours(leaf.low, leaf.high)}に本人が電話に出たことがある"


def _assigned(leaf: Assigned, words: Words) -> str:
    names = [words.staff.get(one, f"職員{one}") for one in leaf.users]
    names += [words.groups.get(one, f"グループ{one}") for one in leaf.groups]
    return f"担当が{_or(names)}" if names else "担当が決まっている"


_CLAUSES: Final[Mapping[type[Leaf], Callable[[Any, Words], str]]] = MappingProxyType(
    {
        Amount: _range("円"),
        HouseholdAmount: _range("円"),
        OpenCount: _range("期"),
        HouseholdCases: _range("人"),
        Letters: _range("回"),
        Age: _range("歳"),
        DebtAge: _range("か月"),
        Levy: _levy,
        District: lambda leaf, _: f"地区が{_or(leaf.districts)}",
        PromiseIs: lambda leaf, _: f"納付約束が{_labels(leaf.states)}",
        StateIs: lambda leaf, _: f"案件の状態が{_labels(leaf.states)}",
        LastContact: _last_contact,
        Phone: _phone,
        Reachable: _reachable,
        Language: lambda leaf, words: f"言語が{_or([words.language(code) for code in leaf.languages])}",
        PersonIs: lambda leaf, _: f"{_labels(leaf.kinds)}である",
        LetterKind: lambda leaf, _: f"{_or(leaf.kinds)}を発送したことがある",
        LastLetter: lambda leaf, _: _last_letter(leaf),
        Flagged: lambda leaf, _: f"注意事項に{_labels(leaf.kinds)}がある",
        InArea: lambda leaf, _: f"業務区分が{_labels(leaf.areas)}",
        Assigned: _assigned,
    }
)
