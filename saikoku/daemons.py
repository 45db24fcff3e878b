"""The daemons as the command line starts them, each in a process of its own, and `saikoku all`, which watches over them.

A daemon that stops is started again after a pause that grows while it keeps failing, so that a PDF cannot stall a call
and a crash restarts alone. A daemon that was told something wrong (exit status 2) stops the whole, with its message.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from db.clock import Clock
from db.engine import Database
from db.hints import Bell
from db.settings import Settings
from db.usecases.office import Office

WRONG_SETTINGS: Final = 2
STOP_WITHIN: Final = 20.0
"""Seconds; the sender of messages waits for its carriers' answers and says goodbye, which may take 15."""
SWITCH: Final = 0.001
"""Seconds after which a thread of the sender of messages gives way to one that waits: the loop reads answers while a transaction
computes, and after each of its statements the transaction would wait five times as long for the loop."""
R = TypeVar("R")
_log = logging.getLogger(__name__)


def open_database(settings: Settings, *, threaded: bool = False, by_key: bool = False) -> Database:
    """The register, ringing the readers on this machine after each commit. `threaded`, `by_key`: see `Database`."""
    settings.office.run_dir.mkdir(parents=True, exist_ok=True)
    return Database(settings.database.url, ring=Bell(settings.office.run_dir), threaded=threaded, by_key=by_key)


def office_of(settings: Settings) -> Office:
    """The office's rules."""
    return Office.of(settings.office)


def run_panel(settings: Settings, clock: Clock) -> int:
    """Serve the panel until told to stop."""
    from webpanel import serve  # each daemon loads its own part only: less memory, and one cannot break another

    _settle()
    serve.run(settings, clock)
    return 0


def run_bridge(settings: Settings, clock: Clock) -> int:
    """Work the PBX of this host until told to stop."""
    asyncio.run(_bridge(settings, clock))
    return 0


def run_agi(settings: Settings, clock: Clock) -> int:
    """Tell Asterisk who is calling, until told to stop."""
    asyncio.run(_agi(settings, clock))
    return 0


def run_jobs(settings: Settings, clock: Clock) -> int:
    """Keep house and take imports, until told to stop."""
    asyncio.run(_jobs(settings, clock))
    return 0


def run_sms(settings: Settings, clock: Clock) -> int:
    """Send and receive messages to phones, until told to stop."""
    asyncio.run(_sms(settings, clock))
    return 0


def run_all(settings: Settings, _: Clock) -> int:
    """All daemons of this host, until told to stop; the sender of messages where a carrier is set."""
    names = (*DAEMONS, "sms") if settings.carriers else DAEMONS
    return asyncio.run(until_signal(Supervisor(names, os.environ).run())) or 0


DAEMONS: Final = ("panel", "bridge", "agi", "jobs")


async def _bridge(settings: Settings, clock: Clock) -> None:
    from ami_bridge import bridge

    _settle()
    database = open_database(settings)
    try:
        await until_signal(bridge.run(settings, database, clock, office_of(settings)))
    finally:
        await database.aclose()


async def _agi(settings: Settings, clock: Clock) -> None:
    from agi import server

    _settle()
    database = open_database(settings)
    try:
        await until_signal(server.run(settings, database, clock, office_of(settings)))
    finally:
        await database.aclose()


async def _sms(settings: Settings, clock: Clock) -> None:
    from sms_smpp import sender

    _settle()
    sys.setswitchinterval(SWITCH)
    database = open_database(settings, threaded=True, by_key=True)
    try:
        await until_signal(sender.run(settings, database, clock, office_of(settings)))
    finally:
        await database.aclose()


async def _jobs(settings: Settings, clock: Clock) -> None:
    from saikoku import import_worker, jobs

    _settle()
    database = open_database(settings)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(jobs.run(settings, database, clock, office_of(settings)))
            group.create_task(import_worker.run(settings, database, clock))

    try:
        await until_signal(both())
    finally:
        await database.aclose()


def _settle() -> None:
    """What is loaded by now stays: the collector of cycles, which stops everything while it looks, leaves it out from here on
    and comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


class Supervisor:
    """Keeps daemons running as child processes."""

    def __init__(self, names: Iterable[str], environ: Mapping[str, str], *, first_pause: float = 0.5) -> None:
        self._names = tuple(names)
        self._environ = dict(environ)
        self._first_pause = first_pause
        self.children: dict[str, asyncio.subprocess.Process] = {}

    async def run(self) -> int:
        """Watch until cancelled; returns only when a daemon cannot work as it is set up."""
        tasks = [asyncio.create_task(self._keep(name)) for name in self._names]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: str) -> int:
        pause = self._first_pause
        while True:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "saikoku", name, env=self._environ, start_new_session=True
            )
            self.children[name] = child
            started = asyncio.get_running_loop().time()
            try:
                status = await child.wait()
            finally:
                await _stop(child)
            if status == WRONG_SETTINGS:
                return status
            if asyncio.get_running_loop().time() - started > 60:
                pause = self._first_pause
            _log.error("%s stopped with status %s; starting it again in %.1f s", name, status, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)


async def until_signal(work: Coroutine[Any, Any, R]) -> R | None:
    """Do `work` until it ends, or cancel it at SIGINT or SIGTERM and return None once it has cleaned up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), STOP_WITHIN)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
