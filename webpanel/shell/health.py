"""What the machine room asks: is the panel alive and its register reachable, and how much has it done."""

from aiohttp import web
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from webpanel.keys import DATABASE
from webpanel.metrics import METRICS


async def healthz(request: web.Request) -> web.StreamResponse:
    """200 if the register answers, else 503."""
    try:
        await request.app[DATABASE].ask(_ping)
    except SQLAlchemyError:
        return web.Response(status=503, text="database unreachable\n")
    return web.Response(text="ok\n")


async def metrics(request: web.Request) -> web.StreamResponse:
    """The counters."""
    return web.Response(
        body=request.app[METRICS].text().encode(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


def _ping(tx: Connection) -> None:
    tx.execute(text("SELECT 1"))
