"""Logging in and out, sessions, and the administration of users.

Checking a password is slow by design, so it is done outside of a transaction: read `store.staff.credentials`, verify in a
thread, then call `record_sign_in` with the outcome. The answer to a wrong password, an unknown user, a locked and a
disabled account is the same.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from db.rules.passwords import LoginGuard, PasswordPolicy, after_failure, after_success, is_expired
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer, system_viewer
from db.schema.calls import Call
from db.schema.staff import Grant, Level, Membership, OldPassword, Session, Staff, StaffGroup
from db.store import access_log, monitors, staff
from db.store.staff import Credentials, SessionState
from db.usecases import duty

DEFAULT_POLICY: Final = PasswordPolicy()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the token for the cookie, which is kept nowhere else."""

    token: str
    user_id: int
    must_change_password: bool


class UnknownUserError(Exception):
    """There is no user of that log-in name."""

    code = "unknown_user"


class LoginTakenError(Exception):
    """The log-in name is in use."""

    code = "login_taken"


def record_sign_in(
    tx: Connection,
    found: Credentials | None,
    *,
    verified: bool,
    login: str,
    now: datetime,
    lifetime: timedelta,
    remote: str,
    agent: str,
    policy: PasswordPolicy = DEFAULT_POLICY,
) -> SignedIn | None:
    """Judge a log-in after its password was checked: a new session, or None, which says nothing of why."""
    if found is None:
        access_log.append(tx, system_viewer("login"), now, "login.refused", detail=f"{login[:64]} {remote}")
        return None
    guard = _guard(tx, found.user_id)
    locked = guard.is_locked(now)
    if not verified or locked or found.disabled:
        if not verified:
            _keep_guard(tx, found.user_id, after_failure(guard, now, policy))
        who = Viewer(found.user_id, login, login, rights={})
        access_log.append(tx, who, now, "login.refused", detail=f"{remote}{' 以後ロック' if locked else ''}")
        return None
    _keep_guard(tx, found.user_id, after_success())
    must_change = found.must_change_password or is_expired(found.password_set_at, now, policy)
    if must_change:
        tx.execute(update(Staff).where(Staff.id == found.user_id).values(must_change_password=True))
    token = secrets.token_urlsafe(32)
    tx.execute(
        insert(Session).values(
            token_digest=staff.token_digest(token),
            user_id=found.user_id,
            csrf_token=secrets.token_urlsafe(32),
            created_at=now,
            seen_at=now,
            expires_at=now + lifetime,
            remote=remote,
            agent=agent[:200],
        )
    )
    access_log.append(tx, Viewer(found.user_id, login, login, rights={}), now, "login", detail=remote)
    return SignedIn(token, found.user_id, must_change)


def is_live(state: SessionState, now: datetime, idle: timedelta) -> bool:
    """Whether a session still counts: not revoked, not past its end, not idle for too long."""
    return not state.revoked and now < state.expires_at and now - state.seen_at < idle


def touch_session(tx: Connection, token: str, now: datetime) -> None:
    """Note that a session is in use (the panel does so once a minute, not at every request)."""
    tx.execute(update(Session).where(Session.token_digest == staff.token_digest(token)).values(seen_at=now))


def sign_out(tx: Connection, token: str, viewer: Viewer, now: datetime) -> None:
    """End one session."""
    tx.execute(update(Session).where(Session.token_digest == staff.token_digest(token)).values(revoked_at=now))
    access_log.append(tx, viewer, now, "logout")


def revoke_sessions(tx: Connection, user_id: int, now: datetime, *, keep: str | None = None) -> int:
    """End all sessions of a user, but for the one whose token is `keep`."""
    query = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
    if keep is not None:
        query = query.where(Session.token_digest != staff.token_digest(keep))
    return tx.execute(query.values(revoked_at=now)).rowcount


def purge_sessions(tx: Connection, now: datetime) -> int:
    """Erase sessions that ended more than a month ago."""
    return tx.execute(delete(Session).where(Session.expires_at < now - timedelta(days=31))).rowcount


def add_user(
    tx: Connection,
    by: Viewer,
    now: datetime,
    *,
    login: str,
    name: str,
    password_hash: str,
    contracted: bool = False,
    must_change_password: bool = True,
) -> int:
    """Add a user, with no rights yet."""
    by.require(Right.USER_ADMIN)
    if staff.credentials(tx, login) is not None:
        raise LoginTakenError(f"ログイン名「{login}」は既に使われています")
    user_id = tx.execute(
        insert(Staff)
        .values(
            login=login,
            name=name,
            contracted=contracted,
            password_hash=password_hash,
            password_set_at=now,
            must_change_password=must_change_password,
        )
        .returning(Staff.id)
    ).scalar_one()
    access_log.append(tx, by, now, "user.add", detail=login)
    return user_id


def grant(tx: Connection, by: Viewer, now: datetime, *, user_id: int, level: str, areas: Collection[Area]) -> None:
    """Give a user a level in some business areas."""
    by.require(Right.USER_ADMIN)
    for area in sorted(areas):
        tx.execute(insert(Grant).values(user_id=user_id, level_code=level, area=area))
    access_log.append(tx, by, now, "user.grant", detail=f"{_login(tx, user_id)} {_granted(tx, level, areas)}")


