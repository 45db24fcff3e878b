"""Routes with the right that each needs, declared where it is registered, so that none is reachable by oversight.

A feature has a `routes.py` with `ROUTES`, a tuple made with the functions below. `mount` puts a guard before every
handler: session, CSRF token (POST), right, in this order. A test walks `app[ROUTES]` and shows each refusal.

Kinds differ in what a caller without a session gets (a page leads to the log-in, everything else answers 401) and in
whether they count as use of the session (what the page fetches by itself does not, or nobody would ever be idle).
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from aiohttp import web

from db.rules.terms import Right

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SIGNED_IN: Final = None
"""The "right" of a route that everyone may use who has logged in."""


class Kind(Enum):
    """What a route answers with."""

    PUBLIC = auto()
    PAGE = auto()
    FRAGMENT = auto()
    ACTION = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `while_expired`: also for a user who must change the password first."""

    method: str
    path: str
    handler: Handler
    kind: Kind
    right: Right | None
    while_expired: bool = False


ROUTES: Final = web.AppKey("routes", tuple[Route, ...])
ROUTE: Final = web.RequestKey("route", Route)


def page(path: str, handler: Handler, right: Right | None, *, while_expired: bool = False) -> Route:
    """A page (GET); without a session the caller is led to the log-in and back."""
    return Route("GET", path, handler, Kind.PAGE, right, while_expired)


def fragment(path: str, handler: Handler, right: Right | None) -> Route:
    """A part of a page or a stream (GET), fetched by the page itself; without a session 401."""
    return Route("GET", path, handler, Kind.FRAGMENT, right)


def action(path: str, handler: Handler, right: Right | None, *, while_expired: bool = False) -> Route:
    """A change (POST with the session's CSRF token); without a session 401, without the token 403."""
    return Route("POST", path, handler, Kind.ACTION, right, while_expired)


def public(method: str, path: str, handler: Handler) -> Route:
    """A route for callers without a session: the log-in, and what the machine room asks."""
    return Route(method, path, handler, Kind.PUBLIC, SIGNED_IN)


def mount(
    app: web.Application, routes: Iterable[Route], admit: Callable[[web.Request, Route], Awaitable[None]]
) -> None:
    """Register routes, each behind `admit`, which raises to refuse."""
    listed = tuple(routes)
    for route in listed:
        app.router.add_route(route.method, route.path, _guarded(route, admit))
    app[ROUTES] = listed


def _guarded(route: Route, admit: Callable[[web.Request, Route], Awaitable[None]]) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        if route.kind is not Kind.PUBLIC:
            await admit(request, route)
        return await route.handler(request)

    return guarded
