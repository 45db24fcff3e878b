"""Whether a case comes under a tree of conditions, decided in plain Python from the facts: beside what the database says."""

from calendar import monthrange
from datetime import date, datetime

from db.rules import conditions as c
from db.rules.conditions import Condition, Group, Joining, PromiseStanding
from db.rules.terms import FlagKind
from tests.integration.db.facts import TOKYO, Facts


def matches(tree: Condition, case: Facts, now: datetime) -> bool:
    """Whether `case` comes under `tree` at `now`."""
    if isinstance(tree, Group):
        parts = [matches(part, case, now) for part in tree.parts]
        return {Joining.ALL: all(parts), Joining.ANY: any(parts), Joining.NONE: not any(parts)}[tree.how]
    return bool(_leaf(tree, case, now.astimezone(TOKYO).date()))


def _leaf(leaf: c.Leaf, case: Facts, today: date) -> object:  # noqa: C901 - a case a condition
    match leaf:
        case c.Amount():
            return _in(leaf, case.principal)
        case c.DebtAge():
            return case.oldest is not None and _months(leaf, case.oldest, today)
        case c.OpenCount():
            return _in(leaf, len(case.open))
        case c.Levy():
            return any(_is(leaf, line) for line in case.open)
        case c.District():
            return FlagKind.PROTECTED not in case.flags and case.district in leaf.districts
        case c.HouseholdCases():
            return _in(leaf, case.household_cases)
        case c.HouseholdAmount():
            return _in(leaf, case.household_principal)
        case c.PromiseIs():
            return (PromiseStanding(case.promise.value) if case.promise else PromiseStanding.NONE) in leaf.states
        case c.StateIs():
            return case.state in leaf.states
        case c.LastContact():
            return case.last is not None and (
                _in(leaf, (today - case.last.at.astimezone(TOKYO).date()).days)
                and case.last.channel in (leaf.channels or (case.last.channel,))
                and case.last.disposition in (leaf.dispositions or (case.last.disposition,))
                and case.last.answered_by in (leaf.answered_by or (case.last.answered_by,))
            )
        case c.Phone():
            return case.phones & set(leaf.kinds) if leaf.kinds else case.phones
        case c.Reachable():
            wanted = range(leaf.low or 0, 24 if leaf.high is None else leaf.high)
            return any(h in wanted and leaf.weekend in (None, w) for w, h in case.hours)
        case c.Age():
            return case.birth is not None and _in(leaf, _years(case.birth, today))
        case c.Language():
            return case.language in leaf.languages
        case c.PersonIs():
            return case.kind in leaf.kinds
        case c.Letters():
            return _in(leaf, len(case.letters))
        case c.LetterKind():
            return {letter.kind for letter in case.letters} & set(leaf.kinds)
        case c.LastLetter():
            letter = case.last_letter
            return letter is not None and (
                _in(leaf, (today - letter.sent_on).days) and leaf.returned in (None, letter.returned_on is not None)
            )
        case c.Flagged():
            return case.flags & set(leaf.kinds)
        case c.InArea():
            return case.area in leaf.areas
        case c.Assigned():
            if not leaf.users and not leaf.groups:
                return case.assigned_user or case.assigned_group
            return case.assigned_user in leaf.users or case.assigned_group in leaf.groups


def _in(leaf: object, value: int) -> bool:
    low, high = leaf.low, leaf.high  # type: ignore[attr-defined]
    return (low is None or value >= low) and (high is None or value <= high)


def _is(leaf: c.Levy, line: tuple[str, int, int, date, int]) -> bool:
    item, year, number, *_ = line
    return (
        item in (leaf.items or (item,))
        and (leaf.year_from is None or year >= leaf.year_from)
        and (leaf.year_to is None or year <= leaf.year_to)
        and number in (leaf.numbers or (number,))
    )


def _months(leaf: c.DebtAge, due: date, today: date) -> bool:
    def ago(months: int) -> date:
        count = today.year * 12 + today.month - 1 - months
        year, month = count // 12, count % 12 + 1
        return date(year, month, min(today.day, monthrange(year, month)[1]))

    return (leaf.low is None or due <= ago(leaf.low)) and (leaf.high is None or due >= ago(leaf.high))


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
