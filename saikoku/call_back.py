"""`saikoku lab call-back NUMBER`: somebody of the running demo's city calls the office, for people without a phone."""

import argparse
import re
import subprocess
from typing import Final

from db.clock import Clock
from db.settings import Settings

_CALLER: Final = re.compile(r"\+?[0-9]{3,20}|anonymous")


class CallBackError(Exception):
    """Nobody can call; the sentence says why."""

    code = "call_back"


def run(arguments: argparse.Namespace, _: Settings, __: Clock) -> int:
    """Let `arguments.number` call (`anonymous`: with a hidden number). Raises CallBackError."""
    if not _CALLER.fullmatch(arguments.number):
        raise CallBackError(f"{arguments.number!r} is no number; give digits, or the word anonymous")
    settings = arguments.data.absolute() / "lab/carrier/etc/asterisk.conf"
    if not settings.exists():
        raise CallBackError(f"no demo has its data in {arguments.data}; start `saikoku demo`, or name it with --data")
    from saikoku.lab.obtain import obtain  # the daemons do without the lab
    from saikoku.lab.pbx import OFFICE_NUMBERS

    call = f"channel originate Local/{arguments.number}*{OFFICE_NUMBERS[0]}@to-office/n extension s@citizen-speaks"
    done = subprocess.run([*obtain().command, "-C", str(settings), "-rx", call], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise CallBackError("the demo's carrier does not answer; is the demo still running?")
    print(f"{arguments.number} calls {OFFICE_NUMBERS[0]}")
    return 0
