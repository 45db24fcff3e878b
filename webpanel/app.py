"""The panel as an aiohttp application. `make_app` is all that the daemon and the tests need."""

import asyncio
from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path
from typing import Final

from aiohttp import web

from db.clock import Clock
from db.engine import Database
from db.settings import Settings
from db.usecases.office import Office
from db.usecases.sms import Wording
from db.usecases.sms_batch_desk import Counts
from db.usecases.sms_settings import wording_of
from webpanel.extract.recent import RECENT, Recent
from webpanel.extract.views import COUNTED_AT_ONCE, COUNTING
from webpanel.features import FEATURES
from webpanel.keys import CLOCK, DATABASE, OFFICE, SETTINGS, WORDING
from webpanel.live.hub import HUB, Hub, feeding
from webpanel.metrics import METRICS, Metrics
from webpanel.middleware import answered, counted, set_headers
from webpanel.recordings.plays import PLAYS, Plays
from webpanel.render import TEMPLATES, environment
from webpanel.routing import mount
from webpanel.sessions import admit
from webpanel.shell.login import VERIFIERS
from webpanel.sms.batches import COUNTS

STATIC: Final = Path(__file__).parent / "static"
LARGEST_POST: Final = 1024 * 1024
VERIFY_AT_ONCE: Final = 2


def make_app(
    settings: Settings, database: Database, clock: Clock, office: Office, wording: Wording | None = None
) -> web.Application:
    """The application. It uses `database` but does not close it. `wording`: what messages may say, as the settings have it if None."""
    app = web.Application(middlewares=[counted, answered], client_max_size=LARGEST_POST)
    app[SETTINGS] = settings
    app[DATABASE] = database
    app[CLOCK] = clock
    app[OFFICE] = office
    app[WORDING] = wording or wording_of(settings)
    app[METRICS] = Metrics()
    app[COUNTS] = Counts()
    app[TEMPLATES] = environment(office)
    app[VERIFIERS] = asyncio.Semaphore(VERIFY_AT_ONCE)
    app[HUB] = Hub(app[METRICS])
    app[PLAYS] = Plays()
    app[RECENT] = Recent()
    app[COUNTING] = asyncio.Semaphore(COUNTED_AT_ONCE)
    app.cleanup_ctx.append(_live)
    app.on_shutdown.append(_end_streams)
    mount(app, chain.from_iterable(FEATURES), admit)
    app.router.add_static("/static/", STATIC)
    app.on_response_prepare.append(set_headers)
    return app


async def _live(app: web.Application) -> AsyncIterator[None]:
    async with feeding(app[HUB], app[DATABASE], app[SETTINGS].office.run_dir):
        yield


async def _end_streams(app: web.Application) -> None:
    app[HUB].end_all()
