"""`saikoku stop REASON` and `saikoku resume`: the emergency stop without the panel. Only the register is needed."""

import argparse
import getpass
import os
import sys
from contextlib import closing

from sqlalchemy.exc import DBAPIError

from db.clock import Clock
from db.engine import Database
from db.rules.viewer import Viewer, system_viewer
from db.settings import Settings
from db.store import office
from db.usecases import stop
from saikoku.daemons import open_database


class StopError(Exception):
    """Nothing was changed; the sentence says why."""

    code = "stop"


def run_stop(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku stop REASON`: at once and without a question."""
    try:
        with closing(open_database(settings)) as database, database.write() as tx:
            taken = stop.stop(tx, by_command_line(), " ".join(arguments.reason), clock.now())
    except DBAPIError as error:
        raise StopError(
            f"NOT stopped, the register cannot be written ({error.orig}); end the bridge instead"
        ) from error
    print(f"stopped: nothing is dialled or sent until `saikoku resume`; {taken} unanswered calls are taken back")
    return 0


def run_resume(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku resume`: says what was stopped and asks; `--yes` answers beforehand."""
    try:
        with closing(open_database(settings)) as database:
            return _resume(database, arguments, settings, clock)
    except DBAPIError as error:
        raise StopError(f"not resumed, the register cannot be written ({error.orig})") from error


def _resume(database: Database, arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    with database.read() as tx:
        stopped = office.stopped(tx)
    if stopped is None:
        print("nothing is stopped")
        return 0
    since = stopped.since.astimezone(settings.office.zone)
    print(f"stopped since {since:%Y-%m-%d %H:%M} by {stopped.by or 'unknown'}: {stopped.reason or 'no reason given'}")
    if not arguments.yes and not _confirmed():
        raise StopError("not resumed; answer yes, or give --yes")
    with database.write() as tx:
        stop.resume(tx, by_command_line(), clock.now())
    print("resumed")
    return 0


def by_command_line() -> Viewer:
    """Who works on this machine's command line, as the machine knows them."""
    try:
        who = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container: no reason not to stop
        who = str(os.getuid())
    return system_viewer(f"command line ({who})")


def _confirmed() -> bool:
    print("resume dialling and sending? [yes/no] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