def revoke_grant(tx: Connection, by: Viewer, now: datetime, *, user_id: int, grant_id: int) -> None:
    """Take a level away from a user; it counts at their next click, and at once for a call that they listen to.

    Unknown ids change nothing.
    """
    by.require(Right.USER_ADMIN)
    gone = delete(Grant).where(Grant.id == grant_id, Grant.user_id == user_id).returning(Grant.level_code, Grant.area)
    for row in tx.execute(gone).all():
        access_log.append(
            tx, by, now, "user.revoke", detail=f"{_login(tx, user_id)} {_granted(tx, row.level_code, [row.area])}"
        )
    _hear_no_more(tx, user_id, now, "権限の取消")


def grant_group(
    tx: Connection, by: Viewer, now: datetime, *, group_id: int, level: str, areas: Collection[Area]
) -> None:
    """Give a group a level in some business areas."""
    by.require(Right.USER_ADMIN)
    for area in sorted(areas):
        tx.execute(insert(Grant).values(group_id=group_id, level_code=level, area=area))
    access_log.append(tx, by, now, "group.grant", detail=f"{_group(tx, group_id)} {_granted(tx, level, areas)}")


def add_group(tx: Connection, by: Viewer, now: datetime, name: str) -> int:
    """Add a group of users."""
    by.require(Right.USER_ADMIN)
    group_id = tx.execute(insert(StaffGroup).values(name=name).returning(StaffGroup.id)).scalar_one()
    access_log.append(tx, by, now, "group.add", detail=name)
    return group_id


def join_group(tx: Connection, by: Viewer, now: datetime, *, user_id: int, group_id: int) -> None:
    """Put a user into a group."""
    by.require(Right.USER_ADMIN)
    tx.execute(insert(Membership).values(user_id=user_id, group_id=group_id))
    access_log.append(tx, by, now, "group.join", detail=f"{_login(tx, user_id)} {_group(tx, group_id)}")


def set_password(
    tx: Connection, by: Viewer, now: datetime, *, user_id: int, password_hash: str, must_change: bool
) -> None:
    """Replace a user's password; unlocks the account and ends every session of theirs that is not `by`'s own change."""
    if by.user_id != user_id:
        by.require(Right.USER_ADMIN)
    old = tx.execute(select(Staff.password_hash, Staff.password_set_at).where(Staff.id == user_id)).one()
    tx.execute(insert(OldPassword).values(user_id=user_id, password_hash=old.password_hash, set_at=old.password_set_at))
    tx.execute(
        update(Staff)
        .where(Staff.id == user_id)
        .values(
            password_hash=password_hash,
            password_set_at=now,
            must_change_password=must_change,
            failures=0,
            locked_until=None,
        )
    )
    access_log.append(tx, by, now, "user.password", detail=_login(tx, user_id))


def change_password(
    tx: Connection, by: Viewer, now: datetime, *, user_id: int, password_hash: str, keep: str | None = None
) -> None:
    """A user's own change (their other sessions end, `keep` goes on), or an administrator's reset (all of them end)."""
    set_password(tx, by, now, user_id=user_id, password_hash=password_hash, must_change=by.user_id != user_id)
    revoke_sessions(tx, user_id, now, keep=keep)


def enable_user(tx: Connection, by: Viewer, now: datetime, login: str) -> None:
    """Let a disabled user in again, with the rights they had."""
    by.require(Right.USER_ADMIN)
    found = staff.credentials(tx, login)
    if found is None:
        raise UnknownUserError(f"ログイン名「{login}」の利用者はいません")
    tx.execute(update(Staff).where(Staff.id == found.user_id).values(disabled_at=None))
    access_log.append(tx, by, now, "user.enable", detail=login)


def disable_user(tx: Connection, by: Viewer, now: datetime, login: str) -> None:
    """Shut a user out at once: no log-in, no session goes on, and no call is listened to any more."""
    by.require(Right.USER_ADMIN)
    found = staff.credentials(tx, login)
    if found is None:
        raise UnknownUserError(f"ログイン名「{login}」の利用者はいません")
    tx.execute(update(Staff).where(Staff.id == found.user_id).values(disabled_at=now))
    revoke_sessions(tx, found.user_id, now)
    access_log.append(tx, by, now, "user.disable", detail=login)
    _hear_no_more(tx, found.user_id, now, "利用停止")


def _hear_no_more(tx: Connection, user_id: int, now: datetime, why: str) -> None:
    """End what somebody hears of a call if they have the right to no more: a click need never come while they listen."""
    viewer = staff.viewer(tx, user_id)
    for row in monitors.open_ones(tx, user_id=user_id):
        area = tx.execute(select(Call.area).where(Call.id == row.call_id)).scalar_one()
        if viewer is None or not viewer.may(Right.CALL_MONITOR, area):
            duty.stop_monitoring(tx, now, why, user_id=user_id)


def _login(tx: Connection, user_id: int) -> str:
    return tx.execute(select(Staff.login).where(Staff.id == user_id)).scalar_one()


def _group(tx: Connection, group_id: int) -> str:
    return "グループ「" + tx.execute(select(StaffGroup.name).where(StaffGroup.id == group_id)).scalar_one() + "」"


def _granted(tx: Connection, level: str, areas: Collection[Area]) -> str:
    name = tx.execute(select(Level.name).where(Level.code == level)).scalar_one()
    return f"{name}（{'・'.join(area.label for area in sorted(areas))}）"


def _guard(tx: Connection, user_id: int) -> LoginGuard:
    row = tx.execute(select(Staff.failures, Staff.locked_until).where(Staff.id == user_id).with_for_update()).one()
    return LoginGuard(row.failures, row.locked_until)


def _keep_guard(tx: Connection, user_id: int, guard: LoginGuard) -> None:
    values = {"failures": guard.failures, "locked_until": guard.locked_until}
    tx.execute(update(Staff).where(Staff.id == user_id).values(**values))
