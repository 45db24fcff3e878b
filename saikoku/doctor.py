"""`saikoku doctor`: what is missing or wrong on this host and at its PBX, and how to mend it (P2).

One line a finding: `ok`, `warn` or `bad`, what is so, and the mend. Exit status 1 if anything is bad. Nothing is changed.
"""

import argparse
import asyncio
import ipaddress
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

import db
import saikoku
from ami_bridge import cel
from ami_bridge.checks import check_pbx
from db.clock import Clock
from db.engine import Database
from db.findings import Finding, Level, bad, ok, warn
from db.migrations import forms
from db.settings import AmiSettings, DialSettings, Settings
from db.store import access_log, calls, campaigns, office
from db.store.calls import SeatRow
from saikoku import dialplan
from saikoku.dialplan_lint import HOOKS, PREFIX
from sms_smpp.checks import check_carriers

LINKS: Final = 100
"""How many of the access log's last links are proven; `saikoku db verify-audit` proves all."""

GIB: Final = 1024**3
FREE_WARN: Final = 10 * GIB
FREE_BAD: Final = GIB
TAIL: Final = 1 << 16  # bytes of Asterisk's record that are looked at
CLOCK: Final = 30.0  # seconds that the clocks of two machines may differ
_JST: Final = timedelta(hours=9)
_CHANNEL: Final = re.compile(r"[A-Za-z0-9_]+/\S+")
_UPGRADE: Final = "run `saikoku db upgrade`"


