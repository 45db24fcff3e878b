"""The bridge as a process that a test can kill: `python -m tests.live.bridge_process [STEP]`, settings from the environment.

With a step (`tests.live.steps`) it kills itself when a call has come so far.
"""

import asyncio
import logging
import os
import signal
import sys

from ami_bridge.bridge import run
from db.engine import Database
from db.hints import Bell
from db.settings import load
from saikoku.lab.clock import clock_from
from tests.integration.db.people import OFFICE
from tests.live.steps import break_at


def main() -> None:
    """Work until killed."""
    logging.basicConfig(level=logging.WARNING)
    clock = clock_from(os.environ)
    settings = load(environ={name: value for name, value in os.environ.items() if name != "SAIKOKU_LAB_CLOCK_OFFSET"})
    if step := "".join(sys.argv[1:]):
        break_at(step, lambda: os.kill(os.getpid(), signal.SIGKILL), setattr)
    database = Database(settings.database.url, ring=Bell(settings.office.run_dir))
    asyncio.run(run(settings, database, clock, OFFICE))


if __name__ == "__main__":
    main()
