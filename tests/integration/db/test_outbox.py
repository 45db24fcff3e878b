"""The outbox: what is read of it, and how."""

from typing import Any

import pytest
from sqlalchemy import event

from db.outbox import Cursor, changes_after, latest, publish_each
from tests.integration.db.people import NOW, SmallOffice


@pytest.mark.req("T14")
def test_a_reader_gets_what_is_new_once_in_order_and_does_not_read_the_rest(small: SmallOffice) -> None:
    database, plans = small.database, list[str]()
    with database.write() as tx:
        publish_each(tx, NOW, "call", range(50))
    with database.read() as tx:
        before = latest(tx)
    with database.write() as tx:
        publish_each(tx, NOW, "duty", ["a", "b", "c"])

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if database.is_sqlite and "FROM outbox" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[-1] for row in cursor.fetchall())

    event.listen(database.engine, "before_cursor_execute", explain)
    with database.read() as tx:
        found = changes_after(tx, before, limit=2)
        found += changes_after(tx, found[-1].cursor)
        assert changes_after(tx, found[-1].cursor) == []
        assert len(changes_after(tx, Cursor(0, 0))) >= 53
    event.remove(database.engine, "before_cursor_execute", explain)
    assert [(change.topic, change.key) for change in found] == [("duty", "a"), ("duty", "b"), ("duty", "c")]
    assert all("INTEGER PRIMARY KEY (rowid>?)" in plan for plan in plans), plans
    assert bool(plans) == database.is_sqlite
