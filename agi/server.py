"""The FastAGI server: takes connections from Asterisk, finds the handler, and lets nobody hold it up.

Every connection has a deadline for its head and one for the whole; whatever goes wrong in one ends that one only. A
session that ends without an answer leaves the call in the dialplan, which rings the desks all the same. FastAGI has no
password, and whoever may ask can learn whether a number is on the record: only the networks in `agi.permit` may.
"""

import asyncio
import gc
import ipaddress
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from agi import request
from agi.caller import read_caller
from agi.desk import Desk, open_desk
from agi.errors import AgiError, HungUpError, PeerGoneError, RequestError
from agi.handlers import HANDLERS, Handler
from agi.request import Request
from agi.session import Session
from agi.wire import Wire
from db.clock import Clock
from db.engine import Database
from db.settings import Address, SettingError, Settings
from db.usecases.office import Office

PEERS_KEPT: Final = 10_000
_log = logging.getLogger(__name__)

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What peers may use: seconds for the head and for what follows, and connections at once.

    Every `look` seconds sessions past their deadline are ended: one watch is far cheaper than a timer for each.
    """

    head: float = 2.0
    session: float = 5.0
    sessions: int = 1000
    look: float = 0.25


@dataclass(slots=True)
class _Visit:
    """One connection: until when it may last, on the loop's clock, and the handler at work."""

    deadline: float
    work: asyncio.Task[None] | None = None
    too_slow: bool = False


class Server:
    """Owns all connections."""

    def __init__(
        self,
        desk: Desk,
        permit: Networks,
        handlers: Mapping[str, Handler] = HANDLERS,
        limits: Limits = Limits(),
    ) -> None:
        self._desk = desk
        self._permit = permit
        self._handlers = handlers
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._visits: dict[Wire, _Visit] = {}
        self._peers: dict[str, bool] = {}
        self.ended: Final[Counter[str]] = Counter()
        """How connections ended: `answered`, `too_slow` and the like, or the code of an error."""

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._visits)

    async def listen(self, at: Address) -> asyncio.Server:
        """Begin to take connections."""
        return await self._loop.create_server(lambda: Wire(self), at.host, at.port, backlog=256)

    async def watch(self) -> None:
        """End what is past its deadline, until cancelled."""
        while True:
            await asyncio.sleep(self._limits.look)
            now = self._loop.time()
            for wire, visit in list(self._visits.items()):
                if now > visit.deadline:
                    self._too_slow(wire, visit)

    async def stop(self) -> None:
        """End all connections."""
        at_work = [visit.work for visit in self._visits.values() if visit.work]
        for wire in list(self._visits):
            wire.abort()
        for work in at_work:
            work.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)

    # -- what a connection tells (agi.wire.Owner)

    def connected(self, wire: Wire) -> None:
        """Keep a connection, or close it at once."""
        if not self._permitted(wire.peer):
            self._end(wire, "not_permitted")
        elif len(self._visits) >= self._limits.sessions:
            self._end(wire, "too_many")
        else:
            self._visits[wire] = _Visit(self._loop.time() + self._limits.head)

    def began(self, wire: Wire, head: bytes) -> None:
        """Start the handler that is asked for."""
        visit = self._visits.get(wire)
        if visit is None:
            return  # refused; it is being closed
        try:
            asked = request.parse(head)
        except RequestError as error:
            _log.debug("what came is no FastAGI: %s", error)
            self._end(wire, error.code)
            return
        handler = self._handlers.get(asked.script)
        if handler is None:
            _log.warning("FastAGI was asked for something there is not: %.40r", asked.script)
            self._end(wire, "no_handler")
            return
        visit.deadline += self._limits.session
        visit.work = self._loop.create_task(self._serve(wire, visit, handler(Session(wire, asked), self._desk)))

    def overlong(self, wire: Wire) -> None:
        """Close what has no end."""
        self._end(wire, RequestError.code)

    def lost(self, wire: Wire) -> None:
        """A connection that goes before it has asked anything is a probe; a handler at work finds out by itself."""
        visit = self._visits.get(wire)
        if visit is not None and visit.work is None:
            self._end(wire, PeerGoneError.code)

    # --

    async def _serve(self, wire: Wire, visit: _Visit, handling: Coroutine[None, None, None]) -> None:
        outcome = "fault"
        try:
            outcome = await _outcome(handling)
        except asyncio.CancelledError:
            outcome = "too_slow" if visit.too_slow else "stopped"
            if not visit.too_slow:
                raise
        finally:
            self._end(wire, outcome)

    def _too_slow(self, wire: Wire, visit: _Visit) -> None:
        visit.too_slow = True
        if visit.work is not None:
            visit.work.cancel()
        else:
            self._end(wire, "too_slow")

    def _end(self, wire: Wire, outcome: str) -> None:
        self._visits.pop(wire, None)
        self.ended[outcome] += 1
        wire.close()

    def _permitted(self, host: str) -> bool:
        known = self._peers.get(host)
        if known is None and host:
            known = _within(host, self._permit)
            if len(self._peers) < PEERS_KEPT:
                self._peers[host] = known
            if not known:
                _log.warning("a FastAGI connection from %s was refused; agi.permit does not name it", host)
        return bool(known)


async def _outcome(handling: Coroutine[None, None, None]) -> str:
    """Do what the handler does, and say in a word how it went."""
    try:
        await handling
    except (HungUpError, PeerGoneError) as error:
        _log.debug("a FastAGI session ended early: %s", error)
        return error.code
    except AgiError as error:
        _log.warning("a FastAGI session failed: %s", error)
        return error.code
    except Exception:
        # the boundary of one session: a fault in a handler must not pass in silence, nor end the others
        _log.exception("a FastAGI handler failed")
        return "fault"
    return "answered"


def _within(host: str, permit: Networks) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in permit)


def networks(permit: str) -> Networks:
    """The networks of `agi.permit`; raises SettingError."""
    try:
        return tuple(ipaddress.ip_network(text) for text in permit.replace(",", " ").split())
    except ValueError as error:
        allowed = "networks such as 127.0.0.0/8 192.0.2.10/32"
        raise SettingError("agi.permit", permit, f"{allowed} ({error})") from error


@asynccontextmanager
async def listening(server: Server, at: Address) -> AsyncIterator[Address]:
    """A server at work, and the address it listens on (a port of its own if `at` says 0)."""
    listener = await server.listen(at)
    watch = asyncio.create_task(server.watch())
    try:
        host, port = listener.sockets[0].getsockname()[:2]
        yield Address(host, port)
    finally:
        watch.cancel()
        listener.close()
        await server.stop()


async def warm_up(desk: Desk) -> None:
    """Ask once before anybody calls, so that the first caller does not wait for statements to be compiled."""
    asked = Request({"callerid": "0312345678"})
    caller = await desk.who(read_caller(asked), "0312345678")
    _log.info("a look-up on trial said: %s", caller.kind)


async def run(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Serve until cancelled. Raises SettingError for an `agi.permit` that is none."""
    permit = networks(settings.agi.permit)
    desk = open_desk(database, clock, office, settings.agi.deadline_ms / 1000)
    try:
        await warm_up(desk)
        async with listening(Server(desk, permit), settings.agi.listen) as address:
            gc.freeze()  # what is there now stays for good; collections need not walk through it while a caller waits
            _log.info("FastAGI listens on %s", address)
            await asyncio.Event().wait()
    finally:
        await desk.aclose()
