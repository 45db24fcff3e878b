"""The access log is a chain that shows every change, and from which a person can be erased (C2)."""

import pytest
from sqlalchemy import delete, select, update

from db.engine import Database
from db.rules.viewer import NotAllowedError
from db.schema.staff import AccessHead, AccessLog
from db.store import access_log
from tests.integration.db.people import ADMIN, NOW, SmallOffice

pytestmark = pytest.mark.req("C2")


@pytest.fixture
def written(database: Database) -> Database:
    with database.write() as tx:
        for debtor_id in (1, 2, 3):
            access_log.append(tx, ADMIN, NOW, "debtor.view", debtor_id=debtor_id, detail="画面")
    return database


def broken(database: Database) -> list[int]:
    with database.read() as tx:
        return [link.seq for link in access_log.verify(tx)]


def test_an_untouched_log_is_whole(written: Database) -> None:
    assert broken(written) == []


@pytest.mark.parametrize(
    "change",
    [
        {"login": "somebody"},
        {"debtor_id": 9},
        {"detail": "別"},
        {"action": "search"},
        {"user_id": 7},
        {"digest": bytes(32)},
    ],
)
def test_a_changed_row_shows(written: Database, change: dict[str, object]) -> None:
    with written.write() as tx:
        tx.execute(update(AccessLog).where(AccessLog.seq == 2).values(**change))
    assert 2 in broken(written)


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_missing_row_shows_even_at_the_end(written: Database, seq: int) -> None:
    with written.write() as tx:
        tx.execute(delete(AccessLog).where(AccessLog.seq == seq))
    assert broken(written)


def test_a_person_can_be_erased_without_breaking_the_chain(written: Database) -> None:
    with written.write() as tx:
        assert access_log.erase_debtor(tx, 2) == 1
    with written.read() as tx:
        row = tx.execute(select(AccessLog).where(AccessLog.seq == 2)).one()
    assert (row.debtor_id, row.detail, row.salt) == (None, None, None)
    assert broken(written) == []


def test_a_page_without_its_log_row_is_not_shown(small: SmallOffice) -> None:
    """If the log cannot be written, the use case raises and nothing is returned to show."""
    from sqlalchemy.exc import NoResultFound

    from db.usecases import records
    from tests.integration.db.people import OFFICE

    viewer, debtor_id = small.user("op"), small.debtor()
    with small.database.write() as tx:
        tx.execute(delete(AccessHead))
    with pytest.raises(NoResultFound), small.database.write() as tx:
        records.open_record(tx, viewer, debtor_id, NOW, OFFICE)


def test_only_those_with_the_right_read_it(small: SmallOffice) -> None:
    viewer = small.user("op")
    auditor = small.user("auditor", "auditor")
    with small.database.read() as tx:
        with pytest.raises(NotAllowedError):
            access_log.entries(tx, viewer)
        assert access_log.entries(tx, auditor)
