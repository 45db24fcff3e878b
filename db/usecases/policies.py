"""The office's rules of contact for each business area (C4): in force, changed by those with the right, with their history.

A rule is kept as a whole, as a row of `office_setting` that is never changed; the newest of an area is in force. An area
whose rules were never set has those of the settings file. What cannot be read stops the contact: it is never guessed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, time
from typing import Any, Final

from sqlalchemy import Connection, select

from db.outbox import publish
from db.rules.eligibility import NIGHT_BEGINS, NIGHT_ENDS, ContactPolicy
from db.rules.terms import Area, PhoneKind, Right
from db.rules.viewer import Viewer
from db.schema.ops import OfficeSetting
from db.schema.staff import Staff
from db.store import access_log, office
from db.usecases.office import Office

TOPIC: Final = "office"
LABELS: Final[Mapping[str, str]] = {
    "opens": "連絡を始める時刻",
    "closes": "連絡を終える時刻",
    "closed_days": "閉庁日の連絡",
    "person_per_day": "1人への連絡（1日）",
    "person_per_week": "1人への連絡（1週間）",
    "household_per_day": "1世帯への連絡（1日）",
    "number_per_day": "1番号への連絡（1日）",
    "data_age_limit_hours": "収納データの有効時間",
    "callable_kinds": "架電する番号の種類",
    "protected_by_officer": "支援措置対象者への職員による架電",
}
MOST: Final[Mapping[str, int]] = {
    "person_per_day": 10,
    "person_per_week": 30,
    "household_per_day": 20,
    "number_per_day": 10,
    "data_age_limit_hours": 24 * 31,
}
"""The highest that each number may be set to."""
LONGEST_REASON: Final = 200
HISTORY: Final = 50


class PolicyError(Exception):
    """The rules cannot be set so; `fields` says for each what is wrong with it."""

    code = "policy"

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__("入力内容を確認してください。")
        self.fields = wrong


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an area's rules: when, by whom, why, and what, in words."""

    at: datetime
    by: str | None
    reason: str
    changes: Sequence[str]


def policy_of(tx: Connection, area: Area, default: Office) -> ContactPolicy:
    """The rules in force in an area. Raises ValueError or TypeError for a row that is not one of ours."""
    return _policy(office.value(tx, _key(area)), default)


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules of some areas, and whether everything that dials or sends is stopped."""

    policies: Mapping[Area, ContactPolicy]
    stopped: bool


def rules_of(tx: Connection, areas: Collection[Area], default: Office) -> InForce:
    """The same for several areas, with the emergency stop, in one question."""
    kept = office.values(tx, [office.EMERGENCY_STOP, *map(_key, areas)])
    policies = {area: _policy(kept.get(_key(area)), default) for area in areas}
    return InForce(policies, bool(kept.get(office.EMERGENCY_STOP)))


def _policy(kept: Any, default: Office) -> ContactPolicy:
    return default.policy if kept is None else _read(kept["policy"])


def change(
    tx: Connection, viewer: Viewer, area: Area, new: ContactPolicy, reason: str, now: datetime, default: Office
) -> Sequence[str]:
    """Set the rules of an area from now on; returns what changes, in words. Raises NotAllowedError, PolicyError."""
    viewer.require(Right.RULES_EDIT, area)
    words = " ".join(reason.split())
    changes = list(_differences(policy_of(tx, area, default), new))
    wrong = dict(_wrong(new))
    if not words:
        wrong["reason"] = "変更の理由を入力してください。"
    elif len(words) > LONGEST_REASON:
        wrong["reason"] = f"{LONGEST_REASON}文字以内で入力してください。"
    if wrong:
        raise PolicyError(wrong)
    if changes:
        office.put(tx, viewer, _key(area), {"policy": _write(new), "reason": words, "changes": changes}, now)
        access_log.append(tx, viewer, now, "rules.change", detail=f"{area.label} {'、'.join(changes)} 理由: {words}")
        publish(tx, now, TOPIC, _key(area))
    return changes


def history(tx: Connection, viewer: Viewer, area: Area) -> Sequence[Change]:
    """The changes of an area's rules, newest first."""
    viewer.require(Right.RULES_EDIT, area)
    rows = tx.execute(
        select(OfficeSetting.set_at, Staff.name, OfficeSetting.value)
        .outerjoin(Staff, Staff.id == OfficeSetting.set_by)
        .where(OfficeSetting.key == _key(area))
        .order_by(OfficeSetting.id.desc())
        .limit(HISTORY)
    )
    return [Change(row.set_at, row.name, row.value["reason"], row.value["changes"]) for row in rows]


def _key(area: Area) -> str:
    return f"contact_policy.{area.value}"


def _wrong(policy: ContactPolicy) -> Iterator[tuple[str, str]]:
    if policy.opens < NIGHT_ENDS:
        yield "opens", f"{NIGHT_ENDS:%H:%M}以降にしてください。それより早い連絡は誰にもできません。"
    if policy.closes > NIGHT_BEGINS:
        yield "closes", f"{NIGHT_BEGINS:%H:%M}までにしてください。それより遅い連絡は誰にもできません。"
    for name, most in MOST.items():
        if not 0 <= getattr(policy, name) <= most:
            yield name, f"0～{most}の数字を入力してください。"
    if policy.person_per_day > policy.person_per_week:
        yield "person_per_week", "1日の回数より少なくはできません。"


def _differences(old: ContactPolicy, new: ContactPolicy) -> Iterator[str]:
    for name, label in LABELS.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{label}: {_words(before)}→{_words(after)}"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "可" if value else "不可"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, frozenset):
        return "・".join(kind.label for kind in PhoneKind if kind in value) or "なし"
    return str(value)


def _write(policy: ContactPolicy) -> dict[str, Any]:
    kept = asdict(policy)
    return kept | {
        "opens": policy.opens.isoformat("minutes"),
        "closes": policy.closes.isoformat("minutes"),
        "callable_kinds": sorted(kind.value for kind in policy.callable_kinds),
    }


def _read(kept: Mapping[str, Any]) -> ContactPolicy:
    known = {field.name for field in fields(ContactPolicy)}
    values = {name: value for name, value in kept.items() if name in known}
    return ContactPolicy(**values | {
        "opens": time.fromisoformat(kept["opens"]),
        "closes": time.fromisoformat(kept["closes"]),
        "callable_kinds": frozenset(map(PhoneKind, kept["callable_kinds"])),
    })  # fmt: skip
