"""Importing a file of arrears of a million installments, as `saikoku import` does it, beside a bare `executemany` of the rows
that come out of it, into the same tables with the same indexes: time, memory, and how long SQLite's writer is held.

While the import runs, a writer of its own does what a call does (one row, one commit) twenty times a second; what it
waits is what an operator would.
"""

import csv
import itertools
import multiprocessing
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, column, event, select, table

from bench.rows import Row, percentile
from db.clock import SystemClock
from db.engine import Database
from db.outbox import publish
from db.processes import this_process
from db.rules.terms import PersonKind
from db.rules.viewer import system_viewer
from db.schema.base import new_id
from db.schema.claims import Assessment, Installment
from db.schema.people import CaseFile, Debtor
from db.store.bulk import insert_rows
from db.usecases import leases
from db.usecases.imports import request, steps
from db.usecases.imports.files import make_folder, receive
from db.usecases.imports.request import Wanted
from db.usecases.imports.steps import Turn
from saikoku import register
from saikoku.importing import Importer

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 3
"""The largest size is taken this often, import and bare in turns: the speed of a machine changes within minutes."""
PARTS = 4
"""Installments of an assessment; each person has two assessments."""
TIMES = 4.0
MEGABYTES = 500.0
ZONE = ZoneInfo("Asia/Tokyo")
MAPPING: dict[str, Any] = {
    "name": "bench",
    "kind": "assessments",
    "system": "bench",
    "areas": ["tax"],
    "load": "full",
    "columns": {
        "person": {"column": "宛名番号", "pad": 10},
        "item": {"column": "税目", "codes": {"01": "resident_ordinary"}},
        "fiscal_year": "相当年度",
        "notice_number": "通知書番号",
        "number": "期別",
        "due_on": "納期限",
        "principal": "調定額",
        "outstanding": "未納額",
        "reminder_sent_on": "督促発付日",
    },
}


def run() -> Sequence[Row]:
    """Time, memory and the writer's waits for each size."""
    rows: list[Row] = []
    seconds = {}
    for size in SIZES:
        largest = size == SIZES[-1]
        rounds = [_measure(size) for _ in range(ROUNDS if largest else 1)]
        found = {name: median(one[name] for one in rounds) for name in rounds[0]}
        seconds[size] = found["import"]
        name = f"import of {size:,} installments, SQLite"
        rows += [
            Row(f"{name}: time", found["import"], "s"),
            Row(f"{name}: bare executemany of the same rows", found["bare"], "s"),
            Row(f"{name}: over bare executemany", found["times"], "times", TIMES if largest else None),
            *(
                Row(f"{name}: the same, round {at}", one["times"], "times")
                for at, one in enumerate(rounds, 1)
                if largest
            ),
            Row(f"{name}: resident at most", found["resident"], "MB", MEGABYTES if largest else None),
            Row(f"{name}: longest hold of the writer", found["hold"] * 1000, "ms", 500.0 if largest else None),
            Row(f"{name}: a call's write meanwhile, p95", found["wait95"] * 1000, "ms"),
            Row(f"{name}: a call's write meanwhile, longest", found["wait"] * 1000, "ms"),
            Row(f"{name}: the same file again", found["again"], "s"),
        ]
    for small, large in itertools.pairwise(SIZES):
        rows.append(Row(f"import, time at {large:,} over time at {small:,}", seconds[large] / seconds[small], "times"))
    return rows


