"""Users, groups, levels of rights, sessions, and the access log."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from db.rules.terms import Area, Right
from db.schema.base import Base, BigId, Code


class Staff(Base):
    """A user of the system. `contracted` staff (委託) may never do what only officers may."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    contracted: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str]
    password_set_at: Mapped[datetime]
    must_change_password: Mapped[bool] = mapped_column(default=True)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class OldPassword(Base):
    """A password hash once used, so that it is not used again."""

    __tablename__ = "old_password"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    password_hash: Mapped[str]
    set_at: Mapped[datetime]


class StaffGroup(Base):
    """A group of users (係・班)."""

    __tablename__ = "staff_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Membership(Base):
    """Who is in which group."""

    __tablename__ = "membership"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("staff_group.id"), primary_key=True, index=True)


class Level(Base):
    """A level of rights (権限レベル), such as operator or officer."""

    __tablename__ = "level"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    rank: Mapped[int]


class LevelRight(Base):
    """A right that a level carries."""

    __tablename__ = "level_right"

    level_code: Mapped[str] = mapped_column(ForeignKey("level.code"), primary_key=True)
    right: Mapped[Right] = mapped_column(Code(Right), primary_key=True)


class Grant(Base):
    """A level given to one user or to one group, in one business area."""

    __tablename__ = "level_grant"
    __table_args__ = (CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", "user_or_group"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("staff_group.id"), index=True)
    level_code: Mapped[str] = mapped_column(ForeignKey("level.code"))
    area: Mapped[Area] = mapped_column(Code(Area))


class Session(Base):
    """A log-in. Only the SHA-256 of its token is kept; a row can be revoked at any time."""

    __tablename__ = "session"

    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    csrf_token: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    remote: Mapped[str]
    agent: Mapped[str]


class AccessLog(Base):
    """One access: when, who, what, whose. A link of a hash chain; see `db.store.access_log` for how it is made.

    `debtor_id`, `detail` and `salt` can be erased later; `digest`, and with it the chain, stays.
    """

    __tablename__ = "access_log"
    __table_args__ = (Index(None, "debtor_id", "at"), Index(None, "user_id", "at"))

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[int]
    login: Mapped[str]
    action: Mapped[str]
    debtor_id: Mapped[int | None] = mapped_column(BigId)
    detail: Mapped[str | None]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    chain: Mapped[bytes] = mapped_column(LargeBinary(32))


class AccessHead(Base):
    """The last link of the access log, in one row: what writers queue on, and what shows that the end was cut off."""

    __tablename__ = "access_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigId)
    chain: Mapped[bytes] = mapped_column(LargeBinary(32))


class Shown(Base):
    """Whom a list that refreshes itself shows a user, as of its last rows in the access log (`db.store.shown`)."""

    __tablename__ = "shown"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    screen: Mapped[str] = mapped_column(primary_key=True)
    debtor_ids: Mapped[list[int]] = mapped_column(JSON)
    at: Mapped[datetime]
