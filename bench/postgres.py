"""A PostgreSQL server of the benches' own, with cities that are kept between runs as the SQLite ones are."""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from bench.office import NOW, make_city
from db.engine import Database
from db.usecases.summaries import complete
from saikoku.lab.obtain import cache_folder

OPTIONS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
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
            complete(database, NOW.date())
            yield database
        finally:
            database.close()


def _make(folder: Path, admin: "psycopg.Connection[Any]", name: str, debtors: int) -> None:
    making = sql.Identifier(f"{name}_making")
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(making))
    admin.execute(sql.SQL("CREATE DATABASE {}").format(making))
    database = Database(f"postgresql://saikoku@/{name}_making?host={folder}")
    make_city(database, debtors)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.exec_driver_sql("VACUUM (ANALYZE)")
    database.close()
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(making, sql.Identifier(name)))


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