def _measure(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as name:
        folder = Path(name)
        file = folder / "arrears.csv"
        _write_file(file, size)
        first, second = folder / "register.db", folder / "bare.db"
        _prepare(first, size)
        shutil.copy(first, second)
        found = _in_child(_import, first, file, again=False)
        found["bare"] = _in_child(_bare, first, second)["bare"]
        found["times"] = found["import"] / found["bare"]
        second.unlink()
        found["again"] = _in_child(_import, first, file, again=True)["import"]
        return found


def _write_file(path: Path, size: int) -> None:
    with path.open("w", encoding="cp932", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [column["column"] if isinstance(column, dict) else column for column in MAPPING["columns"].values()]
        )
        dues = ("5080630", "5080831", "5081102", "5090201")
        for at in range(size // PARTS):
            for part in range(PARTS):
                amount = 1_000 + (at * 7 + part * 13) % 900 * 100
                writer.writerow((at // 2 + 1, "01", "508", f"{at:09}", part + 1, dues[part], amount, amount, "0000000"))


def _prepare(path: Path, size: int) -> None:
    database = Database(f"sqlite:///{path}")
    register.prepare(database)
    people = size // PARTS // 2 + 1
    now = "2026-11-24 00:00:00.000000"
    names = ("id", "number", "kind", "name", "kana", "name_folded", "kana_folded", "language", "data_as_of")
    with database.write() as tx:
        insert_rows(tx, _table(Debtor), names, [
            (one, f"{one:010}", PersonKind.PERSON.value, "見本", "ミホン", "見本", "みほん", "ja", now)
            for one in range(1, people + 1)
        ])  # fmt: skip
    with database.engine.connect() as plain:
        plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def _in_child(work: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
    """In a process of its own, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, work, args, kwargs))
    child.start()
    sender.close()
    try:
        found: dict[str, float] = receiver.recv()
    finally:
        child.join()
    return found


def _send(sender: Any, work: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    sender.send(work(*args, **kwargs))
    sender.close()


def _import(path: Path, file: Path, *, again: bool) -> dict[str, float]:
    database, clock = Database(f"sqlite:///{path}"), SystemClock()
    imports_dir = path.parent / "imports"
    holds = _holds(database)
    turn = Turn(new_id(), this_process())
    began = time.perf_counter()
    received = receive(file, make_folder(imports_dir, turn.run_id).file)
    wanted = Wanted(
        turn.run_id, MAPPING, file.name, received.size, received.sha256, received.encoding,
        datetime.now(UTC) + timedelta(days=again), dry_run=False, again=again,
    )  # fmt: skip
    with database.write() as tx:
        request.ask(tx, system_viewer("bench"), wanted, clock.now())
        leases.take(tx, steps.LEASE, turn.holder, clock.now(), steps.LASTS, lambda _: True)
    with _caller(path) as waits:
        row = Importer(database, imports_dir, clock, ZONE).work(turn)
    took = time.perf_counter() - began
    if row.state != "done" or row.rejected:
        raise RuntimeError(f"not imported: {row}")
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {
        "import": took,
        "resident": resident,
        "hold": max(holds),
        "wait": max(waits),
        "wait95": percentile(waits, 0.95),
    }


def _bare(source: Path, target: Path) -> dict[str, float]:
    """All rows that the import made, in one transaction."""
    taken = []
    with closing(Database(f"sqlite:///{source}")) as database, database.read() as tx:
        for model in (CaseFile, Assessment, Installment):
            columns = [column.name for column in _table(model).columns]
            raw = table(model.__tablename__, *[_plain(name) for name in columns])
            rows = [tuple(row) for row in tx.execute(select(raw).order_by(_plain("id")))]
            taken.append((_table(model), columns, rows))
    with closing(Database(f"sqlite:///{target}")) as database:
        began = time.perf_counter()
        with database.write() as tx:
            for made, columns, rows in taken:
                insert_rows(tx, made, columns, rows)
        return {"bare": time.perf_counter() - began}


def _holds(database: Database) -> list[float]:
    """How long each writing transaction held the writer, from BEGIN IMMEDIATE to the end of COMMIT."""
    holds: list[float] = []
    begun: dict[int, float] = {}

    def begin(connection: Connection) -> None:
        begun[id(connection.connection.dbapi_connection)] = time.perf_counter()

    def checkin(connection: Any, _record: object) -> None:
        if (began := begun.pop(id(connection), None)) is not None:
            holds.append(time.perf_counter() - began)

    engine = database.engine
    event.listen(engine, "begin", begin)
    event.listen(engine.pool, "checkin", checkin)
    return holds


@contextmanager
def _caller(path: Path) -> Iterator[list[float]]:
    """What a call writes, meanwhile, from another thread and connection."""
    waits: list[float] = [0.0]
    stop = threading.Event()

    def call() -> None:
        with closing(Database(f"sqlite:///{path}")) as database:
            while not stop.wait(0.05):
                began = time.perf_counter()
                with database.write() as tx:
                    publish(tx, datetime.now(UTC), "call", "bench")
                waits.append(time.perf_counter() - began)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


def _table(model: Any) -> Table:
    made: Table = model.__table__
    return made


def _plain(name: str) -> Any:
    return column(name)
