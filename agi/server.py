"""The FastAGI server: takes connections from Asterisk, finds the handler, and lets nobody hold it up.

Every connection has a deadline for its head and one for the whole; whatever goes wrong in one ends that one only. A
session that ends without an answer leaves the call in the dialplan, which rings the desks all the same. FastAGI has no
password, and whoever may ask can learn whether a number is on the record: only the networks in `agi.permit` may.
"""

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from agi import request
from agi.caller import read_caller
from agi.desk import Desk, open_desk
from agi.errors import AgiError, HungUpError, PeerGoneError
from agi.handlers import HANDLERS, Handler
from agi.request import Request
from agi.session import opened
from db.clock import Clock
from db.engine import Database
from db.settings import Address, AgiSettings, SettingError, Settings
from db.usecases.office import Office

_log = logging.getLogger(__name__)

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may use: seconds for the head and for the whole session, and connections at once."""

    head: float = 2.0
    session: float = 5.0
    sessions: int = 1000


class Server:
    """One listening server."""

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
        self._sessions: set[asyncio.Task[None]] = set()
        self._peers: dict[str, bool] = {}
        self.ended: Final[Counter[str]] = Counter()
        """How sessions ended: `answered`, or the code of an error."""

    async def listen(self, at: Address) -> asyncio.Server:
        """Begin to take connections."""
        return await asyncio.start_server(self.take, at.host, at.port, limit=request.HEAD_BYTES, backlog=256)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        session = asyncio.current_task()
        assert session is not None  # noqa: S101 - start_server runs this as a task
        self._sessions.add(session)
        try:
            self.ended[await self._serve(reader, writer)] += 1
        finally:
            self._sessions.discard(session)
            writer.close()

    async def stop(self) -> None:
        """End all sessions."""
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        if not self._permitted(writer):
            return "not_permitted"
        if len(self._sessions) > self._limits.sessions:
            return "too_many"
        try:
            async with asyncio.timeout(self._limits.head) as deadline:
                session = await opened(reader, writer)
                handler = self._handlers.get(session.request.script)
                if handler is None:
                    _log.warning("FastAGI was asked for something there is not: %.40r", session.request.script)
                    return "no_handler"
                deadline.reschedule(asyncio.get_running_loop().time() + self._limits.session)
                await handler(session, self._desk)
        except (HungUpError, PeerGoneError) as error:
            _log.debug("a FastAGI session ended early: %s", error)
            return error.code
        except AgiError as error:
            _log.warning("a FastAGI session failed: %s", error)
            return error.code
        except TimeoutError:
            _log.debug("a FastAGI session was too slow")
            return "too_slow"
        except Exception:
            # the boundary of one session: a fault in a handler must not pass as silence, nor end the others
            _log.exception("a FastAGI handler failed")
            return "fault"
        return "answered"

    def _permitted(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("peername")
        if not peer:
            return False  # gone before it was looked at
        host: str = peer[0]
        known = self._peers.get(host)
        if known is None:
            address = ipaddress.ip_address(host.partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None) or address
            known = any(mapped in network for network in self._permit)
            if len(self._peers) < 10_000:
                self._peers[host] = known
            if not known:
                _log.warning("a FastAGI connection from %s was refused; agi.permit does not name it", host)
        return known


def networks(permit: str) -> Networks:
    """The networks of `agi.permit`; raises SettingError."""
    try:
        return tuple(ipaddress.ip_network(text) for text in permit.replace(",", " ").split())
    except ValueError as error:
        allowed = "networks such as 127.0.0.0/8 192.0.2.10/32"
        raise SettingError("agi.permit", permit, f"{allowed} ({error})") from error


@asynccontextmanager
async def serving(
    settings: AgiSettings, database: Database, clock: Clock, office: Office, limits: Limits | None = None
) -> AsyncIterator[tuple[Server, Address]]:
    """A running server and the address it listens on (a port of its own if the settings say 0)."""
    permit = networks(settings.permit)
    desk = open_desk(database, clock, office, settings.deadline_ms / 1000)
    server = Server(desk, permit, limits=limits or Limits())
    try:
        await warm_up(desk)
        listening = await server.listen(settings.listen)
        async with listening:
            host, port = listening.sockets[0].getsockname()[:2]
            yield server, Address(host, port)
            listening.close()
            await server.stop()
    finally:
        await desk.aclose()


async def warm_up(desk: Desk) -> None:
    """Ask once before anybody calls, so that the first caller does not wait for statements to be compiled."""
    asked = Request({"callerid": "0312345678"})
    caller = await desk.who(read_caller(asked), "0312345678")
    _log.info("a look-up on trial said: %s", caller.kind)


async def run(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Serve until cancelled. Raises SettingError for an `agi.permit` that is none."""
    async with serving(settings.agi, database, clock, office) as (_, address):
        _log.info("FastAGI listens on %s", address)
        await asyncio.Event().wait()
