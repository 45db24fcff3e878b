"""Users, their rights, and their sessions."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, bindparam, func, null, or_, select, union_all

from db.rules.terms import Area, Right
from db.rules.viewer import OFFICERS_ONLY, Viewer
from db.schema.staff import Grant, Level, LevelRight, Membership, OldPassword, Session, Staff
from db.store.bound import USER_ID


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is needed to judge a log-in. Never leaves the server."""

    user_id: int
    password_hash: str
    password_set_at: datetime
    must_change_password: bool
    disabled: bool


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session that was found, whether or not it still counts."""

    user_id: int
    csrf_token: str
    seen_at: datetime
    expires_at: datetime
    revoked: bool
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A level that a user holds by themselves in one area."""

    id: int
    level: str
    level_name: str
    area: Area


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A user, as the administrator sees them. `seen_at` is the last use of a session."""

    id: int
    login: str
    name: str
    contracted: bool
    disabled_at: datetime | None
    locked_until: datetime | None
    must_change_password: bool
    seen_at: datetime | None
    grants: Sequence[GrantRow]


def credentials(tx: Connection, login: str) -> Credentials | None:
    """The credentials of a user by log-in name."""
    row = tx.execute(select(Staff).where(Staff.login == login)).one_or_none()
    if row is None:
        return None
    return Credentials(
        user_id=row.id,
        password_hash=row.password_hash,
        password_set_at=row.password_set_at,
        must_change_password=row.must_change_password,
        disabled=row.disabled_at is not None,
    )


def viewer(tx: Connection, user_id: int) -> Viewer | None:
    """A user with all rights they hold by themselves and through their groups; None if disabled or unknown."""
    asked = {"user_id": user_id}
    user = tx.execute(_USER, asked).one_or_none()
    if user is None:
        return None
    held = tx.execute(_HELD, asked).all()
    withheld = OFFICERS_ONLY if user.contracted else frozenset()
    rights: defaultdict[Area, set[Right]] = defaultdict(set)
    for row in held:
        if row.right is not None:
            rights[row.area].add(row.right)
    return Viewer(
        user_id=user_id,
        login=user.login,
        name=user.name,
        rights={area: frozenset(found - withheld) for area, found in rights.items()},
        contracted=user.contracted,
        group_ids=frozenset(row.group_id for row in held if row.group_id is not None),
    )


_USER: Final = select(Staff.login, Staff.name, Staff.contracted).where(Staff.id == USER_ID, Staff.disabled_at.is_(None))
_GROUPS: Final = select(Membership.group_id).where(Membership.user_id == USER_ID)
_RIGHTS: Final = (
    select(Grant.area, LevelRight.right, null().label("group_id"))
    .join(LevelRight, LevelRight.level_code == Grant.level_code)
    .where(or_(Grant.user_id == USER_ID, Grant.group_id.in_(_GROUPS)))
)
_HELD: Final[CompoundSelect[*tuple[Any, ...]]] = union_all(
    _RIGHTS, select(null(), null(), Membership.group_id).where(Membership.user_id == USER_ID)
)
"""The rights of a user, and the groups they are in."""


def token_digest(token: str) -> bytes:
    """What is kept of a session token. The token has 256 random bits, so a plain hash suffices."""
    return hashlib.sha256(token.encode()).digest()


def session(tx: Connection, token: str) -> SessionState | None:
    """The session that a cookie names."""
    row = tx.execute(_SESSION, {"token_digest": token_digest(token)}).one_or_none()
    if row is None:
        return None
    return SessionState(
        user_id=row.user_id,
        csrf_token=row.csrf_token,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        revoked=row.revoked_at is not None,
        must_change_password=row.must_change_password,
    )


_SESSION: Final = (
    select(
        Session.user_id,
        Session.csrf_token,
        Session.seen_at,
        Session.expires_at,
        Session.revoked_at,
        Staff.must_change_password,
    )
    .join(Staff, Staff.id == Session.user_id)
    .where(Session.token_digest == bindparam("token_digest"))
)


def users(tx: Connection, by: Viewer) -> list[StaffRow]:
    """All users in order of their log-in names, those in use before the disabled ones; for administrators of users."""
    by.require(Right.USER_ADMIN)
    grants: defaultdict[int, list[GrantRow]] = defaultdict(list)
    held = (
        select(Grant.user_id, Grant.id, Grant.level_code, Level.name, Grant.area)
        .join(Level, Level.code == Grant.level_code)
        .where(Grant.user_id.is_not(None))
        .order_by(Level.rank, Grant.area)
    )
    for user_id, grant_id, level, name, area in tx.execute(held):
        if user_id is not None:
            grants[user_id].append(GrantRow(grant_id, level, name, area))
    seen = select(func.max(Session.seen_at)).where(Session.user_id == Staff.id).scalar_subquery().label("seen_at")
    query = select(
        Staff.id, Staff.login, Staff.name, Staff.contracted, Staff.disabled_at, Staff.locked_until,
        Staff.must_change_password, seen,
    ).order_by(Staff.disabled_at.is_not(None), Staff.login)  # fmt: skip
    return [
        StaffRow(
            id=row.id,
            login=row.login,
            name=row.name,
            contracted=row.contracted,
            disabled_at=row.disabled_at,
            locked_until=row.locked_until,
            must_change_password=row.must_change_password,
            seen_at=row.seen_at,
            grants=grants[row.id],
        )
        for row in tx.execute(query)
    ]


def levels(tx: Connection) -> list[tuple[str, str]]:
    """The levels of rights (code, name), lowest first."""
    return [(row.code, row.name) for row in tx.execute(select(Level.code, Level.name).order_by(Level.rank))]


def old_passwords(tx: Connection, user_id: int, count: int) -> Sequence[str]:
    """The hashes of a user's last passwords, newest first, the present one included."""
    present = tx.execute(select(Staff.password_hash).where(Staff.id == user_id)).scalar_one()
    older = (
        select(OldPassword.password_hash)
        .where(OldPassword.user_id == user_id)
        .order_by(OldPassword.id.desc())
        .limit(count)
    )
    return [present, *tx.execute(older).scalars()][:count]