def run_doctor(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku doctor`: look at everything and say it."""
    found = [ok("the settings load"), package(Path(db.__file__), Path(saikoku.__file__))]
    found += [zone(settings.office.zone, clock.now()), run_dir(settings.office.run_dir), *recordings(settings.dial)]
    found += [record(settings.ami, time.time()), *register(settings)]
    if arguments.asterisk is not None:
        found += files(arguments.asterisk)
    hooks = [f"{PREFIX}hook-{name}" for name in HOOKS]
    found += asyncio.run(check_pbx(settings.ami, hooks, time.time, detects=detects(settings)))
    found += asyncio.run(check_carriers(settings))
    for finding in found:
        print(finding)
    return 1 if any(finding.level is Level.BAD for finding in found) else 0


# -- this host --------------------------------------------------------------------------------------------------------


def package(theirs: Path, ours: Path) -> Finding:
    """Whether the package `db` that Python finds is ours; another of that name may be installed."""
    if theirs.parent.parent == ours.parent.parent:
        return ok("the package `db` is saikoku's own")
    return bad(f"Python finds another package named `db` in {theirs.parent}", "install saikoku into a venv of its own")


def zone(office_zone: ZoneInfo, now: datetime) -> Finding:
    """Whether the office's clock is that of Japan: hours of calls and days of payment hang on it."""
    local = now.astimezone(office_zone)
    if local.utcoffset() == _JST:
        return ok(f"office time ({office_zone.key}) is {local:%Y-%m-%d %H:%M}")
    return bad(f"office.zone is {office_zone.key}: {local:%H:%M}", "set office.zone = Asia/Tokyo")


def run_dir(folder: Path) -> Finding:
    """Whether the folder through which the daemons ring each other can be used."""
    if _writable(folder):
        return ok(f"run_dir {folder} is writable")
    return bad(f"run_dir {folder} is not writable", "make it, owned by the user of the daemons, or set office.run_dir")


def recordings(dial: DialSettings) -> Iterator[Finding]:
    """Whether recordings can be read, erased and still written."""
    folder = dial.recordings_dir
    if not folder.is_dir():
        yield bad(f"recordings_dir {folder} is not there", "make it, writable for Asterisk and saikoku, or set it")
        return
    if _writable(folder):
        yield ok(f"recordings_dir {folder} is writable")
    else:
        yield warn(
            f"recordings_dir {folder} is not writable", "saikoku erases by rule: give its user the folder's group"
        )
    yield free_space(shutil.disk_usage(folder).free)


def free_space(free: int) -> Finding:
    """Whether there is room for recordings: an hour takes 55 MiB (8 kHz, 16 bit)."""
    said = f"{free / GIB:.1f} GiB free for recordings"
    if free < FREE_WARN:
        return (bad if free < FREE_BAD else warn)(said, "make room, or keep recordings for a shorter time")
    return ok(said)


def record(ami: AmiSettings, unix_time: float) -> Finding:
    """Whether the record that Asterisk itself writes can be read: from it comes what happened while the link was lost."""
    file = ami.cel_file
    lost = "what happens while the bridge is away stays unknown"
    if not file.name:
        return warn(f"ami.cel_file is empty: {lost}", "set it to saikoku-cel.csv in Asterisk's log folder")
    here = _is_this_host(ami.host)
    try:
        newest = newest_line(file)
    except OSError as error:
        said = f"Asterisk's own record {file} cannot be read ({os.strerror(error.errno or 0)}): {lost}"
        if not here:
            return warn(
                said, f"the PBX is on {ami.host}: let this host see the file there (NFS), or run the bridge there"
            )
        if isinstance(error, PermissionError):
            return warn(said, "give saikoku's user the group of Asterisk, and the folder to that group (mode 0750)")
        return warn(said, "include saikoku-cel.conf (docs/pbx-admin.md), make one call, or set ami.cel_file")
    if newest is None:
        return warn(
            f"{file} holds no line as saikoku-cel.conf writes them: {lost}", "include saikoku-cel.conf, and reload"
        )
    if newest > unix_time + CLOCK:
        return warn(f"{file} has lines of the future", "let both machines keep time by the same NTP server")
    where = "" if here else f" (the PBX is on {ami.host}: make sure that this is its file)"
    return ok(
        f"Asterisk's own record {file} can be read, last line {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M} UTC{where}"
    )


def newest_line(file: Path) -> float | None:
    """The time (seconds since 1970) of the newest line of ours at the file's end; None if there is none. Raises OSError."""
    with file.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - TAIL))
        entries = [cel.entry(line) for line in opened]
    return max((one.at for one in entries if one is not None), default=None)


def _is_this_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", socket.gethostname(), socket.getfqdn()}


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def files(folder: Path) -> Iterator[Finding]:
    """What `saikoku dialplan lint` finds in Asterisk's configuration folder."""
    if not os.access(folder / "extensions.conf", os.R_OK):
        yield warn(f"{folder}/extensions.conf cannot be read", "run doctor as a user who can read Asterisk's files")
        return
    found = dialplan.lint(folder)
    for one in found:
        yield warn(f"{one.file}: {one.problem}", one.mend)
    if not found:
        yield ok(f"the files in {folder} are as they should be")


# -- the register -----------------------------------------------------------------------------------------------------


def register(settings: Settings) -> list[Finding]:
    """Whether the register can be reached, is of the newest form, keeps what it commits, and is whole at its end."""
    database = Database(settings.database.url)
    try:
        if database.is_sqlite and not Path(database.file).exists():
            return [bad(f"there is no register at {database.label}", f"{_UPGRADE}, or set database.url")]
        with database.read() as tx:
            form = newest(tx, database)
            return [form] if form.level is Level.BAD else [form, *_contents(tx, settings.ami.pbx)]
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return [bad(f"the register {database.label} cannot be read: {said}", "start it, or set database.url")]
    finally:
        database.close()


def detects(settings: Settings) -> bool:
    """Whether a campaign tells answering machines from people; no if the register cannot be asked, which is a finding of its own."""
    database = Database(settings.database.url)
    try:
        if database.is_sqlite and not Path(database.file).exists():
            return False
        with database.read() as tx:
            return campaigns.detecting(tx, settings.ami.pbx)
    except SQLAlchemyError:
        return False
    finally:
        database.close()


def newest(tx: Connection, database: Database) -> Finding:
    """Whether the register is of the form that this saikoku works with."""
    found, head = forms(tx, database)
    if found == head:
        return ok(f"the register {database.label} is of the newest form ({head})")
    return bad(f"the register {database.label} is of form {found or 'none'}, saikoku of {head}", _UPGRADE)


def _contents(tx: Connection, pbx: str) -> Iterator[Finding]:
    yield sqlite_keeps(tx) if tx.dialect.name == "sqlite" else postgresql_keeps(tx)
    broken = list(access_log.verify_end(tx, LINKS))
    if broken:
        said = f"the access log is broken at row {broken[0].seq}: {broken[0].what}"
        yield bad(said, "run `saikoku db verify-audit`, keep a copy, and tell whoever is responsible for the audit")
    else:
        yield ok(f"the access log's last {LINKS} links hold")
    yield from seats(calls.seats(tx), pbx)
    if stopped := office.stopped(tx):
        said = f"emergency stop since {stopped.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC by {stopped.by or 'unknown'}"
        yield warn(said, "`saikoku resume`, once its reason is gone")


def sqlite_keeps(tx: Connection) -> Finding:
    """Whether a commit survives a loss of power, and readers are not held up."""
    journal, synchronous = (tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "synchronous"))
    if (str(journal), int(synchronous)) == ("wal", 2):
        return ok("SQLite keeps what it commits (journal_mode WAL, synchronous FULL)")
    mend = "put the register on a local disk (WAL does not work on network file systems)"
    return bad(f"SQLite has journal_mode {journal}, synchronous {synchronous}", mend)


def postgresql_keeps(tx: Connection) -> Finding:
    """Whether a commit survives a loss of power."""
    off = [name for name in ("fsync", "synchronous_commit") if tx.execute(text(f"SHOW {name}")).scalar_one() == "off"]
    if off:
        return bad(f"PostgreSQL has {' and '.join(off)} off: commits can be lost", "set it to on in postgresql.conf")
    return ok("PostgreSQL keeps what it commits")


def seats(rows: list[SeatRow], pbx: str) -> Iterator[Finding]:
    """Whether operators' phones can be rung."""
    if not rows:
        yield warn("there are no seats, so nobody can go on duty", "add a seat for each desk phone")
        return
    wrong = [row.extension for row in rows if not _CHANNEL.fullmatch(row.channel)]
    elsewhere = sorted({row.pbx for row in rows} - {pbx})
    if wrong:
        yield bad(f"seats without a channel: {', '.join(wrong)}", "write what Asterisk calls the phone, as PJSIP/1001")
    else:
        yield ok(f"all {len(rows)} seats have a channel")
    if elsewhere:
        yield warn(
            f"seats on other PBXs: {', '.join(elsewhere)}", f"each needs a bridge of its own; here it is {pbx!r}"
        )
