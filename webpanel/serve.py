"""The panel's process: opens the register, serves until SIGTERM or SIGINT, and closes it."""

import asyncio
import errno
import signal

from aiohttp import web

from db.clock import Clock
from db.engine import Database
from db.hints import Bell
from db.settings import Address, SettingError, Settings
from db.usecases.office import Office
from webpanel.app import make_app


def run(settings: Settings, clock: Clock) -> None:
    """Serve until told to stop. Raises SettingError if the address cannot be had."""
    asyncio.run(_until_told(settings, clock))


async def serve(settings: Settings, clock: Clock, stop: asyncio.Event, ready: asyncio.Event | None = None) -> None:
    """Serve until `stop` is set; `ready` is set once connections are taken."""
    settings.office.run_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database.url, ring=Bell(settings.office.run_dir), threaded=True)
    app = make_app(settings, database, clock, Office.of(settings.office))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await _listen(runner, settings.panel.listen)
        if ready is not None:
            ready.set()
        await stop.wait()
    finally:
        await runner.cleanup()
        await database.aclose()


async def _until_told(settings: Settings, clock: Clock) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, clock, stop)


async def _listen(runner: web.AppRunner, at: Address) -> None:
    try:
        await web.TCPSite(runner, at.host, at.port).start()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        allowed = "the port is taken by another program" if taken else f"cannot listen there ({error.strerror})"
        raise SettingError("panel.listen", str(at), allowed) from error
