"""What the application holds, under typed keys: handlers read it with `request.app[KEY]`, tests put their own in."""

from typing import Final

from aiohttp import web

from db.clock import Clock
from db.engine import Database
from db.settings import Settings
from db.usecases.office import Office
from db.usecases.sms import Wording

DATABASE: Final = web.AppKey("database", Database)
CLOCK: Final = web.AppKey("clock", Clock)
OFFICE: Final = web.AppKey("office", Office)
SETTINGS: Final = web.AppKey("settings", Settings)
WORDING: Final = web.AppKey("wording", Wording)
"""What messages may say, and what the routes to carriers take."""

SEEN: Final = web.RequestKey("seen", str)
"""Where the outbox stood when the request came: the page's stream of changes goes on from there, so that nothing that
happens between the reading of a page and the opening of its stream is missed."""
