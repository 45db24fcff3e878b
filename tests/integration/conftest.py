"""The register for integration tests: each test runs on SQLite and on PostgreSQL, on an empty register of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from db.engine import Database
from db.migrations import upgrade
from db.usecases import foundation
from tests.integration.db.people import SmallOffice


def _server_programs() -> Path:
    """Where initdb and postgres are; a server of our own is started, whatever else runs on the machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/initdb")]
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own on a Unix socket; the value is its directory."""
    programs = _server_programs()
    # PostgreSQL refuses to run as root
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    as_server = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    with tempfile.TemporaryDirectory(prefix="saikoku-pg-") as directory:
        if account:
            os.chown(directory, account.pw_uid, account.pw_gid)
        data = f"{directory}/data"
        run = {"check": True, "cwd": directory, "stdout": subprocess.DEVNULL, **as_server}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "saikoku", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], **run
        )  # type: ignore[call-overload]
        options = f"-k {directory} -c listen_addresses='' -c fsync=off"
        subprocess.run([programs / "pg_ctl", "-D", data, "-l", f"{directory}/log", "-o", options, "-w", "start"], **run)  # type: ignore[call-overload]
        try:
            yield directory
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **run)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """A migrated, founded register that tests copy."""
    with psycopg.connect(host=postgres, user="saikoku", dbname="postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE template_register")
    _found(Database(f"postgresql://saikoku@/template_register?host={postgres}"))
    return "template_register"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, founded register that tests copy."""
    path = tmp_path_factory.mktemp("template") / "register.db"
    _found(Database(f"sqlite:///{path}"))
    return path


def _found(database: Database) -> None:
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty register: migrated, with its base rows laid."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "register.db")
        yield f"sqlite:///{tmp_path}/register.db"
        return
    server = request.getfixturevalue("postgres")
    template = request.getfixturevalue("postgres_template")
    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(host=server, user="saikoku", dbname="postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
        yield f"postgresql://saikoku@/{name}?host={server}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An open register."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def small(database: Database) -> SmallOffice:
    """A small office on an empty register."""
    return SmallOffice(database)
