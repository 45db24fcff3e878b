"""`saikoku user …`: users from the command line, for the first of them and for when nobody can log in."""

import argparse
import getpass
import sys

from db.clock import Clock
from db.engine import Database
from db.reference.passwords import hash_password
from db.rules.passwords import password_problems
from db.rules.terms import Area
from db.rules.viewer import system_viewer
from db.settings import Settings
from db.store import staff
from db.usecases import accounts
from db.usecases.accounts import DEFAULT_POLICY, LoginTakenError, UnknownUserError

_BY = system_viewer("command line")


class UserError(Exception):
    """It cannot be done; the sentence says why."""

    code = "user"


def run_add(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku user add LOGIN NAME --level LEVEL --area AREA`; the password is asked for, or read from a pipe."""
    database = Database(settings.database.url)
    password_hash = _new_password(arguments.login)
    try:
        with database.write() as tx:
            user_id = accounts.add_user(
                tx, _BY, clock.now(), login=arguments.login, name=arguments.name, password_hash=password_hash,
                contracted=arguments.contracted,
            )  # fmt: skip
            areas = [Area(code) for code in arguments.area]
            accounts.grant(tx, _BY, clock.now(), user_id=user_id, level=arguments.level, areas=areas)
    except LoginTakenError as error:
        raise UserError(str(error)) from error
    print(f"added {arguments.login}")
    return 0


def run_passwd(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku user passwd LOGIN`: a new password, to be changed at the next log-in; unlocks the account."""
    database = Database(settings.database.url)
    with database.read() as tx:
        found = staff.credentials(tx, arguments.login)
    if found is None:
        raise UserError(f"there is no user {arguments.login}")
    password_hash = _new_password(arguments.login)
    with database.write() as tx:
        accounts.set_password(
            tx, _BY, clock.now(), user_id=found.user_id, password_hash=password_hash, must_change=True
        )
        accounts.revoke_sessions(tx, found.user_id, clock.now())
    print(f"changed the password of {arguments.login}")
    return 0


def run_disable(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku user disable LOGIN`: out at once, sessions included."""
    database = Database(settings.database.url)
    try:
        with database.write() as tx:
            accounts.disable_user(tx, _BY, clock.now(), arguments.login)
    except UnknownUserError as error:
        raise UserError(str(error)) from error
    print(f"disabled {arguments.login}")
    return 0


def _new_password(login: str) -> str:
    password = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    problems = password_problems(password, login, DEFAULT_POLICY)
    if problems:
        raise UserError(" ".join(problems))
    return hash_password(password)
