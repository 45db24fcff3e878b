"""Are two people of the register one person under two numbers (名寄せ)? A score, and in words what agrees and what differs.

Nobody is taken for somebody else by a machine: this only says which pairs are worth an officer's look. A pair is offered
when the name or its reading agrees, and besides it the birth date or an address; a telephone that two share adds to that
and is never enough (families and workplaces share one), and two different birth dates always speak against it. The points
are an order of magnitude of how seldom strangers agree in a thing, not probabilities; an office that knows better changes
them here.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from db.rules.terms import PersonKind

OFFER_FROM: Final = 8
"""A pair is offered from this score on: name, reading and birth date give 11, and other homes take one off."""

_NAME = 3
_KANA = 3
_BORN = 5
_NEARLY_BORN = -1
_BORN_APART = -6
_HOME = 4
_FORMER_HOME = 3
_HOMES_APART = -1
_PHONE = 2
_STRONG = 14
_FAIR = 10


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is compared of one person: search forms of name and reading, addresses as `rules.identity.address_key`,
    numbers as E.164. What is not known is empty."""

    kind: PersonKind
    name: str
    kana: str
    birth_date: date | None = None
    homes: frozenset[str] = frozenset()
    former_homes: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two people are. `offered`: it is worth an officer's look."""

    score: int
    agrees: tuple[str, ...]
    differs: tuple[str, ...]
    offered: bool

    @property
    def strength(self) -> str:
        """The score in a word."""
        return "高" if self.score >= _STRONG else "中" if self.score >= _FAIR else "低"


@dataclass(frozen=True, slots=True)
class _Point:
    """What one thing says: its points, its words, and whether they speak for the pair."""

    score: int
    words: str
    speaks_for: bool


def compare(one: Particulars, other: Particulars) -> Likeness:
    """Compare two people; the order of the two makes no difference."""
    names = [_name(one, other), _kana(one, other)]
    proofs = [_born(one, other), _home(one, other)]
    points = [point for point in (*names, *proofs, _phone(one, other)) if point]
    score = sum(point.score for point in points)
    agrees = [point.words for point in points if point.speaks_for]
    differs = [point.words for point in points if not point.speaks_for]
    same_kind = one.kind is other.kind
    if not same_kind:
        differs.insert(0, "個人と法人の別が違います")
    offered = same_kind and _any_for(names) and _any_for(proofs) and not _born_apart(one, other)
    return Likeness(score, tuple(agrees), tuple(differs), offered and score >= OFFER_FROM)


def _any_for(points: list[_Point | None]) -> bool:
    return any(point is not None and point.speaks_for for point in points)


def _name(one: Particulars, other: Particulars) -> _Point | None:
    if not one.name or not other.name:
        return None
    same = one.name == other.name
    return _Point(_NAME, "氏名が一致", True) if same else _Point(0, "氏名の文字が違います", False)


def _kana(one: Particulars, other: Particulars) -> _Point | None:
    if not one.kana or not other.kana:
        return None
    same = one.kana == other.kana
    return _Point(_KANA, "カナが一致", True) if same else _Point(0, "カナが違います", False)


def _born(one: Particulars, other: Particulars) -> _Point | None:
    if one.birth_date is None and other.birth_date is None:
        return None
    if one.birth_date is None or other.birth_date is None:
        return _Point(0, "生年月日の記録が一方にありません", False)
    if one.birth_date == other.birth_date:
        return _Point(_BORN, "生年月日が一致", True)
    if _nearly(one.birth_date, other.birth_date):
        return _Point(_NEARLY_BORN, "生年月日が1か所だけ違います", False)
    return _Point(_BORN_APART, "生年月日が違います", False)


def _born_apart(one: Particulars, other: Particulars) -> bool:
    if one.birth_date is None or other.birth_date is None or one.birth_date == other.birth_date:
        return False
    return not _nearly(one.birth_date, other.birth_date)


def _nearly(one: date, other: date) -> bool:
    """One slip of the hand: one of year, month and day is another, or month and day changed places."""
    slips = sum(getattr(one, part) != getattr(other, part) for part in ("year", "month", "day"))
    swapped = one.year == other.year and (one.month, one.day) == (other.day, other.month)
    return slips == 1 or swapped


def _home(one: Particulars, other: Particulars) -> _Point | None:
    if one.homes & other.homes:
        return _Point(_HOME, "住所が一致", True)
    if one.homes & other.former_homes or other.homes & one.former_homes:
        return _Point(_FORMER_HOME, "一方の前住所が他方の住所と一致", True)
    if not one.homes or not other.homes:
        return _Point(0, "住所の記録が一方にありません", False) if one.homes or other.homes else None
    return _Point(_HOMES_APART, "住所が違います", False)


def _phone(one: Particulars, other: Particulars) -> _Point | None:
    if one.phones & other.phones:
        return _Point(_PHONE, "電話番号が同じ", True)
    if not one.phones or not other.phones:
        return None
    return _Point(0, "電話番号が違います", False)
