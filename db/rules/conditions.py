"""Conditions of an extraction (任意条件抽出, T8): a tree of frozen values about one case, a person in one business area.

Leaves say something of a case, groups join them: all, any, or none of their parts. What a leaf leaves open (None, or no
choice) it does not ask. `condition_words` reads a tree back as a sentence, `condition_checks` says which part makes no
sense and why, `db.store.extraction` turns it into a query. As JSON a node is an object with its `kind` and what it asks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias, get_args, get_origin, get_type_hints

from db.rules.terms import AnsweredBy, Area, CaseState, Channel, FlagKind, PersonKind, PhoneKind, Term


class Joining(Term):
    """How a group joins its parts."""

    ALL = "all", "すべてに当てはまる"
    ANY = "any", "いずれかに当てはまる"
    NONE = "none", "いずれにも当てはまらない"


class PromiseStanding(Term):
    """How the promise in force stands today, if there is one; see `db.rules.promises.PromiseOutcome`."""

    NONE = "none", "約束なし"
    PENDING = "pending", "履行待ち"
    PARTLY = "partly", "一部履行"
    KEPT = "kept", "履行済み"
    BROKEN = "broken", "不履行"


class ConditionFormError(ValueError):
    """Something that is no condition: not what the builder sends, or of a later version. `code` is stable."""

    code = "condition_form"

    def __init__(self, what: str) -> None:
        super().__init__(f"条件の形式が正しくありません（{what}）。画面を開き直して、条件を指定し直してください。")


@dataclass(frozen=True, slots=True)
class Amount:
    """Principal past due and open, in yen."""

    kind: ClassVar = "amount"
    label: ClassVar = "滞納額（本税）"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class DebtAge:
    """Months since the oldest due date that is open; a case that owes nothing has none."""

    kind: ClassVar = "debt_age"
    label: ClassVar = "滞納期間"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class OpenCount:
    """How many installments are past due and open."""

    kind: ClassVar = "open_count"
    label: ClassVar = "滞納期別数"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Levy:
    """One installment, past due and open, that is of these items, of these fiscal years and of these numbers (期)."""

    kind: ClassVar = "levy"
    label: ClassVar = "税目・年度・期別"
    items: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class District:
    """The office's district of the registered address. Never true of the protected (支援措置)."""

    kind: ClassVar = "district"
    label: ClassVar = "地区"
    districts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HouseholdCases:
    """How many people of the household owe in the same business area, the person included."""

    kind: ClassVar = "household"
    label: ClassVar = "世帯内の滞納者数"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class HouseholdAmount:
    """What the household owes together in the same business area, in yen of principal."""

    kind: ClassVar = "household_amount"
    label: ClassVar = "世帯の滞納額（本税）"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class PromiseIs:
    """How the promise in force stands today."""

    kind: ClassVar = "promise"
    label: ClassVar = "納付約束"
    states: tuple[PromiseStanding, ...] = ()


@dataclass(frozen=True, slots=True)
class StateIs:
    """The workflow state (T10) as it was last derived; it follows a change within about a second."""

    kind: ClassVar = "state"
    label: ClassVar = "案件の状態"
    states: tuple[CaseState, ...] = ()


