"""Who asks: what every query about people or money takes, so that a forgotten check fails the type check."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from db.rules.terms import Area, Right

OFFICERS_ONLY = frozenset(
    {
        Right.PROTECTED_VIEW,
        Right.PROMISE_DECIDE,
        Right.RECALL_ANYONE,
        Right.PERSON_MERGE,
        Right.RECORDING_HOLD,
        Right.DOCUMENT_MAKE,
        Right.CAMPAIGN_RUN,
        Right.SMS_BATCH,
        Right.WORKFLOW_VIEW,
        Right.EXTRACT,
        Right.ASSIGN,
        Right.EXPORT,
        Right.IMPORT,
        Right.USER_ADMIN,
        Right.AUDIT_VIEW,
        Right.PBX_ADMIN,
    }
)
"""What contracted staff (委託) never hold, whatever level they are given: the exercise of public power (公権力の行使) and
what reaches beyond the person on the line."""


class NotAllowedError(Exception):
    """The viewer lacks a right. `code` is stable; the message is for the person at the screen."""

    code = "not_allowed"

    def __init__(self, right: Right, area: Area | None = None) -> None:
        what = f"{right.label}・{area.label}" if area else right.label
        super().__init__(f"この操作をする権限がありません（{what}）。")
        self.right = right
        self.area = area


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user with the rights they hold in each business area. Made in one place, from the database."""

    user_id: int
    login: str
    name: str
    rights: Mapping[Area, frozenset[Right]] = field(repr=False)
    contracted: bool = False
    group_ids: frozenset[int] = frozenset()

    def may(self, right: Right, area: Area) -> bool:
        """Whether the viewer holds `right` in `area`."""
        return right in self.rights.get(area, frozenset())

    def may_anywhere(self, right: Right) -> bool:
        """Whether the viewer holds `right` in any area (rights over the system itself belong to no area)."""
        return any(right in held for held in self.rights.values())

    def areas(self, right: Right = Right.DEBTOR_VIEW) -> frozenset[Area]:
        """The areas in which the viewer holds `right`."""
        return frozenset(area for area, held in self.rights.items() if right in held)

    def within(self, areas: Collection[Area]) -> "Viewer":
        """The same viewer, seeing only some areas."""
        return replace(self, rights={area: held for area, held in self.rights.items() if area in areas})

    def require(self, right: Right, area: Area | None = None) -> None:
        """Raise NotAllowedError unless the viewer holds `right` in `area` (or, without an area, anywhere)."""
        if not (self.may_anywhere(right) if area is None else self.may(right, area)):
            raise NotAllowedError(right, area)


def system_viewer(name: str) -> Viewer:
    """The system itself at work (a daemon, an import): it sees every area, and stands in the log under `name`."""
    return Viewer(user_id=0, login=name, name=name, rights={area: frozenset(Right) for area in Area})
