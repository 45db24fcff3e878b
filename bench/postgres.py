"""A PostgreSQL server of the benches' own, with cities that are kept between runs: copies of the SQLite ones, row by row."""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import column, select, table

from bench.office import NOW
from bench.office import city as office_city
from db.engine import Database
from db.migrations import upgrade
from db.schema.base import Base
from db.usecases.summaries import complete
from saikoku.lab.obtain import cache_folder

OPTIONS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "shared_buffers": "4GB",  # a fifth or a quarter of the memory, as its manual has it
    "effective_cache_size": "12GB",
    "work_mem": "64MB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
}
"""What an admin sets for a machine of this size; durability stays as PostgreSQL has it."""


@contextlib.contextmanager
def city(debtors: int) -> Iterator[Database]:
    """A city of that size on PostgreSQL, made the first time; the server runs while the block does."""
    with _server(_folder()) as folder:
        name = f"city{debtors}"
        with psycopg.connect(host=str(folder), user="saikoku", dbname="postgres", autocommit=True) as admin:
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                _make(folder, admin, name, debtors)
        database = Database(f"postgresql://saikoku@/{name}?host={folder}")
        try:
            upgrade(database)
            complete(database, NOW.date())
            yield database
        finally:
            database.close()


def _make(folder: Path, admin: "psycopg.Connection[Any]", name: str, debtors: int) -> None:
    making = sql.Identifier(f"{name}_making")
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(making))
    admin.execute(sql.SQL("CREATE DATABASE {}").format(making))
    database = Database(f"postgresql://saikoku@/{name}_making?host={folder}")
    upgrade(database)
    with closing(Database(f"sqlite:///{office_city(debtors)}")) as source, psycopg.connect(database.dsn) as target:
        _copy(source, target)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.exec_driver_sql("VACUUM (ANALYZE)")
    database.close()
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(making, sql.Identifier(name)))


def _copy(source: Database, target: "psycopg.Connection[Any]") -> None:
    """Every table as SQLite holds it: what it writes of days, times, ids and flags is what PostgreSQL reads."""
    target.execute("SET timezone = 'UTC'")
    target.execute("SET session_replication_role = replica")  # the rows were checked when they were made
    indexes = target.execute(_INDEXES).fetchall()
    for name, _ in indexes:
        target.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    with source.engine.connect() as reading:
        for made in Base.metadata.sorted_tables:
            names = [column.name for column in made.columns]
            plain = table(made.name, *(column(name) for name in names))
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(made.name), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            target.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(made.name)))
            with target.cursor().copy(into) as rows:
                for row in reading.execution_options(yield_per=10_000).execute(select(plain)):
                    rows.write_row(row)
            for counted in (name for name in names if made.columns[name].autoincrement is True or name == "id"):
                _count_on(target, made.name, counted)
    for _, definition in indexes:
        target.execute(definition)
    target.commit()


def _count_on(target: "psycopg.Connection[Any]", table_name: str, name: str) -> None:
    row = target.execute("SELECT pg_get_serial_sequence(%s, %s)", [table_name, name]).fetchone()
    if row and row[0]:
        highest = sql.SQL("SELECT setval(%s, coalesce(max({}), 0) + 1, false) FROM {}")
        target.execute(highest.format(sql.Identifier(name), sql.Identifier(table_name)), [row[0]])


_INDEXES: Final = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


def _folder() -> Path:
    """PostgreSQL refuses to run as root, and its own user does not get into root's home."""
    kept = cache_folder(os.environ) / "bench-pg" if os.geteuid() else Path("/var/tmp/saikoku-bench-pg")  # noqa: S108
    kept.mkdir(parents=True, exist_ok=True)
    return kept


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[Path]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/initdb")]
    programs, data = found[-1].parent, folder / "data"
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    who: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)

    if not data.exists():
        run(programs / "initdb", "-D", data, "-U", "saikoku", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    options = " ".join(f"-c {name}='{value}'" for name, value in OPTIONS.items())
    run(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-o", f"-k {folder} {options}", "-w", "start")
    try:
        yield folder
    finally:
        run(programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
