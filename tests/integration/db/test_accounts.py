"""Log-in, lock-out, sessions (C1, C3)."""

from datetime import timedelta

import pytest

from db.reference.passwords import hash_password, verify_password
from db.rules.terms import Area, Right
from db.rules.viewer import NotAllowedError
from db.store import staff
from db.usecases import accounts
from db.usecases.accounts import SignedIn
from tests.integration.db.people import ADMIN, NOW, SmallOffice


def sign_in(small: SmallOffice, login: str, *, verified: bool, after: timedelta = timedelta()) -> SignedIn | None:
    with small.database.write() as tx:
        return accounts.record_sign_in(
            tx,
            staff.credentials(tx, login),
            verified=verified,
            login=login,
            now=NOW + after,
            lifetime=timedelta(hours=8),
            remote="127.0.0.1",
            agent="test",
        )


@pytest.mark.req("C3")
def test_an_account_locks_at_the_fifth_wrong_password_and_opens_after_a_while(small: SmallOffice) -> None:
    small.user("op")
    for _ in range(4):
        assert sign_in(small, "op", verified=False) is None
    assert sign_in(small, "op", verified=True) is not None
    for _ in range(5):
        assert sign_in(small, "op", verified=False) is None
    assert sign_in(small, "op", verified=True) is None
    assert sign_in(small, "op", verified=True, after=timedelta(minutes=16)) is not None


@pytest.mark.req("C3")
def test_an_unknown_user_is_refused_and_logged(small: SmallOffice) -> None:
    auditor = small.user("auditor", "auditor")
    assert sign_in(small, "nobody", verified=False) is None
    with small.database.read() as tx:
        from db.store import access_log

        assert access_log.entries(tx, auditor)[0].action == "login.refused"


@pytest.mark.req("C3")
def test_sessions_can_be_revoked_and_go_idle(small: SmallOffice) -> None:
    small.user("op")
    signed = sign_in(small, "op", verified=True)
    assert signed is not None
    with small.database.write() as tx:
        state = staff.session(tx, signed.token)
        assert state is not None
        assert accounts.is_live(state, NOW, timedelta(minutes=30))
        assert not accounts.is_live(state, NOW + timedelta(minutes=31), timedelta(minutes=30))
        assert not accounts.is_live(state, NOW + timedelta(hours=9), timedelta(hours=24))
        accounts.revoke_sessions(tx, signed.user_id, NOW)
        revoked = staff.session(tx, signed.token)
        assert revoked is not None
        assert not accounts.is_live(revoked, NOW, timedelta(minutes=30))


@pytest.mark.req("C3")
def test_an_expired_password_must_be_changed(small: SmallOffice) -> None:
    small.user("op")
    signed = sign_in(small, "op", verified=True, after=timedelta(days=181))
    assert signed is not None
    assert signed.must_change_password


@pytest.mark.req("C1")
def test_a_disabled_user_is_out_at_once(small: SmallOffice) -> None:
    viewer = small.user("op")
    signed = sign_in(small, "op", verified=True)
    assert signed is not None
    with small.database.write() as tx:
        accounts.disable_user(tx, ADMIN, NOW, "op")
        assert staff.viewer(tx, viewer.user_id) is None
        state = staff.session(tx, signed.token)
        assert state is not None
        assert state.revoked
    assert sign_in(small, "op", verified=True) is None


@pytest.mark.req("C1")
def test_rights_come_from_the_person_and_from_their_groups(small: SmallOffice) -> None:
    viewer = small.user("op")
    with small.database.write() as tx:
        group = accounts.add_group(tx, ADMIN, NOW, "徴収第一係")
        accounts.grant_group(tx, ADMIN, NOW, group_id=group, level="officer", areas=[Area.PUBLIC])
        accounts.join_group(tx, ADMIN, NOW, user_id=viewer.user_id, group_id=group)
        found = staff.viewer(tx, viewer.user_id)
    assert found is not None
    assert found.may(Right.PROMISE_DECIDE, Area.PUBLIC)
    assert not found.may(Right.PROMISE_DECIDE, Area.TAX)
    assert found.areas() == {Area.TAX, Area.PUBLIC}


@pytest.mark.req("C1")
@pytest.mark.parametrize("level", ["contracted_operator", "operator", "officer", "supervisor", "auditor"])
def test_only_a_system_admin_changes_users(small: SmallOffice, level: str) -> None:
    viewer = small.user("op", level)
    with pytest.raises(NotAllowedError), small.database.write() as tx:
        accounts.add_user(tx, viewer, NOW, login="x", name="x", password_hash="-")


@pytest.mark.req("C1")
def test_contracted_staff_never_hold_what_only_officers_may(small: SmallOffice) -> None:
    viewer = small.user("op", "supervisor", contracted=True)
    assert viewer.may(Right.CALL, Area.TAX)
    for right in (Right.PROMISE_DECIDE, Right.PROTECTED_VIEW, Right.DOCUMENT_MAKE, Right.EXPORT):
        assert not viewer.may_anywhere(right)


def test_a_login_cannot_be_taken_twice(small: SmallOffice) -> None:
    small.user("op")
    with pytest.raises(accounts.LoginTakenError):
        small.user("op")


@pytest.mark.req("C3")
def test_hashes_are_argon2id_and_unknown_users_verify_to_no() -> None:
    kept = hash_password("correct horse")
    assert kept.startswith("$argon2id$")
    assert verify_password(kept, "correct horse")
    assert not verify_password(kept, "wrong")
    assert not verify_password(None, "anything")
