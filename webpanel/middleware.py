"""What is done for every request: errors become answers, answers get their headers, and requests are counted.

Headers: the policy allows scripts, styles, pictures and connections from this server only, nothing inline, no framing
and no forms to elsewhere. Everything but the static files is `no-store`: pages are about people, and office computers
are shared. The log holds the route's pattern, never the path or the query, in which people's numbers and names stand.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from aiohttp import web

from webpanel.errors import BROKEN, PasswordDueError, Problem, SignedOutError, as_json, problem_of, wants_json
from webpanel.keys import SEEN
from webpanel.live.hub import HUB
from webpanel.metrics import METRICS
from webpanel.render import page
from webpanel.routing import ROUTE, Kind

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}

log = logging.getLogger(__name__)


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the request and log it."""
    began = time.perf_counter()
    request[SEEN] = request.app[HUB].at
    response = await handler(request)
    seconds = time.perf_counter() - began
    pattern = _pattern(request)
    request.app[METRICS].observe(request.method, pattern, response.status, seconds)
    log.info("%s %s %d %.0f ms", request.method, pattern, response.status, seconds * 1000)
    return response


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into an answer. What was not foreseen is logged here and told as a fault of the system."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return await _answer(request, problem_of(error) or BROKEN)
    except Exception as error:  # the process boundary: the traceback goes to the log, a sentence to the person
        # a file is on its way: the line is closed, so that no part is taken for the whole
        if request.writer.output_size:
            log.exception("%s %s broke off", request.method, _pattern(request))
            raise
        led = _led_elsewhere(request, error)
        if led is not None:
            return led
        problem = problem_of(error)
        if problem is None:
            log.exception("%s %s failed", request.method, _pattern(request))
        return await _answer(request, problem or BROKEN)


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put our headers on an answer, just before it is sent."""
    response.headers.update(HEADERS)
    static = request.path.startswith("/static/")
    response.headers.setdefault("Cache-Control", "no-cache" if static else "no-store")


def _led_elsewhere(request: web.Request, error: Exception) -> web.Response | None:
    """Where a page leads instead of an error: to the log-in, or to the change of the password."""
    route = request.get(ROUTE)
    if route is None or route.kind is not Kind.PAGE:
        return None
    if isinstance(error, SignedOutError):
        back = "" if request.path == "/" else f"?next={quote(request.path_qs, safe='')}"
        return web.Response(status=303, headers={"Location": f"/login{back}"})
    if isinstance(error, PasswordDueError):
        return web.Response(status=303, headers={"Location": "/password"})
    return None


async def _answer(request: web.Request, problem: Problem) -> web.StreamResponse:
    route = request.get(ROUTE)
    if wants_json(request) or (route is not None and route.kind is Kind.FRAGMENT):
        return as_json(problem)
    return await page(request, "shell/problem.html", status=problem.status, problem=problem, bare=problem.status >= 500)


def _pattern(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"
