"""An import that is stopped, cancelled or killed: nothing of it counts, or in the end all of it does; never twice."""

import multiprocessing
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from db.clock import FixedClock
from db.engine import Database
from db.rules.terms import ImportState
from db.schema.claims import Allocation, Installment, Payment
from db.usecases import leases
from db.usecases.imports import request, steps
from db.usecases.imports.request import ImportRefusedError
from db.usecases.imports.stage import Size
from saikoku import import_work
from saikoku.import_work import StoppedError
from saikoku.import_worker import Worker
from saikoku.importing import Importer
from tests.integration.db.people import NOW, OFFICE
from tests.integration.exchange.conftest import BY, Exchange
from tests.integration.exchange.core import City, Zeimu
from tests.integration.exchange.test_imports import snapshot

pytestmark = pytest.mark.req("T20")

CITY, ZEIMU = City(12), Zeimu()


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of one person or two, so that there is something between them."""
    monkeypatch.setattr(import_work, "Size", lambda *_: Size(0.0, rows=5, most=5))
    monkeypatch.setattr(import_work, "TELL_EVERY", 0.0)


class After:
    """Says stop when it was asked so often."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self) -> bool:
        self.times -= 1
        return self.times < 0


def test_stopped_anywhere_it_goes_on_and_comes_to_the_same(exchange: Exchange, tmp_path: Path) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills), as_of=NOW - timedelta(days=30))
    empty = snapshot(exchange)
    turn = exchange.ask("zeimu-payments", ZEIMU.payments(CITY.receipts(2)))
    stops, seen, patience = 0, set(), 0
    while True:
        try:
            done = exchange.work(turn, stop=After(patience))
            break
        except StoppedError:
            state = exchange.row(turn).state
            seen.add(state)
            if state is ImportState.READING:
                assert snapshot(exchange) == empty
            stops += 1
            patience += 2
    assert seen == {ImportState.READING, ImportState.APPLYING}
    assert (done.state, done.added, done.unchanged) == (ImportState.DONE, 24, 0)
    assert len(exchange.all(Payment.id)) == 24
    assert sum(row[0] for row in exchange.all(Allocation.principal)) == sum(one.amount for one in CITY.receipts(2))
    assert sum(row[0] for row in exchange.all(Installment.outstanding)) == sum(
        bill.amount for at, bill in enumerate(CITY.bills) if at % 2
    )


def _killed_after(url: str, folder: str, run_id: Any, holder: str, commits: int) -> None:
    """Work, and be killed in the middle of a transaction."""
    import_work.Size = lambda *_: Size(0.0, rows=5, most=5)  # type: ignore[assignment,misc]
    database, left = Database(url), [commits]

    def commit(_connection: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "commit", commit)
    Importer(database, Path(folder), FixedClock(NOW), OFFICE.zone).work(steps.Turn(run_id, holder))


def test_killed_while_applying_all_of_it_counts_in_the_end_and_once(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    turn = exchange.ask("zeimu-assessments", ZEIMU.assessments(CITY.bills))
    exchange.clock.set(NOW)
    with exchange.database.write() as tx:
        assert leases.take(tx, steps.LEASE, turn.holder, NOW, steps.LASTS, lambda _: True) is None
    exchange.database.close()
    work = (exchange.database.url, str(exchange.folder), turn.run_id, turn.holder, 12)
    child = multiprocessing.get_context("spawn").Process(target=_killed_after, args=work)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    half = exchange.row(turn)
    assert half.state is ImportState.APPLYING
    assert 0 < half.added < len(CITY.bills)
    assert len(exchange.all(Installment.id)) == half.added

    later = FixedClock(NOW + steps.LASTS * 2)
    assert Worker(exchange.database, exchange.folder, later, OFFICE.zone, threading.Event()).work() == 1
    done = exchange.row(turn)
    assert (done.state, done.added, done.changed, done.unchanged) == (ImportState.DONE, len(CITY.bills), 0, 0)
    assert len(exchange.all(Installment.id)) == len(CITY.bills)
    assert not exchange.files(done).file.exists()
    assert not exchange.files(done).stage.exists()


def test_cancelled_while_reading_nothing_counts(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    before = snapshot(exchange)
    turn = exchange.ask("zeimu-assessments", ZEIMU.assessments(CITY.bills))
    asked = [0]

    def cancel_while_reading() -> bool:
        asked[0] += 1
        if asked[0] == 2:
            assert exchange.row(turn).state is ImportState.READING
            with exchange.database.write() as tx:
                request.cancel(tx, BY, turn.run_id, NOW)
        return False

    row = exchange.work(turn, stop=cancel_while_reading)
    assert row.state is ImportState.CANCELLED
    assert snapshot(exchange) == before
    with exchange.database.write() as tx, pytest.raises(ImportRefusedError):
        request.confirm(tx, BY, turn.run_id, NOW)


def test_what_waits_can_be_cancelled_and_what_is_applied_cannot(exchange: Exchange) -> None:
    turn = exchange.ask("zeimu-people", ZEIMU.people(CITY.people))
    with exchange.database.write() as tx:
        request.cancel(tx, BY, turn.run_id, NOW)
    assert exchange.row(turn).state is ImportState.CANCELLED
    turn = exchange.ask("zeimu-people", ZEIMU.people(CITY.people))
    with pytest.raises(StoppedError):
        exchange.work(turn, stop=After(5))
    assert exchange.row(turn).state is ImportState.APPLYING
    with exchange.database.write() as tx, pytest.raises(ImportRefusedError) as refused:
        request.cancel(tx, BY, turn.run_id, NOW)
    assert refused.value.code == "too_late"


def test_a_worker_without_the_lease_does_nothing(exchange: Exchange) -> None:
    turn = exchange.ask("zeimu-people", ZEIMU.people(CITY.people))
    with exchange.database.write() as tx:
        leases.take(tx, steps.LEASE, "somebody/else", NOW, steps.LASTS, lambda _: True)
    assert Worker(exchange.database, exchange.folder, FixedClock(NOW), OFFICE.zone, threading.Event()).work() == 0
    with pytest.raises(leases.LeaseLostError):
        Importer(exchange.database, exchange.folder, FixedClock(NOW), OFFICE.zone).work(turn)
    assert exchange.row(turn).state is ImportState.WAITING


def test_the_writer_is_held_for_one_step_at_a_time(exchange: Exchange) -> None:
    """No transaction of an import writes more than a step, however large the file is."""
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    written: list[int] = []
    seen = [0]

    def count(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("UPDATE import_run SET place"):
            seen[0] += 1

    def commit(_connection: object) -> None:
        written.append(seen[0])
        seen[0] = 0

    event.listen(exchange.database.engine, "before_cursor_execute", count)
    event.listen(exchange.database.engine, "commit", commit)
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills))
    assert max(written) == 1
    assert sum(written) >= len(CITY.bills) / 8
