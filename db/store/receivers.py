"""Who can be given work or told something in a business area: users who see its people, and groups with such users."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import Connection, Select, and_, bindparam, or_, select, true

from db.rules.terms import Area, Right
from db.rules.viewer import OFFICERS_ONLY, Viewer
from db.schema.staff import Grant, LevelRight, Membership, Staff, StaffGroup


@dataclass(frozen=True, slots=True)
class Receiver:
    """A user, or a group."""

    name: str
    user_id: int | None = None
    group_id: int | None = None

    @property
    def key(self) -> str:
        """What a form sends for it."""
        return f"u{self.user_id}" if self.user_id is not None else f"g{self.group_id}"


def of_area(tx: Connection, viewer: Viewer, area: Area) -> list[Receiver]:
    """Groups, then users by their names, who see people of an area; nobody for a viewer who does not."""
    if not viewer.may(Right.DEBTOR_VIEW, area):
        return []
    found = {row.id: row.name for row in tx.execute(_users(), {"area": area})}
    groups = tx.execute(_GROUPS, {"user_ids": found.keys()})
    users = sorted(found.items(), key=lambda each: (each[1], each[0]))
    return [
        *(Receiver(name, group_id=group_id) for group_id, name in groups),
        *(Receiver(name, user_id=user_id) for user_id, name in users),
    ]


def users_of(tx: Connection, receiver: Receiver, area: Area, right: Right = Right.DEBTOR_VIEW) -> list[int]:
    """The users with a right in an area whom a receiver stands for."""
    query = _users(right)
    if receiver.user_id is not None:
        query = query.where(Staff.id == receiver.user_id)
    else:
        query = query.where(
            Staff.id.in_(select(Membership.user_id).where(Membership.group_id == receiver.group_id))
        )  # fmt: skip
    return [user_id for user_id, _ in tx.execute(query, {"area": area})]


_GROUPS: Final = (
    select(StaffGroup.id, StaffGroup.name)
    .join(Membership, Membership.group_id == StaffGroup.id)
    .where(Membership.user_id.in_(bindparam("user_ids", expanding=True)))
    .group_by(StaffGroup.id, StaffGroup.name)
    .order_by(StaffGroup.name)
)


@cache
def _users(right: Right = Right.DEBTOR_VIEW) -> Select[int, str]:
    through_group = select(Membership.user_id).where(Membership.group_id == Grant.group_id)
    return (
        select(Staff.id, Staff.name)
        .join(Grant, or_(Grant.user_id == Staff.id, and_(Grant.group_id.is_not(None), Staff.id.in_(through_group))))
        .join(LevelRight, LevelRight.level_code == Grant.level_code)
        .where(Grant.area == bindparam("area"), LevelRight.right == right, Staff.disabled_at.is_(None))
        .where(Staff.contracted.is_(False) if right in OFFICERS_ONLY else true())
        .distinct()
    )
