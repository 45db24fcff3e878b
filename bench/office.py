"""What the benches work on: a register of a given size, kept between runs, and a panel process serving it."""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from db.engine import Database
from db.migrations import config
from db.settings import environment
from db.usecases import case_states
from db.usecases.office import Office
from db.usecases.summaries import complete
from saikoku import register
from saikoku.city.seed import seed_city
from saikoku.demo_office import add_office
from saikoku.lab.asterisk import free_port
from saikoku.lab.obtain import cache_folder

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""A Tuesday, 10:30 in the office: the city is as of that day, so that runs compare."""


def city(debtors: int) -> Path:
    """The file of a city of that size; made the first time (a million debtors take some minutes)."""
    folder = cache_folder(os.environ) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"city-{debtors}.db"
    if file.exists() and _is_current(file):
        kept = Database(f"sqlite:///{file}")
        complete(kept, NOW.date())
        _make_states(kept)
        kept.close()
        return file
    for old in folder.glob(f"{file.name}*"):
        old.unlink()
    making = file.with_suffix(".making")
    making.unlink(missing_ok=True)
    database = Database(f"sqlite:///{making}")
    make_city(database, debtors)
    with database.engine.connect() as plain:
        plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    making.rename(file)
    return file


def make_city(database: Database, debtors: int) -> None:
    """Fill an empty register with a city of that size."""
    register.prepare(database)
    staff = add_office(database, NOW, ["1001"])
    seed_city(
        database, debtors=debtors, seed=1, today=NOW.date(), staff_ids=staff.history_ids, contacts_per_debtor=5,
        progress=sys.stderr.isatty(),
    )  # fmt: skip
    _make_states(database)


def _make_states(database: Database) -> None:
    """What `saikoku jobs` does; the first time it takes some minutes a million people."""
    office = Office(ZoneInfo("Asia/Tokyo"))
    more = True
    while more:
        with database.write() as tx:
            more = case_states.step(tx, NOW, office)


def _is_current(file: Path) -> bool:
    """Whether a kept city has, or by migration gets, the schema of today's code; if not, it is made anew."""
    from alembic import command
    from alembic.util import CommandError

    database = Database(f"sqlite:///{file}")
    quiet = config(database)
    quiet.stdout = io.StringIO()
    try:
        register.prepare(database)
        command.check(quiet)
    except CommandError:
        return False
    finally:
        database.close()
    return True


@contextlib.contextmanager
def panel(url: str, run_dir: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A panel process on a register; its address and the process."""
    port = free_port()
    settings = {"database.url": url, "panel.listen": f"127.0.0.1:{port}", "office.run_dir": run_dir}
    offset = int((NOW - datetime.now(UTC)).total_seconds())
    environ = {**os.environ, **environment(settings), "SAIKOKU_LAB_CLOCK_OFFSET": str(offset)}
    process = subprocess.Popen([sys.executable, "-m", "saikoku", "panel"], env=environ, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    import socket

    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the panel did not start")
