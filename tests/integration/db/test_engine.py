"""The register's transactions, on both databases."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from db.engine import Database
from db.migrations import config
from db.outbox import Cursor, changes_after, latest, publish
from db.schema.ops import Lease
from db.schema.sms import SmsMessage, SmsPart
from db.schema.staff import LevelRight
from db.usecases import foundation
from tests.integration.db.people import SmallOffice
from tests.integration.db.test_sms import ACCEPTED, Sender

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def test_migrations_make_the_schema_that_the_code_uses(database: Database) -> None:
    command.check(config(database))


def test_migrations_go_back_and_forth(database: Database) -> None:
    command.downgrade(config(database), "base")
    command.upgrade(config(database), "head")
    command.check(config(database))


def test_rows_that_others_refer_to_outlive_migrations(database: Database, small: SmallOffice) -> None:
    sender = Sender(database, small)
    message = sender.sent(ACCEPTED)
    command.downgrade(config(database), "0022")
    command.upgrade(config(database), "head")
    with database.read() as tx:
        assert tx.execute(select(SmsPart.message_id)).scalars().all() == [message]
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.execute(delete(SmsMessage))


@pytest.mark.req("C1")
def test_offices_laid_before_a_right_came_get_it(database: Database) -> None:
    later = {"recording.hold", "rules.edit"}
    with database.write() as tx:
        foundation.lay(tx)
        laid = set(map(tuple, tx.execute(select(LevelRight.level_code, LevelRight.right))))
    command.downgrade(config(database), "0006")
    with database.write() as tx:
        tx.execute(delete(LevelRight).where(LevelRight.right.in_(later)))
    command.upgrade(config(database), "head")
    with database.read() as tx:
        assert set(map(tuple, tx.execute(select(LevelRight.level_code, LevelRight.right)))) == laid


def _count_up(tx: Connection) -> None:
    value = int(tx.execute(select(Lease.holder).where(Lease.name == "count").with_for_update()).scalar_one())
    tx.execute(update(Lease).where(Lease.name == "count").values(holder=str(value + 1)))


def test_no_update_is_lost_when_writers_overlap(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(Lease).values(name="count", holder="0", until=NOW))

    def count(_: int) -> None:
        with database.write() as tx:
            _count_up(tx)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(100)))
    with database.read() as tx:
        assert tx.execute(select(Lease.holder).where(Lease.name == "count")).scalar_one() == "100"


async def test_no_update_is_lost_when_coroutines_overlap(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(Lease).values(name="count", holder="0", until=NOW))
    await asyncio.gather(*(database.run(_count_up) for _ in range(50)))
    holder = await database.ask(lambda tx: tx.execute(select(Lease.holder)).scalar_one())
    assert holder == "50"
    await database.aclose()


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as tx:
        publish(tx, NOW, "call", 1)
        raise RuntimeError
    with database.read() as tx:
        assert changes_after(tx, Cursor(0, 0)) == []


def _ask_often(tx: Connection) -> None:
    for _ in range(10):
        tx.execute(select(Lease.holder).where(Lease.name == "nobody")).all()


def _refuse(tx: Connection, *, written: bool) -> None:
    if written:
        publish(tx, NOW, "call", 1)
    raise PermissionError


def _prepared(tx: Connection) -> list[str]:
    return list(tx.execute(text("SELECT statement FROM pg_prepared_statements")).scalars())


@pytest.mark.parametrize("threaded", [True, False])
async def test_a_refusal_takes_back_what_was_written_and_only_then_forgets_what_is_prepared(
    url: str, *, threaded: bool
) -> None:
    async with aclosing(Database(url, threaded=threaded)) as database:
        for written in (False, True):
            await database.run(_ask_often)
            with pytest.raises(PermissionError):
                await database.run(_refuse, written=written)
            assert await database.ask(lambda tx: changes_after(tx, Cursor(0, 0))) == []
            if not (written or database.is_sqlite):
                assert any("lease" in statement for statement in await database.ask(_prepared))


def test_a_naive_time_is_refused(database: Database) -> None:
    from sqlalchemy.exc import StatementError

    with pytest.raises(StatementError, match="aware"), database.write() as tx:
        tx.execute(insert(Lease).values(name="x", holder="", until=NOW.replace(tzinfo=None)))


def test_outbox_hands_out_changes_in_order_and_once(database: Database) -> None:
    with database.write() as tx:
        publish(tx, NOW, "call", "a", user_id=7)
        publish(tx, NOW, "duty", "b")
    with database.read() as tx:
        first = changes_after(tx, Cursor(0, 0))
        assert [(c.topic, c.key, c.user_id) for c in first] == [("call", "a", 7), ("duty", "b", None)]
        assert changes_after(tx, first[-1].cursor) == []
        assert latest(tx) == first[-1].cursor
        assert Cursor.parse(str(first[-1].cursor)) == first[-1].cursor


def test_outbox_does_not_skip_what_commits_late(database: Database) -> None:
    """A sequence number is taken when a row is written, not when it is committed: the early row must not be skipped."""
    if database.is_sqlite:
        with database.write() as tx:
            publish(tx, NOW, "early", 1)
        with database.write() as tx:
            publish(tx, NOW, "late", 2)
        with database.read() as tx:
            assert [c.topic for c in changes_after(tx, Cursor(0, 0))] == ["early", "late"]
        return
    with database.write() as slow:
        publish(slow, NOW, "early", 1)
        with database.write() as quick:
            publish(quick, NOW, "late", 2)
        with database.read() as tx:
            seen = changes_after(tx, Cursor(0, 0))
            cursor = seen[-1].cursor if seen else Cursor(0, 0)
    with database.read() as tx:
        seen += changes_after(tx, cursor)
    assert sorted(c.topic for c in seen) == ["early", "late"]


def test_the_bell_rings_after_a_commit_that_published(tmp_path: object) -> None:
    rung: list[int] = []
    database = Database(f"sqlite:///{tmp_path}/bell.db", ring=lambda: rung.append(1))
    from db.schema import metadata

    metadata.create_all(database.engine)
    with database.write() as tx:
        tx.execute(insert(Lease).values(name="x", holder="", until=NOW))
    assert rung == []
    with database.write() as tx:
        publish(tx, NOW, "call", 1)
        assert rung == []
    assert rung == [1]
    database.close()


async def test_a_cancelled_transaction_does_not_keep_others_waiting(database: Database) -> None:
    """Cancelled in the middle of a statement, it ends before its caller does."""
    with database.write() as tx:
        tx.execute(insert(Lease).values(name="count", holder="0", until=NOW))
    working = asyncio.Event()

    def count_slowly(tx: Connection) -> None:
        _count_up(tx)
        working.set()
        tx.execute(
            text("WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n WHERE x < 100000) SELECT max(x) FROM n")
        )

    task = asyncio.create_task(database.run(count_slowly))
    await working.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    holder = await database.ask(lambda tx: tx.execute(select(Lease.holder)).scalar_one())
    assert holder == "1"
    with database.write() as tx:
        _count_up(tx)
    await database.aclose()


async def test_closing_waits_for_the_transactions_under_way(database: Database) -> None:
    """A connection that is still at work would be closed by nobody: a handler of a panel that stops, for instance."""
    counting = text(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000) SELECT max(x) FROM n"
    )
    mine, loop, begun = Database(database.url), asyncio.get_running_loop(), asyncio.Event()

    def ask(tx: Connection) -> int:
        loop.call_soon_threadsafe(begun.set)
        return int(tx.execute(counting).scalar_one())

    asking = asyncio.create_task(mine.ask(ask))
    await begun.wait()

    await mine.aclose()

    assert asking.done()
    assert await asking == 300_000
