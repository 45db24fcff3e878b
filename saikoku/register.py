"""`saikoku db …`: the register's upgrade, its synthetic city, its copies, and the proof of its access log."""

import argparse
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from db.clock import Clock, office_date
from db.engine import Database
from db.migrations import forms, upgrade
from db.settings import Settings
from db.store import access_log
from db.usecases import foundation
from db.usecases.summaries import complete


class RegisterError(Exception):
    """The register cannot do what was asked; the sentence says why."""

    code = "register"


def prepare(database: Database) -> None:
    """Bring the register to the newest form and lay the rows it cannot work without."""
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)


def must_be_newest(database: Database) -> None:
    """Raise RegisterError if the register was not brought to the form that this saikoku works with."""
    with database.read() as tx:
        found, head = forms(tx, database)
    if found != head:
        said = f"the register {database.label} is of form {found or 'none'}, saikoku of {head}"
        raise RegisterError(f"{said}; run `saikoku db upgrade`")


def run_upgrade(_: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku db upgrade`."""
    database = Database(settings.database.url)
    prepare(database)
    complete(database, office_date(clock.now(), settings.office.zone))
    print(f"the register is up to date: {database.label}")
    return 0


def run_seed(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku db seed`: a synthetic city on an empty register, for demos and benches."""
    from saikoku.city.seed import CityError, seed_city
    from saikoku.demo_office import add_office

    database = Database(settings.database.url)
    prepare(database)
    staff = add_office(database, clock.now())
    try:
        summary = seed_city(
            database,
            debtors=arguments.debtors,
            seed=arguments.seed,
            today=office_date(clock.now(), settings.office.zone),
            staff_ids=staff.history_ids,
            progress=True,
        )
    except CityError as error:
        raise RegisterError(str(error)) from error
    for table, rows in summary.rows.items():
        print(f"{table:20} {rows:>10,}")
    return 0


def run_verify_audit(_: argparse.Namespace, settings: Settings, __: Clock) -> int:
    """`saikoku db verify-audit`: exit status 1 if the access log is not what was written."""
    database = Database(settings.database.url)
    broken = 0
    with database.read() as tx:
        for link in access_log.verify(tx):
            broken += 1
            print(f"row {link.seq}: {link.what}")
    print("the access log is whole" if not broken else f"the access log is broken in {broken} places")
    return 1 if broken else 0


def run_backup(arguments: argparse.Namespace, settings: Settings, _: Clock) -> int:
    """`saikoku db backup FILE`: a consistent copy, taken while the daemons work."""
    target: Path = arguments.file
    if target.exists():
        raise RegisterError(f"{target} exists; name a new file")
    database = Database(settings.database.url)
    if database.is_sqlite:
        with closing(sqlite3.connect(database.file)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    else:
        subprocess.run(["pg_dump", "--format=custom", f"--file={target}", f"--dbname={database.dsn}"], check=True)
    print(f"copied to {target}")
    return 0


def run_restore(arguments: argparse.Namespace, settings: Settings, _: Clock) -> int:
    """`saikoku db restore FILE`: into a register that does not exist yet; stop the daemons first."""
    database = Database(settings.database.url)
    if database.is_sqlite:
        if Path(database.file).exists():
            raise RegisterError(f"{database.file} exists; move it away first")
        read_only = f"file:{arguments.file}?mode=ro"
        with closing(sqlite3.connect(read_only, uri=True)) as source, closing(sqlite3.connect(database.file)) as copy:
            source.backup(copy)
    else:
        command = ["pg_restore", "--exit-on-error", "--no-owner", f"--dbname={database.dsn}", str(arguments.file)]
        subprocess.run(command, check=True)
    print(f"restored from {arguments.file}")
    return 0