@dataclass(frozen=True, slots=True)
class LastContact:
    """The newest contact (corrections counted, what they correct not): days ago, how, with what result. Bare: there is one."""

    kind: ClassVar = "last_contact"
    label: ClassVar = "最終接触"
    low: int | None = None
    high: int | None = None
    channels: tuple[Channel, ...] = ()
    dispositions: tuple[str, ...] = ()
    answered_by: tuple[AnsweredBy, ...] = ()


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that may be dialled, of one of these kinds (of any kind, without)."""

    kind: ClassVar = "phone"
    label: ClassVar = "電話番号"
    kinds: tuple[PhoneKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Reachable:
    """The person answered a call of ours in one of these hours (from, up to but not at), on weekdays, weekends or either."""

    kind: ClassVar = "reachable"
    label: ClassVar = "つながった時間帯"
    low: int | None = None
    high: int | None = None
    weekend: bool | None = None


@dataclass(frozen=True, slots=True)
class Age:
    """Full years; never true of a company or where no birth date is known."""

    kind: ClassVar = "age"
    label: ClassVar = "年齢"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """The language to speak with the person."""

    kind: ClassVar = "language"
    label: ClassVar = "言語"
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonIs:
    """A person or a company."""

    kind: ClassVar = "person"
    label: ClassVar = "個人・法人"
    kinds: tuple[PersonKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Letters:
    """How many papers were sent."""

    kind: ClassVar = "letters"
    label: ClassVar = "文書の発送回数"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class LetterKind:
    """A paper of one of these kinds was ever sent."""

    kind: ClassVar = "letter_kind"
    label: ClassVar = "発送した文書"
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastLetter:
    """The newest paper: days ago, and whether it came back. Bare: there is one."""

    kind: ClassVar = "last_letter"
    label: ClassVar = "最終発送"
    low: int | None = None
    high: int | None = None
    returned: bool | None = None


@dataclass(frozen=True, slots=True)
class Flagged:
    """One of these circumstances holds today."""

    kind: ClassVar = "flag"
    label: ClassVar = "注意事項"
    kinds: tuple[FlagKind, ...] = ()


@dataclass(frozen=True, slots=True)
class InArea:
    """The case is one of these business areas."""

    kind: ClassVar = "area"
    label: ClassVar = "業務区分"
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """The case is given to one of these officers or groups (to anybody, without)."""

    kind: ClassVar = "assigned"
    label: ClassVar = "担当"
    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()


Leaf: TypeAlias = (
    Amount
    | DebtAge
    | OpenCount
    | Levy
    | District
    | HouseholdCases
    | HouseholdAmount
    | PromiseIs
    | StateIs
    | LastContact
    | Phone
    | Reachable
    | Age
    | Language
    | PersonIs
    | Letters
    | LetterKind
    | LastLetter
    | Flagged
    | InArea
    | Assigned
)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined. A group without parts asks nothing; only the outermost may be one."""

    how: Joining
    parts: tuple["Condition", ...] = ()


Condition: TypeAlias = Leaf | Group
Path: TypeAlias = tuple[int, ...]
"""Where in a tree a node is: the place in its group, from the outermost group on; () is the tree itself."""

EVERYTHING: Final = Group(Joining.ALL)
LEAVES: Final[Mapping[str, type[Leaf]]] = MappingProxyType({leaf.kind: leaf for leaf in get_args(Leaf)})
"""The kinds of leaf, in the order in which a builder offers them."""


def walk(tree: Condition, path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    """Every node with its path, a group before its parts."""
    yield path, tree
    if isinstance(tree, Group):
        for place, part in enumerate(tree.parts):
            yield from walk(part, (*path, place))


# -- JSON


def to_json(tree: Condition) -> dict[str, Any]:
    """The tree as an object for JSON; what a leaf does not ask is left out."""
    if isinstance(tree, Group):
        return {"kind": tree.how.value, "parts": [to_json(part) for part in tree.parts]}
    asked = ((one.name, getattr(tree, one.name)) for one in fields(tree))
    return {"kind": tree.kind, **{name: _plain(value) for name, value in asked if value not in (None, ())}}


def from_json(data: Any, depth: int = 0) -> Condition:
    """The tree of such an object; raises ConditionFormError for anything else."""
    if not isinstance(data, Mapping) or depth > DEEPEST:
        raise ConditionFormError("入れ子" if depth > DEEPEST else "条件")
    kind = data.get("kind")
    if isinstance(kind, str) and kind in set(Joining):
        parts = data.get("parts", [])
        if not isinstance(parts, list) or set(data) - {"kind", "parts"}:
            raise ConditionFormError("グループ")
        return Group(Joining(kind), tuple(from_json(part, depth + 1) for part in parts))
    leaf = LEAVES.get(kind) if isinstance(kind, str) else None
    if leaf is None:
        raise ConditionFormError("条件の種類")
    declared = get_type_hints(leaf)
    hints = {one.name: declared[one.name] for one in fields(leaf)}
    return leaf(**{name: _read(name, value, hints) for name, value in data.items() if name != "kind"})


DEEPEST: Final = 8
"""How deep groups may stand in groups for a tree to be read at all."""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _read(name: str, value: Any, hints: Mapping[str, Any]) -> Any:
    """A value as the field declares it: a whole number, yes or no, or a choice of codes or numbers."""
    declared = hints.get(name)
    if get_origin(declared) is tuple:
        member = get_args(declared)[0]
        if not isinstance(value, list) or not all(_fits(one, member) for one in value):
            raise ConditionFormError(name)
        return tuple(dict.fromkeys(member(one) for one in value))
    if declared is None or not _fits(value, get_args(declared)[0]):
        raise ConditionFormError(name)
    return value


def _fits(value: Any, kind: Any) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) and (kind is str or value in set(kind))
