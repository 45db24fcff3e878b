"""`saikoku`: the command line. Each command is a function of its arguments, the settings and the clock."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from db.clock import Clock
from db.engine import DatabaseUrlError
from db.rules.terms import Area
from db.settings import SettingError, Settings, load
from db.usecases.foundation import LEVELS
from saikoku import call_back, daemons, exports, imports, pbx, register, stopping, users
from saikoku.dialplan import DialplanError
from saikoku.lab.clock import clock_from

Run = Callable[[argparse.Namespace, Settings, Clock], int]

MISTAKES = (
    SettingError,
    DatabaseUrlError,
    DialplanError,
    call_back.CallBackError,
    exports.ExportCommandError,
    imports.ImportCommandError,
    register.RegisterError,
    stopping.StopError,
    users.UserError,
)
"""Errors of whoever gave the command: one sentence and exit status 2, no traceback."""
FAULT: Final = 4
"""Not 1, which an import uses for lines that were refused while all others were taken."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it did what was asked, 2 when it was asked wrongly, FAULT at a fault."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    given = _parser().parse_args(arguments)
    run: Run = given.run
    try:
        return run(given, load(given.config), clock_from(os.environ))
    except MISTAKES as error:
        print(f"saikoku: {error}", file=sys.stderr)
        return 2
    except Exception:
        logging.getLogger("saikoku").exception("a fault")
        return FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "saikoku", description="Collection of overdue municipal taxes and fees, beside your PBX."
    )
    parser.add_argument("--config", type=Path, help="the settings file (default: SAIKOKU_CONFIG)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _demo(commands)
    _lab(commands)
    runs = (
        ("all", daemons.run_all),
        ("panel", daemons.run_panel),
        ("bridge", daemons.run_bridge),
        ("agi", daemons.run_agi),
        ("sms", daemons.run_sms),
        ("jobs", daemons.run_jobs),
    )
    for name, run in runs:
        added = commands.add_parser(name, help=(run.__doc__ or "").splitlines()[0])
        added.set_defaults(run=_daemon(run))
    _db(commands)
    _dialplan(commands)
    _user(commands)
    imports.add_options(commands.add_parser("import", help="a file of the core system, by a mapping"))
    exports.add_options(commands.add_parser("export", help="what is new for the core system, as files"))
    _stop(commands)
    _doctor(commands)
    return parser


def _daemon(run: Callable[[Settings, Clock], int]) -> Run:
    return lambda _arguments, settings, clock: run(settings, clock)


def _demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from saikoku import demo

    parser = commands.add_parser("demo", help="an office, a carrier and a synthetic city, on this machine only")
    parser.add_argument("--port", type=int, default=8080, help="of the panel (default 8080)")
    parser.add_argument("--debtors", type=int, default=20_000)
    parser.add_argument("--data", type=Path, default=Path("var/demo"), help="folder of the demo's data (made anew)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.set_defaults(run=demo.run)


def _lab(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("lab", help="the running demo's city: call-back")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    calls = actions.add_parser("call-back", help="somebody calls the office")
    calls.add_argument("number", help="the caller's; anonymous: a hidden one")
    calls.add_argument("--data", type=Path, default=Path("var/demo"), help="folder of the demo's data")
    calls.set_defaults(run=call_back.run)


def _db(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("db", help="the register: upgrade, seed, backup, restore, verify-audit")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("upgrade", help="bring it to the newest form").set_defaults(run=register.run_upgrade)
    seed = actions.add_parser("seed", help="a synthetic city, on an empty register")
    seed.add_argument("--debtors", type=int, default=20_000)
    seed.add_argument("--seed", type=int, default=1)
    seed.set_defaults(run=register.run_seed)
    verify = actions.add_parser("verify-audit", help="prove that the access log is whole")
    verify.set_defaults(run=register.run_verify_audit)
    for name, run in (("backup", register.run_backup), ("restore", register.run_restore)):
        added = actions.add_parser(name)
        added.add_argument("file", type=Path)
        added.set_defaults(run=run)


def _dialplan(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("dialplan", help="the PBX's files: render, install, lint")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    render = actions.add_parser("render", help="show the files")
    render.add_argument("--to", type=Path, help="write them into this folder instead")
    pbx.add_options(render)
    render.set_defaults(run=pbx.run_render)
    install = actions.add_parser("install", help="write ours, keep yours")
    install.add_argument("folder", type=Path, nargs="?", default=pbx.ASTERISK)
    install.add_argument("--force", action="store_true", help="overwrite files of ours that were edited by hand")
    pbx.add_options(install)
    install.set_defaults(run=pbx.run_install)
    lint = actions.add_parser("lint", help="what is wrong, and how to mend it")
    lint.add_argument("folder", type=Path, nargs="?", default=pbx.ASTERISK)
    lint.set_defaults(run=pbx.run_lint)


def _user(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("user", help="users: add, passwd, disable")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="a new user; the password is asked for, or read from a pipe")
    add.add_argument("login")
    add.add_argument("name")
    add.add_argument("--level", choices=sorted(LEVELS), required=True)
    add.add_argument("--area", choices=[area.value for area in Area], action="append", required=True)
    add.add_argument("--contracted", action="store_true", help="contracted staff (委託)")
    add.set_defaults(run=users.run_add)
    for name, run in (("passwd", users.run_passwd), ("disable", users.run_disable)):
        added = actions.add_parser(name)
        added.add_argument("login")
        added.set_defaults(run=run)


def _stop(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    stop = commands.add_parser("stop", help="the emergency stop: nothing is dialled or sent from now on")
    stop.add_argument("reason", nargs="+", help="why; everybody sees it on the screen")
    stop.set_defaults(run=stopping.run_stop)
    resume = commands.add_parser("resume", help="end the emergency stop")
    resume.add_argument("--yes", action="store_true", help="do not ask")
    resume.set_defaults(run=stopping.run_resume)


def _doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def run(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
        from saikoku import doctor  # it loads the bridge and the migrations, which other commands do not need

        return doctor.run_doctor(arguments, settings, clock)

    parser = commands.add_parser("doctor", help="what is missing or wrong here and at the PBX, and how to mend it")
    parser.add_argument("--asterisk", type=Path, metavar="FOLDER", help="look at Asterisk's files too (/etc/asterisk)")
    parser.set_defaults(run=run)


if __name__ == "__main__":
    sys.exit(main())
